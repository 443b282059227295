"""Group "replicas": as many as wanted are there, ready, and of the version of this command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from webhook import __version__
from webhook.cluster.checks.cluster import INSTALL
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.installation import service_container
from webhook.cluster.checks.objects import Item, dicts, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.errors import escape
from webhook.injection.check_codes import CheckCode

_TAG: Final = re.compile(r":(v?\d+\.\d+\.\d+[-+.\w]*)(@|$)")
_REASON: Final = 200
"""Characters of a reason that Kubernetes gives."""


def is_there(context: Context) -> Iterator[Outcome]:
    """Whether there is a Deployment."""
    given = context.given
    if context.deployment is None:
        yield Failed(
            CheckCode.NO_DEPLOYMENT,
            f"there is no Deployment {given.namespace}/{given.deployment}",
            f"install it: {INSTALL}; or say where it is with --webhook-namespace and --deployment",
        )
    else:
        yield Passed(context.deployment.name)


def are_ready(context: Context) -> Iterator[Outcome]:
    """Whether all replicas that are wanted answer, and all are of the newest revision."""
    deployment = _deployment(context)
    wanted, ready = _wanted(deployment), part(deployment.status, int, "readyReplicas") or 0
    reasons = "; ".join(_reasons(context, deployment))
    rollout = f"kubectl rollout status deployment/{deployment.metadata.name} -n {deployment.metadata.namespace}"
    if ready < max(wanted, 1):
        yield Failed(
            CheckCode.NOT_READY,
            f"{ready} of {wanted} are ready: {reasons or 'no pod says why'}",
            f"kubectl scale deployment/{deployment.metadata.name} -n {deployment.metadata.namespace} --replicas=2"
            if wanted == 0
            else f"kubectl describe pods -n {deployment.metadata.namespace} -l {_labels(deployment)}; {rollout}",
        )
    elif behind := _behind(deployment, wanted):
        yield Failed(CheckCode.NOT_CURRENT, f"{behind}: {reasons}" if reasons else behind, rollout)
    else:
        yield Passed(f"{ready} of {wanted}")


def _behind(deployment: Item, wanted: int) -> str:
    """What is not of the newest revision: old replicas stay, and are ready, as long as the new ones are not."""
    status = deployment.status
    there, updated, seen = (
        part(status, int, key) or 0 for key in ("replicas", "updatedReplicas", "observedGeneration")
    )
    if seen < deployment.metadata.generation:
        return "the newest revision has not been begun"
    there = max(there, wanted)
    return f"{there - updated} of {there} are not of the newest revision" if updated < there else ""


def _deployment(context: Context) -> Item:
    """The Deployment, which is known to be there: no check runs without."""
    assert context.deployment is not None  # noqa: S101  for the type checker
    return context.deployment


def _wanted(deployment: Item) -> int:
    found = part(deployment.spec, int, "replicas")
    return 1 if found is None else found


def _selector(deployment: Item) -> dict[str, str]:
    return part(deployment.spec, dict, "selector", "matchLabels") or {}


def _labels(deployment: Item) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(_selector(deployment).items()))


def _reasons(context: Context, deployment: Item) -> Iterator[str]:
    """Why pods are not ready, as they themselves tell it."""
    place = f"/api/v1/namespaces/{deployment.metadata.namespace}/pods"
    for pod in context.items(place, labels=_selector(deployment)):
        conditions = {str(one.get("type")): one for one in dicts(pod.status, "conditions")}
        if part(conditions, str, "Ready", "status") != "True":
            yield f"{pod.metadata.name} {_reason(pod, conditions)}"


def _reason(pod: Item, conditions: dict[str, dict[str, Any]]) -> str:
    for container in dicts(pod.status, "containerStatuses"):
        for state in ("waiting", "terminated"):
            if reason := part(container, str, "state", state, "reason"):
                return _told(reason, part(container, str, "state", state, "message"))
    for kind in ("PodScheduled", "Ready"):
        found = conditions.get(kind, {})
        if found.get("status") == "False":
            return _told(str(found.get("reason")), part(found, str, "message"))
    return f"is {part(pod.status, str, 'phase') or 'Pending'}"


def _told(reason: str, message: str | None) -> str:
    return escape(f"{reason} ({message[:_REASON]})" if message else reason)


def have_this_version(context: Context) -> Iterator[Outcome]:
    """Whether service and command line judge by the same rules, as far as the image's tag tells."""
    image = part(service_container(part(_deployment(context).spec, dict, "template", "spec")), str, "image") or ""
    found = _TAG.search(image)
    if found is None:
        yield Skipped(f"the image {escape(image)} has no version in its tag; the trial pods tell it as well")
    elif found[1].removeprefix("v") != __version__:
        yield Warned(
            CheckCode.OTHER_VERSION,
            f"the Deployment runs {found[1]}, and this is ray-webhook {__version__}",
            f"pip install 'ray-webhook[server]=={found[1].removeprefix('v')}', or install this version: {INSTALL}",
        )
    else:
        yield Passed(__version__)


def are_several(context: Context) -> Iterator[Outcome]:
    """Whether one may go."""
    deployment = _deployment(context)
    if _wanted(deployment) < 2:  # noqa: PLR2004  one is not several
        place = f"deployment/{deployment.metadata.name} -n {deployment.metadata.namespace}"
        yield Warned(CheckCode.SINGLE, f"{_wanted(deployment)} is wanted", f"kubectl scale {place} --replicas=2")


CHECKS: Final = (
    Check(group=Group.REPLICAS, name="deployment", title="the Deployment is there", run=is_there),
    Check(group=Group.REPLICAS, name="ready", title="all replicas are ready", run=are_ready, needs=("deployment",)),
    Check(
        group=Group.REPLICAS,
        name="version",
        title="they are of this version",
        run=have_this_version,
        needs=("deployment",),
    ),
    Check(group=Group.REPLICAS, name="several", title="there are several", run=are_several, needs=("deployment",)),
)
