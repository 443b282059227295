"""Group "cluster": its version, and the rights that the service has in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed
from webhook.cluster.checks.shipped import Right, service_rights
from webhook.injection.check_codes import CheckCode

OLDEST: Final = (1, 30)
"""The first version with matchConditions and ValidatingAdmissionPolicy in v1."""
INSTALL: Final = "deploy/apply.sh NAMESPACE --overlay OVERLAY"
"""The command that brings everything to what is shipped; the two words are the reader's."""
_REVIEWS: Final = "/apis/authorization.k8s.io/v1"


class _Version(msgspec.Struct, rename="camel"):
    git_version: str = ""
    major: str = ""
    minor: str = ""


class _Verdict(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    status: _Verdict = msgspec.field(default_factory=_Verdict)


def kubernetes_version(context: Context) -> Iterator[Outcome]:
    """Whether the API server has what the webhook configuration needs."""
    version = context.api.get("/version", {}, _Version)
    numbers = [re.match(r"\d+", text) for text in (version.major, version.minor)]
    if all(numbers) and tuple(int(number[0]) for number in numbers if number) < OLDEST:
        yield Failed(
            CheckCode.OLD_KUBERNETES,
            f"the API server is {version.git_version}; needed: 1.30 or newer",
            "upgrade the cluster; until then no version of this webhook works there",
        )
    else:
        yield Passed(version.git_version)


def service_has_rights(context: Context) -> Iterator[Outcome]:
    """Whether the ServiceAccount may do what the service does."""
    installed = context.installation
    missing = without(context, service_rights(installed), user=installed.user)
    if missing:
        yield Failed(
            CheckCode.SERVICE_RIGHTS,
            f"{installed.user} may not {listed(missing)}",
            f"apply the shipped roles and bindings again: {INSTALL}",
        )
    else:
        yield Passed(installed.user)


def without(context: Context, rights: Iterable[Right], *, user: str) -> list[Right]:
    """Those of `rights` that `user` has not; whoever asks about itself needs no right to ask."""
    is_self = user == context.user
    kind = "SelfSubjectAccessReview" if is_self else "SubjectAccessReview"
    return [right for right in rights if not _is_allowed(context, right, kind, {} if is_self else _subject(user))]


def _subject(user: str) -> dict[str, Any]:
    namespace = user.split(":")[2]
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    return {"user": user, "groups": groups}


def _is_allowed(context: Context, right: Right, kind: str, subject: dict[str, Any]) -> bool:
    spec = {**subject, "resourceAttributes": right.attributes}
    document = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    return context.api.create(f"{_REVIEWS}/{kind.lower()}s", document, _Review).status.allowed


def listed(items: Sequence[object], most: int = 5) -> str:
    """The first of `items`, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{', '.join(map(str, items[:most]))}{more}"


CHECKS: Final = (
    Check(
        group=Group.CLUSTER,
        name="kubernetes-version",
        title="Kubernetes is 1.30 or newer",
        run=kubernetes_version,
    ),
    Check(
        group=Group.CLUSTER,
        name="service-rights",
        title="the service has the rights that it uses",
        run=service_has_rights,
        needs=("kubernetes-version",),  # an older API server has not what tells who asks
    ),
)
