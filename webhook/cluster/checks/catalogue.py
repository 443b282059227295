"""All checks there are, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Final

from webhook.cluster.checks import (
    admission,
    before,
    certificates,
    cluster,
    configuration,
    policies,
    ray,
    reach,
    replicas,
    rights,
    settings,
)
from webhook.cluster.checks.outcome import Check, Group

_LOOKING: Final[tuple[Check, ...]] = (
    *cluster.CHECKS,
    *configuration.CHECKS,
    *certificates.CHECKS,
    *replicas.CHECKS,
    *settings.CHECKS,
    *admission.CHECKS,
    *policies.CHECKS,
    *ray.CHECKS,
    *reach.CHECKS,
)


def chosen(groups: Collection[str]) -> list[Check]:
    """Of an installation the checks of these groups, with those that they need; all where none is named."""
    wanted: set[str] = set()
    for check in reversed(_LOOKING):
        if not groups or check.group in groups or check.name in wanted:
            wanted |= {check.name, *check.needs}
    return _with_rights([check for check in _LOOKING if check.name in wanted], Group.CLUSTER)


def _with_rights(checks: Sequence[Check], group: Group) -> list[Check]:
    """These checks, and before the first that any right is needed for the one of the rights."""
    free = list(takewhile(lambda check: check.name == "kubernetes-version", checks))
    return [*free, rights.first_of(checks, group), *checks[len(free) :]]


BEFORE: Final = tuple(_with_rights(before.CHECKS, Group.BEFORE))
"""Before an installation."""
INSTALLED: Final = tuple(chosen(()))
"""Of an installation."""
