"""``ray-webhook demo``: the real service on loopback, sample pods, and what became of them."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import click
import jsonpatch

from webhook import contract
from webhook.cli.output import Style, no_color_option
from webhook.cli.report import change_lines, changes
from webhook.errors import ListenError
from webhook.injection.reasons import Code
from webhook.manifests.documents import Document, parse_documents
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import Workload, workloads_of

SETTINGS: Final = "RAY_HOST=seedcore-head-svc\nRAY_NAMESPACE=seedcore-dev\n"
_WHY: Final = "demo/why"
_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """The service's address, and the authority to trust."""

    host: str
    port: int
    trust: ssl.SSLContext


@click.command("demo")
@no_color_option
def command(*, no_color: bool) -> None:
    """Serve HTTPS on loopback, send it sample pods, and show for each what changed and why."""
    style = Style(no_color=no_color)
    pods = parse_documents(files("webhook.cli").joinpath("demo_pods.yaml").read_text(), source="demo_pods.yaml")
    workloads = [workload for pod in pods for workload in workloads_of(pod)]
    # Without it the service would outlive us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with TemporaryDirectory(prefix="ray-webhook-demo-") as folder, _service(Path(folder)) as running:
        click.echo(f"ray-webhook serves https://{running.host}:{running.port} with these settings:")
        click.echo("".join(f"    {line}\n" for line in SETTINGS.splitlines()))
        rows = [_show(running, workload, style) for workload in workloads]
    click.echo(_table(rows, style))


@contextmanager
def _service(folder: Path) -> Iterator[_Running]:
    """Run ``ray-webhook serve`` as a process of its own, with its files in `folder` and its log in a pipe."""
    settings = folder / "settings.env"
    settings.write_text(SETTINGS)
    arguments = ["--host", "127.0.0.1", "--port", "0", "--ops-port", "0", "--lame-duck", "0", "--no-console"]
    tls = ["--self-signed", str(folder / "tls")]
    process = subprocess.Popen(  # noqa: S603  our own program and arguments
        [sys.executable, "-P", "-m", "webhook.cli", "serve", *arguments, "--settings", str(settings), *tls],
        stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAY_WEBHOOK_")},
    )
    try:
        yield _await_ready(process, folder)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_SECONDS)
    finally:
        # Nothing if it has ended; else it hangs, or who waits for it was interrupted.
        process.kill()
        process.communicate()


def _await_ready(process: subprocess.Popen[bytes], folder: Path) -> _Running:
    for line in process.stdout or ():
        event = json.loads(line)
        if event["event"] == "ready":
            url = urlsplit(event["url"])
            trust = ssl.create_default_context(cafile=folder / "tls" / "ca.crt")
            return _Running(host=str(url.hostname), port=int(url.port or 0), trust=trust)
    raise ListenError("the service ended before it was ready", fix="see its message above")


def _show(running: _Running, workload: Workload, style: Style) -> tuple[str, str, str, str]:
    """Send the pod, show what became of it, and give the row for the table at the end."""
    review = review_of(workload, namespace=workload.namespace or "default", uid=f"demo-{workload.name}")
    response = _post(running, review)
    pod = review["request"]["object"]
    patch = json.loads(base64.b64decode(response.get("patch", "W10=")))
    found = changes(pod, jsonpatch.apply_patch(pod, patch))
    code = next(code for code in Code if code.value == response["auditAnnotations"]["code"])
    annotations = pod["metadata"]["annotations"]
    click.echo(f"{style(workload.name, bold=True)}: {annotations[_WHY]}")
    color = "green" if found else None if response["allowed"] else "red"
    click.echo(f"    {style(code.value, color)} {code.summary}. {code.meaning}")
    for line in change_lines(found, style):
        click.echo(line)
    for text in [*([] if response["allowed"] else [response["status"]["message"]]), *response.get("warnings", ())]:
        click.echo(f"    {style('denied' if not response['allowed'] else 'warning', 'yellow')} {text}")
    click.echo()
    outcome = "allowed" if response["allowed"] else "denied"
    return (
        workload.name,
        annotations.get(contract.ROLE, "-"),
        outcome,
        f"{code.value} {code.summary}, {len(found)} {'change' if len(found) == 1 else 'changes'}",
    )


def _post(running: _Running, review: Document) -> dict[str, Any]:
    connection = http.client.HTTPSConnection(running.host, running.port, context=running.trust, timeout=_SECONDS)
    try:
        body = json.dumps(review)
        connection.request("POST", contract.MUTATE_PATH, body=body, headers={"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())["response"]
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ListenError(
            f"the service does not answer ({type(error).__name__})", fix="see its message above"
        ) from None
    finally:
        connection.close()
    return answer


def _table(rows: list[tuple[str, str, str, str]], style: Style) -> str:
    head = ("pod", "role", "outcome", "why")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(3)]

    def line(row: tuple[str, str, str, str]) -> str:
        return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])

    return "\n".join([style(line(head), bold=True), *map(line, rows)])
