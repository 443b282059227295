"""``ray-webhook certs``: certificates by hand, for whoever has no cert-manager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from webhook import contract
from webhook.cli.flags import DnsName, NamedPath
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.errors import CertificateError, escape, quote_path

if TYPE_CHECKING:
    from webhook.certificates.authority import CertificateInfo

_FILES: Final = ("ca.crt", "tls.crt")
_DAY: Final = timedelta(days=1)


@click.group("certs", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Issue certificates by hand, or show them."""


@command.command("issue")
@click.argument("directory", metavar="DIR", type=NamedPath())
@option("--name", multiple=True, help="DNS name or IP address to be called by.  [default: those of the Service]")
@option(
    "--namespace",
    "-n",
    type=DnsName(),
    default=contract.WEBHOOK_NAMESPACE,
    show_default=True,
    help="The webhook's own namespace, which is part of the Service's name.",
)
def issue(directory: Path, *, name: Sequence[str], namespace: str) -> None:
    """Have ca.crt, ca.key, tls.crt and tls.key in DIR; what is there and not due for renewal stays."""
    from webhook.certificates.directory import ensure_self_signed

    names = name or [f"{contract.WEBHOOK_SERVICE}.{namespace}.svc"]
    files = ensure_self_signed(directory, names=names, now=datetime.now(UTC))
    for path, is_new in ((files.authority, files.authority_issued), (files.certificate, files.certificate_issued)):
        click.echo(f"{quote_path(path)} {'issued' if is_new else 'is there already, and good'}")


@command.command("show")
@click.argument("path", metavar="FILE|DIR|-")
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def show(path: str, output: str, *, no_color: bool) -> int:
    """Say what a certificate is good for, and how long; of a directory both ca.crt and tls.crt.

    The exit status is 1 if one has expired, or is due for renewal: a third of its life or less is left.
    """
    from webhook.certificates.authority import describe, due_for_renewal

    now = datetime.now(UTC)
    pems = {name: read_input(name).encode() for name in _inputs(path)}
    infos = {name: describe(pem, describe_input(name)) for name, pem in pems.items()}
    is_due = {name: due_for_renewal(pem, now) for name, pem in pems.items()}
    if output == "json":
        rows = [_row(name, info, now, is_due=is_due[name]) for name, info in infos.items()]
        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
    else:
        style = Style(no_color=no_color)
        texts = ["\n".join(_lines(name, info, now, style, is_due=is_due[name])) for name, info in infos.items()]
        click.echo("\n\n".join(texts))
    return int(any(is_due.values()))


def _inputs(path: str) -> list[str]:
    """The certificates that `path` means."""
    if not Path(path).is_dir():
        return [path]
    found = [str(file) for name in _FILES if (file := Path(path) / name).exists()]
    if not found:
        raise CertificateError(
            f"the directory {quote_path(path)} has no certificate",
            allowed=f"a directory with {' or '.join(_FILES)}",
            fix="give the one that ray-webhook certs issue or --self-signed wrote, or a file",
        )
    return found


def _state(info: CertificateInfo, now: datetime, *, is_due: bool) -> str:
    if now >= info.not_after:
        return "expired"
    if now < info.not_before:
        return "not valid yet"
    return "due for renewal" if is_due else "good"


def _row(name: str, info: CertificateInfo, now: datetime, *, is_due: bool) -> dict[str, Any]:
    return {
        "source": name,
        "state": _state(info, now, is_due=is_due),
        "subject": info.subject,
        "names": info.names,
        "issuer": info.issuer,
        "notBefore": info.not_before,
        "notAfter": info.not_after,
        "daysLeft": (info.not_after - now) // _DAY,
        "key": info.key,
        "fingerprint": info.fingerprint,
    }


def _lines(name: str, info: CertificateInfo, now: datetime, style: Style, *, is_due: bool) -> Iterator[str]:
    state = _state(info, now, is_due=is_due)
    yield f"{style(describe_input(name), bold=True)}: {style(state, 'red' if is_due else 'green')}"
    days = (info.not_after - now) // _DAY
    for label, text in (
        ("subject", info.subject),
        ("names", ", ".join(info.names) or "none"),
        ("issuer", info.issuer),
        ("valid", f"{info.not_before:%Y-%m-%d %H:%M} to {info.not_after:%Y-%m-%d %H:%M} UTC, {days} days left"),
        ("key", info.key),
        ("SHA-256", info.fingerprint),
    ):
        yield f"  {label:<8} {escape(text)}"
