"""What a family of findings knows beside its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from webhook import contract
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot


class Tree(Protocol):
    """The files around a file, asked by their paths."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder at `path`."""


class NoTree:
    """Of a text that is in no folder: every path is taken to exist."""

    def exists(self, path: str) -> bool:  # noqa: ARG002  one answer for all
        """Whether there is a file or folder at `path`."""
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a family of findings knows beside its file.

    Attributes:
        settings: those that the user gave to compare with; without them nothing is known of values.
        settings_names: what the ConfigMaps with settings are called.
        webhook_namespace: where the cluster-wide settings are.
        tree: the files around.
    """

    settings: Settings | None = None
    settings_names: frozenset[str] = frozenset({contract.SETTINGS_NAME})
    webhook_namespace: str = contract.WEBHOOK_NAMESPACE
    tree: Tree = field(default_factory=NoTree)

    @property
    def snapshot(self) -> Snapshot:
        """What the rule book is asked with."""
        return Snapshot(cluster_wide=self.settings, webhook_namespace=self.webhook_namespace)
