"""PodDisruptionBudgets: whether some pods may be taken away now."""

from __future__ import annotations

import msgspec

from webhook.cluster.client import Api
from webhook.cluster.lists import Page, pages
from webhook.cluster.selectors import LabelSelector
from webhook.injection.routing import Labels


class _Metadata(msgspec.Struct):
    name: str
    generation: int = 0


class _Spec(msgspec.Struct):
    selector: LabelSelector | None = None


class _Status(msgspec.Struct, rename="camel"):
    disruptions_allowed: int = 0
    observed_generation: int = 0


class _Budget(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)

    def forbids(self, labels: Labels, pods: int) -> bool:
        """Whether it selects pods with these `labels` and lets fewer go; one that is not counted yet lets none."""
        selector = self.spec.selector
        if selector is None or selector.unmet(labels):
            return False
        is_counted = self.status.observed_generation >= self.metadata.generation
        return not is_counted or self.status.disruptions_allowed < pods


def forbidding(api: Api, namespace: str, labels: Labels, *, pods: int, page: int) -> str | None:
    """What forbids that as many `pods` with these `labels` go at once, or None.

    Raises:
        ClusterError: the budgets could not be had.
    """
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    for answer in pages(api, path, {}, Page[_Budget], size=page, may_change=True):
        for budget in answer.items or ():
            if budget.forbids(labels, pods):
                allowed = budget.status.disruptions_allowed
                wanted = f", and {pods} would go at once" if pods > 1 else ""
                return f"PodDisruptionBudget {namespace}/{budget.metadata.name} allows {allowed} disruptions{wanted}"
    return None
