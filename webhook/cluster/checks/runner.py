"""Run checks in order: what needs a check that failed, or a right that is known to be missing, is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Check, Failed, Outcome, Result, Skipped, State
from webhook.cluster.checks.refusals import refused
from webhook.errors import ClusterError
from webhook.injection.check_codes import CheckCode

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
        return (_without_right(context, error.said),)


def _without_right(context: Context, message: str) -> Outcome:
    """What becomes of a check that the API server refuses by `message`: a right that was told as missing is enough."""
    found = refused(message)
    if found is None:
        return Failed(CheckCode.FORBIDDEN, message, "have the right granted that the API server names")
    user, right = found
    if any(right.anywhere == lacking.anywhere for lacking in context.lacking):
        return Skipped(f"{user} may not {right}")
    return Failed(CheckCode.FORBIDDEN, f"{user} may not {right}", "let an administrator grant it")
