"""``ray-webhook serve``: the service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from webhook import contract
from webhook.cli.cluster_flags import cluster_domain_option, cluster_options, webhook_namespace_option
from webhook.cli.cluster_mode import check_flags, following_cluster
from webhook.cli.console import Console
from webhook.cli.flags import NamedPath
from webhook.cli.managed_certificate import ManagedCertificate, keeps_certificate, managed_certificate_options
from webhook.cli.mode import mode_option
from webhook.cli.output import option
from webhook.cluster.pod import own_namespace
from webhook.errors import UsageError
from webhook.injection.snapshot import Snapshot
from webhook.server import lifecycle
from webhook.server.followers import load_settings, show_certificate
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.pairs import PairFiles
from webhook.server.settings_file import SettingsFile
from webhook.server.state import Mode, State
from webhook.server.tls import ServingCertificate

_PORT = click.IntRange(0, 65535)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Certificate:
    """What is served, who looks after it where that is this process, and what renews its files."""

    serving: ServingCertificate
    managed: ManagedCertificate | None = None
    renew: Callable[[], object] | None = None


@click.command("serve")
@option("--host", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104  a pod serves its node
@option("--port", type=_PORT, default=8443, show_default=True, help="TLS port for admission; 0 takes a free one.")
@option("--ops-port", type=_PORT, default=8080, show_default=True, help="Plain port for health and metrics.")
@option(
    "--console-port",
    type=_PORT,
    default=8081,
    show_default=True,
    help="Plain port for the console, on 127.0.0.1 alone: kubectl port-forward.",
)
@option("--no-console", is_flag=True, help="Serve no console, and record nothing for it.")
@option("--settings", type=NamedPath(), help="Settings file in place of a cluster; followed.")
@cluster_options
@webhook_namespace_option("--namespace")
@cluster_domain_option
@option(
    "--tls-cert",
    type=NamedPath(),
    help="Serving certificate, PEM; followed.  [default: on a cluster, one that looks after itself]",
)
@option("--tls-key", type=NamedPath(), help="Its private key, PEM.")
@option(
    "--client-ca",
    type=NamedPath(),
    help="Authorities of client certificates, PEM; followed. Whoever shows none of theirs gets no connection.",
)
@option(
    "--client-name",
    multiple=True,
    help="Common name of a client certificate that may ask; others are told 403.  [default: any of --client-ca]",
)
@option("--self-signed", type=NamedPath(), help="Directory for a CA and certificate of our own.")
@managed_certificate_options
@mode_option("observe changes nothing.")
@option(
    "--lame-duck",
    type=click.FloatRange(0, 3600),
    default=lifecycle.LAME_DUCK_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="From SIGTERM on, not ready but answering; with preStop, 25 less than the pod's grace period at most.",
)
@option(
    "--log-format",
    type=click.Choice([*map(str, LogFormat)]),
    default=LogFormat.JSON.value,
    show_default=True,
    help="Of a line.",
)
def command(**flags: Any) -> None:
    """Serve admission requests until SIGTERM."""
    check_flags(flags)
    if flags["client_name"] and not flags["client_ca"]:
        raise UsageError("--client-name without --client-ca", allowed="both", fix="name the authorities as well")
    settings = SettingsFile(flags["settings"]) if flags["settings"] else None
    namespace = flags["namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE
    mode = Mode(flags["mode"])
    metrics = Metrics(mode)
    log = Log(sys.stdout.fileno(), LogFormat(flags["log_format"]), metrics.log_lines_lost.inc)
    state = State(mode=mode, metrics=metrics, log=log)
    first = Snapshot(webhook_namespace=namespace, cluster_domain=flags["cluster_domain"])
    if settings:
        load_settings(state, settings, first)
    certificate = _certificate(state, flags, namespace)
    show_certificate(state, certificate.serving)
    console = None if flags["no_console"] else Console(state, certificate.serving)
    service = lifecycle.Service(
        state=state,
        host=flags["host"],
        port=flags["port"],
        ops_port=flags["ops_port"],
        console=lifecycle.ConsolePort(port=flags["console_port"], make=console.app) if console else None,
        settings=settings,
        certificate=certificate.serving,
        renew=certificate.renew,
        client_names=frozenset(flags["client_name"]),
        lame_duck=flags["lame_duck"],
    )
    with nullcontext() if settings else following_cluster(state, flags, first, certificate.managed, console):
        lifecycle.run(service)


def _names(host: str, namespace: str) -> list[str]:
    """What a certificate of our own is good for: this machine, and the Service by which the API server calls."""
    service = f"{contract.WEBHOOK_SERVICE}.{namespace}.svc"
    everywhere = ("0.0.0.0", "::", "localhost")  # noqa: S104  a comparison, no bind
    names = ["localhost", "127.0.0.1", "::1", service]
    return names if host in (*everywhere, *names) else [*names, host]


def _certificate(state: State, flags: Mapping[str, Any], namespace: str) -> _Certificate:
    client_ca: Path | None = flags["client_ca"]
    if keeps_certificate(flags):
        managed = ManagedCertificate(state, client_ca)
        return _Certificate(serving=managed.serving, managed=managed)
    files, renew = _files(flags["tls_cert"], flags["tls_key"], flags["self_signed"], _names(flags["host"], namespace))
    return _Certificate(serving=ServingCertificate(files, client_ca), renew=renew)


def _files(
    certificate: Path | None, key: Path | None, directory: Path | None, names: list[str]
) -> tuple[PairFiles, Callable[[], object] | None]:
    """The files to serve with, and what renews them."""
    if certificate and key and not directory:
        return PairFiles(certificate=certificate, key=key), None
    if not directory or certificate or key:
        raise UsageError(
            "no certificate, or half of two",
            allowed="--self-signed DIR, or --tls-cert with --tls-key",
            fix="give one way",
        )
    # Only this way needs cryptography, which costs 9 MB and 30 ms.
    from webhook.certificates.directory import ensure_self_signed

    def renew() -> None:
        ensure_self_signed(directory, names=names, now=datetime.now(UTC))

    files = ensure_self_signed(directory, names=names, now=datetime.now(UTC))
    return PairFiles(certificate=files.certificate, key=files.key), renew
