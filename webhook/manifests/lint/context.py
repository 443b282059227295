"""What a family of findings knows beside its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from webhook import contract
from webhook.injection.settings import AllowedReference, Settings
from webhook.injection.snapshot import Snapshot
from webhook.manifests.lint.index import Index

_UNKNOWN: Final = "unknown.invalid"

UNKNOWN_SETTINGS: Final = Settings(
    source="",
    values=MappingProxyType(
        {
            contract.RAY_HOST: _UNKNOWN,
            contract.RAY_NAMESPACE: _UNKNOWN,
        }
    ),
    allowed_references=(AllowedReference(from_namespace="*", to_namespace="*", name="*"),),
)
"""In the place of settings that are not known: all keys are there, and no declared value is one of theirs."""


class Tree(Protocol):
    """The files around a file, asked by their paths."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder at `path`."""

    def read(self, path: str) -> str | None:
        """The text of the file at `path`, or None where there is none that can be read."""


class NoTree:
    """Of a text that is in no folder: every path is taken to exist, and nothing can be read."""

    def exists(self, path: str) -> bool:  # noqa: ARG002  one answer for all
        """Whether there is a file or folder at `path`."""
        return True

    def read(self, path: str) -> str | None:  # noqa: ARG002  one answer for all
        """The text of the file at `path`."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a family of findings knows beside its file.

    Attributes:
        settings: those that the user gave to compare with; without them nothing is known of values.
        settings_names: what the ConfigMaps with settings are called.
        webhook_namespace: where the cluster-wide settings are.
        tree: the files around.
        index: what the files that are linted together say of each other.
    """

    settings: Settings | None = None
    settings_names: frozenset[str] = frozenset({contract.SETTINGS_NAME})
    webhook_namespace: str = contract.WEBHOOK_NAMESPACE
    tree: Tree = field(default_factory=NoTree)
    index: Index = field(default_factory=Index)

    @property
    def snapshot(self) -> Snapshot:
        """What the rule book is asked with."""
        return Snapshot(cluster_wide=self.settings or UNKNOWN_SETTINGS, webhook_namespace=self.webhook_namespace)
