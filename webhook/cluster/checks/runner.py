"""Run checks in order: what needs a check that failed is skipped, and a missing right is a failure like others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Check, Failed, Outcome, Result, Skipped, State
from webhook.errors import ClusterError
from webhook.injection.check_codes import CheckCode

_FORBIDDEN: Final = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>[a-z]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)"| at the cluster scope)?'
)
"""How the API server's RBAC refuses, tried on 1.36."""


_BECAME: Final = {State.FAILED: "failed", State.SKIPPED: "was skipped"}


def run(checks: Iterable[Check], context: Context) -> Iterator[Result]:
    """The results, one after the other.

    Raises:
        ClusterError: the API server cannot be reached or is sick, so that nothing can be said.
    """
    done: dict[str, Result] = {}
    for check in checks:
        done[check.name] = Result(check=check, outcomes=_outcomes(check, context, done))
        yield done[check.name]


def _outcomes(check: Check, context: Context, done: Mapping[str, Result]) -> tuple[Outcome, ...]:
    missing = [done[name] for name in check.needs if name in done and done[name].state in _BECAME]
    if missing:
        first = missing[0]
        return (Skipped(f'it needs "{first.check.title}", which {_BECAME[first.state]}'),)
    try:
        return tuple(check.run(context))
    except ClusterError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return (forbidden(error.said),)


def is_missing_right(error: ClusterError) -> bool:
    """Whether the API server refuses for want of a right, and not by a policy, a quota or a webhook."""
    return error.status == HTTPStatus.FORBIDDEN and _FORBIDDEN.search(error.said) is not None


def forbidden(message: str) -> Failed:
    """The failure of a check that the API server refuses by `message`, with the commands that grant the right."""
    found = _FORBIDDEN.search(message)
    if found is None:
        return Failed(CheckCode.FORBIDDEN, message, "have the right granted that the API server names")
    where = f" in {found['namespace']}" if found["namespace"] else ""
    resource = ".".join(filter(None, (found["resource"], found["group"])))
    detail = f"{found['user']} may not {found['verb']} {resource}{where}"
    name = f"ray-webhook-check-{found['verb']}-{resource.replace('/', '-')}"
    kind = "role" if found["namespace"] else "clusterrole"
    place = f" -n {found['namespace']}" if found["namespace"] else ""
    words = (
        f"kubectl create {kind} {name}{place} --verb={found['verb']} --resource={resource}",
        f"kubectl create {kind}binding {name}{place} --{kind}={name} --user={shlex.quote(found['user'])}",
    )
    return Failed(CheckCode.FORBIDDEN, detail, " && ".join(words))
