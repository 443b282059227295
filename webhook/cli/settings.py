"""``ray-webhook settings``: settings checked before they are applied, by the parsers of the service itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from webhook import contract
from webhook.cli.cluster_flags import settings_name_option, settings_names, webhook_namespace_option
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.errors import UsageError, escape
from webhook.injection.envfile import parse_env_file
from webhook.injection.findings import FindingCode
from webhook.injection.settings import parse_settings
from webhook.manifests.documents import Document, parse_documents

_Fault = tuple[FindingCode, str]


@click.command("settings")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@option("--manifest", "-f", multiple=True, help="Manifests, whose ConfigMaps with settings are checked; - for stdin.")
@settings_name_option
@webhook_namespace_option("--webhook-namespace")
@no_color_option
def command(files: Sequence[str], manifest: Sequence[str], *, no_color: bool, **flags: Any) -> int:
    """Check settings files, one KEY=VALUE a line, and the ConfigMaps ray-settings of manifests.

    The exit status is 1 if a line or key is not allowed, or has no effect.
    """
    if not files and not manifest:
        raise UsageError("nothing to check is given", allowed="FILE, or --manifest FILE", fix="give one of them")
    names = settings_names(flags["settings_name"])
    own = flags["webhook_namespace"] or contract.WEBHOOK_NAMESPACE
    checked = {describe_input(file): list(_file_faults(file)) for file in files}
    for file in manifest:
        for document in parse_documents(read_input(file), source=describe_input(file)):
            if document["kind"] == "ConfigMap" and _metadata(document).get("name") in names:
                checked |= {_name(document): list(_map_faults(document, own))}
    style = Style(no_color=no_color)
    for source, faults in checked.items():
        for code, text in faults:
            click.echo(f"{style(code, 'red')} {escape(f'{source}, {text}')}")
    if not any(checked.values()):
        click.echo(f"{len(checked)} checked, all good")
    return int(any(checked.values()))


def _file_faults(file: str) -> Iterator[_Fault]:
    parsed = parse_env_file(read_input(file), source=describe_input(file))
    yield from ((FindingCode.BROKEN_SETTINGS, fault) for fault in parsed.faults)
    yield from ((FindingCode.IGNORED_SETTING, ignored) for ignored in parsed.ignored)


def _map_faults(document: Document, own: str) -> Iterator[_Fault]:
    data = document.get("data")
    texts = {key: text for key, text in data.items() if isinstance(text, str)} if isinstance(data, dict) else {}
    is_cluster_wide = _metadata(document).get("namespace") == own
    settings = parse_settings(texts, source=_name(document), cluster_wide=is_cluster_wide)
    yield from ((FindingCode.BROKEN_SETTINGS, f"{key} {fault}") for key, fault in settings.broken.items())
    yield from ((FindingCode.IGNORED_SETTING, f"{key} is ignored: {why}") for key, why in settings.ignored.items())


def _name(document: Document) -> str:
    metadata = _metadata(document)
    return f"ConfigMap {metadata.get('namespace') or 'default'}/{metadata.get('name')}"


def _metadata(document: Document) -> Mapping[str, Any]:
    metadata = document.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
