"""The kinds that have pods, by the names that kubectl takes for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webhook.errors import UsageError
from webhook.injection.settings import is_dns_subdomain


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of the API.

    Attributes:
        group: empty for the core's.
        short: kubectl's short name, or None.
    """

    name: str
    group: str
    version: str = "v1"
    short: str | None = None

    @property
    def resource(self) -> str:
        """The plural, as paths have it."""
        return f"{self.name.lower()}s"

    def path(self, namespace: str, name: str = "") -> str:
        """The path of an object, or of the kind's objects of a namespace."""
        api = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{api}/namespaces/{namespace}/{self.resource}/{name}".rstrip("/")

    @property
    def _names(self) -> set[str]:
        plain = {self.name.lower(), self.resource}
        full = {f"{name}.{self.group}" for name in plain} | {f"{name}.{self.version}.{self.group}" for name in plain}
        return plain | (full if self.group else set()) | ({self.short} if self.short else set())

    def is_called(self, name: str) -> bool:
        """Whether kubectl would take `name` for this kind."""
        return name.lower() in self._names


KINDS: Final = (
    Kind(name="Pod", group="", short="po"),
    Kind(name="Deployment", group="apps", short="deploy"),
    Kind(name="StatefulSet", group="apps", short="sts"),
    Kind(name="DaemonSet", group="apps", short="ds"),
    Kind(name="ReplicaSet", group="apps", short="rs"),
    Kind(name="ReplicationController", group="", short="rc"),
    Kind(name="Job", group="batch"),
    Kind(name="CronJob", group="batch", short="cj"),
    Kind(name="RayCluster", group="ray.io"),
    Kind(name="RayService", group="ray.io"),
    Kind(name="RayJob", group="ray.io"),
    Kind(name="RayCronJob", group="ray.io"),
)


def kind_of(name: str, group: str) -> Kind | None:
    """The kind of an owner reference, if it is one of these."""
    return next((kind for kind in KINDS if (kind.name, kind.group) == (name, group)), None)


def parse_target(words: Sequence[str]) -> tuple[Kind, str]:
    """The kind and name in ``KIND/NAME`` or ``KIND NAME``.

    Raises:
        UsageError: there is neither, the kind is not known, or no object can have the name.
    """
    parts = words[0].split("/") if len(words) == 1 else list(words)
    expected = 2
    if len(parts) != expected or not all(parts):
        raise UsageError("the object to explain", value=" ".join(words), allowed="KIND/NAME", fix="give one")
    kind = next((kind for kind in KINDS if kind.is_called(parts[0])), None)
    if kind is None:
        allowed = ", ".join(f"{kind.name.lower()}" + (f" ({kind.short})" if kind.short else "") for kind in KINDS)
        raise UsageError("the kind to explain", value=parts[0], allowed=allowed, fix="give a kind that has pods")
    if not is_dns_subdomain(parts[1]):
        raise UsageError(f"the name of the {kind.name}", value=parts[1], allowed="a DNS name", fix="mend it")
    return kind, parts[1]
