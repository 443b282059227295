"""Label selectors, as Kubernetes reads them (k8s.io/apimachinery, metav1.LabelSelectorAsSelector)."""

from __future__ import annotations

import msgspec

from webhook.injection.routing import Labels


def selects(selector: object, labels: Labels) -> bool:
    """Whether a selector, as decoded JSON, selects."""
    return msgspec.convert(selector, LabelSelector).unmet(labels) is None


class Requirement(msgspec.Struct):
    """An entry of ``matchExpressions``."""

    key: str
    operator: str
    values: list[str] | None = None

    def matches(self, labels: Labels) -> bool:
        """Whether `labels` meet it; an operator that there is not is met by none."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in (self.values or ())
            case "NotIn":
                return self.key not in labels or labels[self.key] not in (self.values or ())
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                return False

    @property
    def query(self) -> str:
        """As the query ``labelSelector`` spells it."""
        listed = f"({','.join(self.values or ())})"
        spelt = {"In": f"{self.key} in {listed}", "NotIn": f"{self.key} notin {listed}", "DoesNotExist": f"!{self.key}"}
        return spelt.get(self.operator, self.key)


class LabelSelector(msgspec.Struct, rename="camel"):
    """A selector; an empty one selects everything."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None

    def unmet(self, labels: Labels) -> Requirement | None:
        """The first requirement that `labels` do not meet, or None where they are selected."""
        return next((item for item in self._requirements if not item.matches(labels)), None)

    @property
    def query(self) -> str:
        """As the query ``labelSelector`` spells it."""
        return ",".join(item.query for item in self._requirements)

    @property
    def _requirements(self) -> list[Requirement]:
        pairs = (self.match_labels or {}).items()
        equal = [Requirement(key=key, operator="In", values=[value]) for key, value in pairs]
        return [*equal, *(self.match_expressions or ())]
