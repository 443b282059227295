"""All checks there are, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Collection
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
    settings,
)
from webhook.cluster.checks.outcome import Check

BEFORE: Final[tuple[Check, ...]] = before.CHECKS
"""Before an installation."""
INSTALLED: Final[tuple[Check, ...]] = (
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
"""Of an installation."""


def chosen(groups: Collection[str]) -> list[Check]:
    """Of an installation the checks of these groups, with those that they need; all where none is named."""
    wanted: set[str] = set()
    for check in reversed(INSTALLED):
        if not groups or check.group in groups or check.name in wanted:
            wanted |= {check.name, *check.needs}
    return [check for check in INSTALLED if check.name in wanted]
