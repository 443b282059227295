"""All checks there are, in the order in which they are run."""

from __future__ import annotations

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
