"""``ray-webhook explain``: what happens to a manifest's pods, or what is the matter with those that run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from webhook.cli.cluster_flags import cluster_domain_option, cluster_options, webhook_namespace_option
from webhook.cli.explanation import (
    Explained,
    body_lines,
    explain_new,
    explain_unnamed,
    headline,
    hint_lines,
    hints,
    influence_lines,
    influences,
)
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.cli.settings_file import given_settings
from webhook.contract import Role
from webhook.errors import InputError, RequestError, UsageError, escape
from webhook.injection.decision import decide
from webhook.injection.review import AdmissionRequest, parse_review
from webhook.injection.snapshot import Snapshot
from webhook.manifests.decisions import names_no_cluster, targets_of
from webhook.manifests.documents import Document, parse_documents
from webhook.manifests.influences import ReadConfigMap, runtime_influences
from webhook.manifests.keys import misplaced_hints, pod_hints
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import KINDS, value_at, workloads_of

_OF_MANIFESTS = ("file", "settings", "default_role")
_OF_CLUSTERS = ("kubeconfig", "context", "settings_name", "webhook_namespace")


@click.command("explain")
@click.argument("target", nargs=-1, metavar="[KIND/NAME]")
@option("--file", "-f", help="Manifest, or a recorded AdmissionReview; - for standard input.")
@option("--namespace", "-n", help="Of KIND/NAME, or of manifests that name none.  [default: the context's, or default]")
@option(
    "--settings", type=click.Path(path_type=Path), help="With -f: settings file; without it the built-in ones hold."
)
@option(
    "--default-role",
    type=click.Choice([Role.CLIENT.value]),
    help="With -f: the namespace's label ray.seedcore.io/default-role.",
)
@cluster_options
@webhook_namespace_option("--webhook-namespace")
@cluster_domain_option
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def command(target: tuple[str, ...], output: str, *, no_color: bool, **flags: Any) -> None:
    """Say what the webhook does to the pods of a manifest (-f), and why; or of a pod or workload of a cluster.

    Of a pod that runs: what it has, what it would get today, and why the two differ or the webhook left it alone.
    Kinds are written as for kubectl: pod/api-0, deploy/api, sts/db, raycluster/train.
    """
    style = Style(no_color=no_color)
    _check(target, flags)
    if target:
        from webhook.cli.explain_live import explain_live

        document, lines = explain_live(target, style, **flags)
        click.echo(msgspec.json.format(msgspec.json.encode(document)) if output == "json" else "\n".join(lines))
        return
    explained = _explain_file(flags["file"], flags)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(explained)))
    else:
        click.echo("\n\n".join("\n".join(_lines(item, style)) for item in explained))


def _check(target: Sequence[str], flags: Mapping[str, Any]) -> None:
    if bool(target) == bool(flags["file"]):
        raise UsageError("both or none of --file and KIND/NAME are given", fix="give one of them")
    context = click.get_current_context()
    for name in _OF_MANIFESTS if target else _OF_CLUSTERS:
        # What the environment says is for other commands as well.
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} and {'KIND/NAME' if target else '--file'} are given", fix=f"leave out {flag}")


def _explain_file(file: str, flags: Mapping[str, Any]) -> list[Explained]:
    documents = parse_documents(read_input(file), source=describe_input(file))
    place = flags["namespace"] or "default"
    snapshot = Snapshot(
        cluster_wide=given_settings(flags["settings"]),
        targets=targets_of(documents, namespace=place),
        cluster_domain=flags["cluster_domain"],
    )
    default_role = Role(flags["default_role"]) if flags["default_role"] else None
    read = _ConfigMaps(documents, place)
    explained = [
        _explain(name, review, document, file, snapshot, default_role, read)
        if review
        else {**explain_unnamed(name), "mayBringIn": influences(runtime_influences(document)), "hints": []}
        for name, review, document in _reviews(documents, place)
    ]
    if not explained:
        kinds = ", ".join((*KINDS, "AdmissionReview"))
        raise InputError(f"{describe_input(file)} has no pod in it", allowed=kinds, fix="give one")
    return explained


class _ConfigMaps:
    """Those of the manifests, which are all that is known of a cluster here."""

    def __init__(self, documents: Sequence[Document], namespace: str) -> None:
        self._found = {
            (
                str(value_at(item, ("metadata", "namespace")) or namespace),
                str(value_at(item, ("metadata", "name"))),
            ): item
            for item in documents
            if item["kind"] == "ConfigMap"
        }

    def of(self, namespace: str) -> ReadConfigMap:
        """How to read those of a namespace."""

        def read(name: str) -> Mapping[str, Any] | str:
            found = self._found.get((namespace, name))
            data = value_at(found, ("data",))
            if isinstance(data, dict):
                return data
            return "it is in none of the manifests" if found is None else {}

        return read


def _reviews(documents: Sequence[Document], namespace: str) -> Iterator[tuple[str, Document | None, Document]]:
    """A name for people, the review and its document, for each pod; no review where its cluster has no name yet."""
    for number, document in enumerate(documents, start=1):
        if document["kind"] == "AdmissionReview":
            yield f"AdmissionReview {number}", document, document
            continue
        for workload in workloads_of(document):
            place = workload.namespace or namespace
            review = None if names_no_cluster(workload) else review_of(workload, namespace=place, uid="explain")
            yield workload.title(namespace), review, document


def _explain(
    name: str,
    review: Document,
    document: Document,
    file: str,
    snapshot: Snapshot,
    default_role: Role | None,
    config_maps: _ConfigMaps,
) -> Explained:
    """The decision in the shape of the JSON output."""
    request = _request(name, review, file)
    pod = review["request"].get("object") or {}
    decision = decide(request, snapshot, default_role=default_role)
    title = " ".join(name.split()[:2])
    found = [] if document is review else [*misplaced_hints(title, document, [pod])]
    return {
        **explain_new(name, pod, decision, config_maps.of(request.namespace or "default")),
        "mayBringIn": influences(runtime_influences(document)),
        "hints": hints([*found, *pod_hints(pod)]),
    }


def _request(name: str, review: Document, file: str) -> AdmissionRequest:
    """The request of the review, which is the user's own if it was recorded."""
    try:
        return parse_review(msgspec.json.encode(review))
    except RequestError as error:
        problem = error.message.removesuffix(f"; {error.fix}")
        raise InputError(f"{describe_input(file)} has no usable {escape(name)}, {problem}", fix=error.fix) from None


def _lines(explained: Explained, style: Style) -> Iterator[str]:
    yield headline(explained, style)
    yield f"  {escape(explained['message'])}"
    yield from hint_lines(explained["hints"], style)
    yield from body_lines(explained, style)
    if explained["operations"]:
        yield "  JSON Patch"
        yield from (f"    {operation['op']:<7} {escape(operation['path'])}" for operation in explained["operations"])
    for found in explained["mayBringIn"]:
        yield from influence_lines(found, style)
