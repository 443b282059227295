"""PodDisruptionBudgets: whether some pods may be taken away now."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.selectors import LabelSelector
from webhook.injection.routing import Labels


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    generation: int = 0


class _Spec(msgspec.Struct):
    selector: LabelSelector | None = None


class _Status(msgspec.Struct, rename="camel"):
    disruptions_allowed: int = 0
    observed_generation: int = 0


class Budget(msgspec.Struct):
    """A PodDisruptionBudget."""

    metadata: _Metadata
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)

    def selects(self, labels: Labels) -> bool:
        """Whether pods with these `labels` are among those that it counts."""
        selector = self.spec.selector
        return selector is not None and selector.unmet(labels) is None

    def forbids(self, pods: int) -> bool:
        """Whether it lets fewer go; one that is not counted yet lets none."""
        is_counted = self.status.observed_generation >= self.metadata.generation
        return not is_counted or self.status.disruptions_allowed < pods


def selecting(api: Api, namespace: str, labels: Labels, *, page: int) -> list[Budget]:
    """The budgets that count pods with these `labels`.

    Raises:
        ClusterError: the budgets could not be had.
    """
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    answers = pages(api, path, {}, Page[Budget], size=page, may_change=True)
    return [budget for answer in answers for budget in answer.items or () if budget.selects(labels)]


def forbidding(budgets: Iterable[Budget], *, pods: int) -> str | None:
    """What forbids that as many `pods` go at once, or None."""
    for budget in budgets:
        if budget.forbids(pods):
            metadata, allowed = budget.metadata, budget.status.disruptions_allowed
            wanted = f", and {pods} would go at once" if pods > 1 else ""
            return f"PodDisruptionBudget {metadata.namespace}/{metadata.name} allows {allowed} disruptions{wanted}"
    return None
