"""The first check of all: may whoever asks look at everything? What each check reads, and the manifest that grants it.

All rights that are missing are told at once; a check that then meets one of them is skipped (see the runner).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from webhook.cluster.checks.admission import TRIALS, USUAL
from webhook.cluster.checks.cluster import without
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Warned
from webhook.cluster.checks.shipped import ADMISSION, RBAC, Right
from webhook.injection.check_codes import CheckCode

Object = dict[str, Any]
_Reads = Callable[[Context], Iterable[Right]]

NAME: Final = "rights"
GRANTED: Final = "ray-webhook-check"
"""The ClusterRole that grants what is missing, and how its bindings' names begin."""
_STRONG: Final = {("list", "secrets"), ("create", "pods")}
"""Whoever reads Secrets or creates pods may become anybody: no check is worth that."""
_NOT_IN_A_NAME: Final = re.compile("[/%]")


def _list(group: str, resource: str) -> _Reads:
    return lambda _: [Right(verb="list", group=group, resource=resource)]


def _own(resource: str, name: Callable[[Context], str] = lambda _: "", group: str = "") -> _Reads:
    """What is in the webhook's own namespace, of a name or all."""

    def reads(context: Context) -> Iterator[Right]:
        own, of_name = context.installation.namespace, name(context)
        yield Right(verb="list", group=group, resource=resource, name=of_name, namespace=own)

    return reads


def _configuration(context: Context) -> Iterator[Right]:
    kind, name = "mutatingwebhookconfigurations", context.installation.configuration
    yield Right(verb="list", group=ADMISSION, resource=kind, name=name)


def _reading(context: Context) -> Iterator[Right]:
    """Settings and targets."""
    for name in context.installation.settings_names:
        yield Right(verb="list", group="", resource="configmaps", name=name)
    for resource in ("rayclusters", "rayservices"):
        yield Right(verb="list", group="ray.io", resource=resource)


def _secret(context: Context) -> Iterator[Right]:
    installed = context.installation
    if installed.secret:
        named = {"resource": "secrets", "name": installed.secret, "namespace": installed.namespace}
        yield Right(verb="list", group="", **named)


def _trial(context: Context) -> Iterator[Right]:
    if not context.installation.observes:
        place = context.given.trial_namespace or USUAL
        yield Right(verb="create", group="", resource="pods", namespace=place)


def _review(_: Context) -> Iterator[Right]:
    yield Right(verb="create", group="authorization.k8s.io", resource="subjectaccessreviews")


_NAMESPACES: Final = _list("", "namespaces")
_DEPLOYMENT: Final = _own("deployments", lambda context: context.given.deployment, "apps")
_POLICIES: Final = tuple(_list(ADMISSION, f"validatingadmissionpolic{end}") for end in ("ies", "ybindings"))
_BEHIND: Final = (_NAMESPACES, _list("", "services"), _list("", "pods"))
_READS: Final[dict[str, tuple[_Reads, ...]]] = {
    "free-names": (_configuration, _DEPLOYMENT),
    "namespace": (_NAMESPACES, _own("pods")),
    "service-rights": (_review,),
    "configuration": (_configuration,),
    "service": (_own("services", lambda context: context.installation.service),),
    "secret": (_secret,),
    "deployment": (_DEPLOYMENT,),
    "ready": (_own("pods"),),
    "settings": (_reading,),
    "settings-valid": (_reading,),
    "bare-hosts": (_reading, _NAMESPACES, _list("", "services")),
    "default-clients": (_reading, _NAMESPACES),
    "namespace-labels": (_NAMESPACES,),
    "trial-namespace": (_NAMESPACES,),
    **dict.fromkeys(TRIALS, (_reading, _NAMESPACES, _trial)),
    "trial-bad-role": (_NAMESPACES, _trial),
    "policies": _POLICIES,
    "policy-types": _POLICIES,
    "guard-parameter": (*_POLICIES, _configuration),
    "guard-mode": _POLICIES,
    "ray-targets": (_reading,),
    "ray-versions": (_reading,),
    "ray-services": (_reading, *_BEHIND),
    "network-policies": (_reading, *_BEHIND, _list("networking.k8s.io", "networkpolicies")),
    "inside": (_reading,),
}
"""By the check's name; those of others, such as ``/version``, everybody has."""


def used(checks: Iterable[Check], context: Context) -> list[Right]:
    """What these checks read, each right once, in the order in which they read it."""
    return list(
        dict.fromkeys(right for check in checks for reads in _READS.get(check.name, ()) for right in reads(context))
    )


def first_of(checks: Sequence[Check], group: Group) -> Check:
    """The check that comes before `checks`, and says what of theirs may not be looked at."""

    def run(context: Context) -> Iterator[Outcome]:
        missing = without(context, used(checks, context), user=context.user)
        context.lacking = tuple(missing)
        yield _outcome(context.user, missing)

    title = "you have the rights that the checks need"
    return Check(group=group, name=NAME, title=title, run=run, needs=("kubernetes-version",))


def _outcome(user: str, missing: Sequence[Right]) -> Outcome:
    if not missing:
        return Passed(user)
    told = [right for right in missing if right.anywhere == right or right.anywhere not in missing]
    detail = f"{user} may not {', '.join(map(str, told))}"
    grantable = [right for right in missing if not is_strong(right)]
    strong = sorted({f"{right.verb} {right.resource}" for right in missing if is_strong(right)})
    apart = (
        f"to {' and to '.join(strong)} is too strong a right for this: an administrator's own ray-webhook check has it"
    )
    if not grantable:
        return Warned(CheckCode.FORBIDDEN, detail, apart)
    grant = "ray-webhook check --rights >rights.yaml, and let an administrator run: kubectl apply -f rights.yaml"
    return Failed(CheckCode.FORBIDDEN, detail, f"{grant}; {apart}" if strong else grant)


def is_strong(right: Right) -> bool:
    """Whether nobody should be given it for a check alone."""
    return (right.verb, right.resource) in _STRONG


def granting(user: str, rights: Iterable[Right]) -> list[Object]:
    """The objects that give `user` those of `rights` that are not too strong; applying them again changes nothing."""
    version = {"apiVersion": f"{RBAC}/v1"}
    name = f"{GRANTED}:{_NOT_IN_A_NAME.sub('-', user)}"
    return [
        {**version, "kind": "ClusterRole", "metadata": {"name": name}, "rules": _rules(rights)},
        {
            **version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        },
    ]


def _rules(rights: Iterable[Right]) -> list[Object]:
    """A rule for each verb on each resource, of some names or all."""
    names: dict[tuple[str, str, str], set[str]] = {}
    for right in rights:
        if not is_strong(right):
            names.setdefault((right.group, right.resource, right.verb), set()).add(right.name)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        | ({} if "" in of_names else {"resourceNames": sorted(of_names)})
        for (group, resource, verb), of_names in names.items()
    ]
