"""Flags that stand for what a service is told and a manifest leaves out, for commands that decide about manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from webhook import contract
from webhook.cli.output import option, read_input
from webhook.contract import Role
from webhook.errors import escape, quote_path
from webhook.injection.envfile import good_settings
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot
from webhook.manifests.decisions import targets_of
from webhook.manifests.documents import Document
from webhook.manifests.outcomes import Given

_Command = TypeVar("_Command", bound=Callable[..., Any])
_ASSUMED: Final = "default"
"""The namespace where neither the manifest nor a flag names one, as for kubectl."""


def given_options(command: _Command) -> _Command:
    """``--namespace``, ``--settings``, ``--default-role`` and ``--cluster-domain``."""
    settings = click.Path(path_type=Path)
    roles = click.Choice([Role.CLIENT.value])
    for decorate in (
        option(
            "--cluster-domain",
            default=contract.CLUSTER_DOMAIN,
            show_default=True,
            help="What ends a Service's full name.",
        ),
        option("--default-role", type=roles, help="The namespace's label ray.seedcore.io/default-role."),
        option("--settings", type=settings, help="Settings file; without it the built-in settings hold."),
        option("--namespace", "-n", help="Namespace of manifests that name none; default, if this is not given."),
    ):
        command = decorate(command)
    return command


def read_given(flags: Mapping[str, Any], documents: Iterable[Document]) -> Given:
    """What the flags say, with the RayClusters and RayServices among the `documents`.

    Raises:
        InputError, SettingsError: the settings file cannot be read, or is broken.
    """
    namespace = flags["namespace"] or _ASSUMED
    snapshot = Snapshot(
        cluster_wide=given_settings(flags["settings"]),
        targets=targets_of(documents, namespace=namespace),
        cluster_domain=flags["cluster_domain"],
    )
    default_role = Role(flags["default_role"]) if flags["default_role"] else None
    is_assumed = flags["namespace"] is None
    return Given(snapshot=snapshot, namespace=namespace, is_assumed=is_assumed, default_role=default_role)


def given_settings(path: Path | None) -> Settings | None:
    """The settings in the file at `path`, where one is given.

    Raises:
        InputError, SettingsError: it cannot be read, or is broken.
    """
    if path is None:
        return None
    text = read_input(str(path))
    return good_settings(text, name=f"settings file {quote_path(path)}", source=f"file {escape(path.name)}")
