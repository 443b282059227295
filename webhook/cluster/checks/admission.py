"""Group "admission": trial pods go through the API server, for each path and role, and nothing is stored (dryRun=All).

What comes back is judged by the rule book against what the cluster says now.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import jsonpatch
import msgspec

from webhook import __version__, contract
from webhook.cluster.checks.cluster import listed
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import dicts, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.cluster.checks.refusals import is_missing_right
from webhook.contract import Role
from webhook.errors import ClusterError, escape
from webhook.injection.check_codes import CheckCode
from webhook.injection.decision import Decision, Deny, Inject, decide_pod
from webhook.injection.reasons import Code
from webhook.injection.review import parse_pod

Object = dict[str, Any]
_DRY_RUN: Final = {"dryRun": "All"}
USUAL: Final = "default"
_CONTAINER: Final = "check"
_GUARD: Final = re.compile(r"ValidatingAdmissionPolicy '[^']*ray-webhook-guard")
"""How the API server names the policy that refuses, tried on 1.36; kustomize may have put a prefix before it."""
_KUBERAY_WORKER: Final = {
    contract.KUBERAY_NODE_TYPE: Role.WORKER.value,
    contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR,
}
_KUBERAY_ENV: Final = (
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --address=ray-webhook-check:6379"},
    {"name": contract.RAY_ADDRESS, "value": "ray://ray-webhook-check:10001"},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A pod to try.

    Attributes:
        default_role: that of the path, which the namespace has to have.
    """

    role: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    env: tuple[Mapping[str, str], ...] = ()
    default_role: Role | None = None

    @property
    def entry(self) -> str:
        """The entry of the configuration by which the pod is sent."""
        return contract.ENTRIES[self.default_role]

    def pod(self, namespace: str) -> Object:
        """Admitted everywhere where pods are restricted, by Pod Security or a quota."""
        metadata: Object = {"generateName": "ray-webhook-check-", "namespace": namespace, "labels": dict(self.labels)}
        if self.role:
            metadata["annotations"] = {contract.ROLE: self.role}
        few = {"cpu": "100m", "memory": "64Mi"}
        container: Object = {
            "name": _CONTAINER,
            "image": "registry.k8s.io/pause:3.10",
            "resources": {"requests": few, "limits": few},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        container |= {"env": list(self.env)} if self.env else {}
        restricted = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
        spec = {"automountServiceAccountToken": False, "securityContext": restricted, "containers": [container]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the API server made of a trial pod: the pod, or why it was refused."""

    pod: Object | None
    refusal: str = ""


def trial_namespace(context: Context) -> str:
    """Where pods are tried: as told, else in the namespace ``default``, else in the first that is followed."""
    followed = sorted(name for name in context.followed if not name.startswith("kube-"))
    usual = USUAL if USUAL in followed or not followed else followed[0]
    return context.given.trial_namespace or usual


def there_is_a_place(context: Context) -> Iterator[Outcome]:
    """Whether pods of the namespace are sent to the webhook at all."""
    name = trial_namespace(context)
    if name in context.followed:
        yield Passed(name)
        return
    why = "is left alone: it is the system's, the webhook's own, or has turned injection off"
    yield Failed(
        CheckCode.NOWHERE,
        f"the namespace {name} {why if name in context.namespaces else 'is not there'}",
        "name one of your workloads' with --namespace; kubectl get namespaces -L "
        f"{contract.INJECTION} shows which have turned injection off",
    )


def comes_back_right(trial: Trial, context: Context) -> Iterator[Outcome]:
    """Whether a pod gets what the rules say."""
    namespace = _place_of(trial, context)
    if context.installation.observes:
        yield Skipped("the service observes: pods are left as they are, so a trial shows nothing")
    elif namespace is None:
        yield Skipped(f"no namespace has the label {contract.DEFAULT_ROLE}={trial.default_role}")
    else:
        yield from _compared(trial, context, namespace, _tried(context, trial.pod(namespace)))


def _place_of(trial: Trial, context: Context) -> str | None:
    """The namespace of a trial; one by default is tried where the namespace says so."""
    place = trial_namespace(context)
    if trial.default_role is None:
        return place
    return place if place in context.default_clients else next(iter(context.default_clients), None)


def _tried(context: Context, pod: Object) -> Answer:
    """Create the pod without storing it; a refusal for want of a right is the runner's business."""
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
    try:
        return Answer(pod=context.api.create(path, pod, Object, query=_DRY_RUN))
    except ClusterError as error:
        if error.status in (None, HTTPStatus.UNAUTHORIZED) or is_missing_right(error):
            raise
        return Answer(pod=None, refusal=error.said)


def _compared(trial: Trial, context: Context, namespace: str, answer: Answer) -> Iterator[Outcome]:
    """What came back, beside what the rules give."""
    sent = trial.pod(namespace)
    expected = _decided(trial, context, namespace, sent)
    if answer.pod is not None:
        yield from _differing(trial, context, namespace, answer.pod, _patched(sent, expected))
    elif _GUARD.search(answer.refusal) and not isinstance(expected, Deny):
        yield _untreated(context, f"the guard refused it in {namespace}, for it was not treated: {answer.refusal}")
    else:
        yield Failed(
            CheckCode.REFUSED,
            f"in {namespace}: {answer.refusal}",
            "mend what the message names, or try elsewhere with --namespace",
        )


def _decided(trial: Trial, context: Context, namespace: str, sent: Object) -> Decision:
    pod = parse_pod(msgspec.Raw(msgspec.json.encode(sent)), commands=trial.default_role is not None)
    snapshot = context.reading.snapshot
    return decide_pod(pod, namespace=namespace, snapshot=snapshot, default_role=trial.default_role)


def _patched(sent: Object, decision: Decision) -> Object:
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    patched: Object = jsonpatch.apply_patch(sent, operations)
    return patched


def _differing(trial: Trial, context: Context, namespace: str, pod: Object, expected: Object) -> Iterator[Outcome]:
    wanted, found = _status_of(expected), _status_of(pod)
    differences = list(_differences(_env_of(expected), _env_of(pod)))
    if wanted and not found:
        yield _untreated(context, f"in {namespace} it came back as it was: {trial.entry} was not called")
    elif differences or (found and not wanted):
        yield Failed(
            CheckCode.TREATED_OTHERWISE,
            f"in {namespace}: {listed(differences, 3) or 'it was treated, and should have been left alone'}",
            f"see whether the service follows the cluster: {context.installation.logs}",
        )
    else:
        yield from _version(found)
        yield Passed(f"{wanted.get('code', 'left alone')}, {namespace}")


def _env_of(pod: Object) -> dict[str, Object]:
    """The env of the container that was sent; other webhooks may have added containers around it."""
    container = next((one for one in dicts(pod, "spec", "containers") if one.get("name") == _CONTAINER), {})
    return {str(entry.get("name")): entry for entry in dicts(container, "env")}


def _differences(expected: Mapping[str, Object], found: Mapping[str, Object]) -> Iterator[str]:
    """What of the rules' is missing or other; what others have added does not count."""
    for name, entry in expected.items():
        if found.get(name) != entry:
            told = escape(str(found[name].get("value", "valueFrom"))) if name in found else "missing"
            yield f"{name} is {told}, by the rules {escape(str(entry.get('value', 'valueFrom')))}"


def _status_of(pod: Object) -> dict[str, object]:
    """The record that the webhook has written; empty for none."""
    try:
        return msgspec.json.decode(part(pod, str, "metadata", "annotations", contract.STATUS) or "{}", type=dict)
    except (msgspec.DecodeError, RecursionError):
        return {}


def _version(status: Mapping[str, object]) -> Iterator[Outcome]:
    """Which version has answered."""
    version = escape(str(status.get("version", __version__)))
    if version != __version__:
        yield Warned(
            CheckCode.OTHER_VERSION,
            f"a replica of version {version} has answered, and this is ray-webhook {__version__}",
            f"pip install {shlex.quote(f'ray-webhook[server]=={version}')}",
        )


def _untreated(context: Context, detail: str) -> Failed:
    return Failed(CheckCode.NOT_TREATED, detail, f"see whether calls arrive: {context.installation.logs}")


def bad_role_is_refused(context: Context) -> Iterator[Outcome]:
    """Whether a mistake is told to whoever makes it."""
    if context.installation.observes:
        yield Skipped("the service observes: it refuses nothing")
        return
    namespace = trial_namespace(context)
    answer = _tried(context, Trial(role="bad").pod(namespace))
    if answer.pod is not None:
        yield Failed(
            CheckCode.NOT_REFUSED,
            f"in {namespace} a pod with the role bad was let in",
            f"see whether calls arrive: {context.installation.logs}",
        )
    elif contract.ENTRIES[None] not in answer.refusal or Code.BAD_ROLE not in answer.refusal:
        yield _untreated(context, f"in {namespace} somebody else refused it: {answer.refusal}")
    else:
        yield Passed(f"{Code.BAD_ROLE.value}, {namespace}")


TRIALS: Final[Mapping[str, tuple[str, Trial]]] = {
    "trial-client": ("a client gets its settings", Trial(role=Role.CLIENT)),
    "trial-head": ("a head gets its settings", Trial(role=Role.HEAD)),
    "trial-worker": ("a worker gets its settings", Trial(role=Role.WORKER)),
    "trial-none": ("a pod of role none is left alone", Trial(role=Role.NONE)),
    "trial-kuberay": (
        "a worker of KubeRay's gets its own address back",
        Trial(labels=_KUBERAY_WORKER, env=_KUBERAY_ENV),
    ),
    "trial-default": (
        "a client by default gets its settings",
        Trial(default_role=Role.CLIENT),
    ),
}
_NEEDS: Final = ("configuration", "ca-bundle", "trial-namespace")
CHECKS: Final = (
    Check(
        group=Group.ADMISSION,
        name="trial-namespace",
        title="there is a namespace to try in",
        run=there_is_a_place,
    ),
    *(
        Check(group=Group.ADMISSION, name=name, title=title, run=partial(comes_back_right, trial), needs=_NEEDS)
        for name, (title, trial) in TRIALS.items()
    ),
    Check(
        group=Group.ADMISSION,
        name="trial-bad-role",
        title="a pod with a bad role is refused",
        run=bad_role_is_refused,
        needs=_NEEDS,
    ),
)
