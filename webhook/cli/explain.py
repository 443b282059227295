"""``ray-webhook explain``: the decision for a manifest's pods, with each variable's value and where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import jsonpatch
import msgspec

from webhook.cli.given import given_options, read_given
from webhook.cli.output import Style, describe_input, no_color_option, option, read_input
from webhook.cli.report import Change, change_lines, shown
from webhook.errors import InputError, RequestError, escape
from webhook.injection.decision import Decision, Deny, Inject, decide
from webhook.injection.findings import InjectCode
from webhook.injection.review import AdmissionRequest, parse_review
from webhook.injection.treatment import Treated
from webhook.manifests.decisions import names_no_cluster
from webhook.manifests.documents import Document, parse_documents
from webhook.manifests.outcomes import Given
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import KINDS, workloads_of


@click.command("explain")
@option("--file", "-f", required=True, help="Manifest, or a recorded AdmissionReview; - for standard input.")
@given_options
@option("--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@no_color_option
def command(file: str, output: str, *, no_color: bool, **flags: Any) -> None:
    """Say what the webhook does to the pods of a manifest, and why."""
    documents = parse_documents(read_input(file), source=describe_input(file))
    given = read_given(flags, documents)
    reviews = list(_reviews(documents, given.namespace))
    if not reviews:
        raise InputError(
            f"{describe_input(file)} has no pod in it",
            allowed=f"{', '.join(KINDS)}, AdmissionReview",
            fix="give one",
        )
    explained = [
        _explain(name, _request(name, review, file), review["request"].get("object") or {}, given)
        if review
        else _unnamed(name)
        for name, review in reviews
    ]
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(explained)))
    else:
        click.echo("\n\n".join("\n".join(_lines(item, Style(no_color=no_color))) for item in explained))


def _reviews(documents: Sequence[Document], namespace: str) -> Iterator[tuple[str, Document | None]]:
    """A name for people and the review, for each pod in the documents; none where its cluster has no name yet."""
    for number, document in enumerate(documents, start=1):
        if document["kind"] == "AdmissionReview":
            yield f"AdmissionReview {number}", document
            continue
        for workload in workloads_of(document):
            place = workload.namespace or namespace
            review = None if names_no_cluster(workload) else review_of(workload, namespace=place, uid="explain")
            yield workload.title(namespace), review


def _request(name: str, review: Document, file: str) -> AdmissionRequest:
    """The request of the review, which is the user's own if it was recorded."""
    try:
        return parse_review(msgspec.json.encode(review))
    except RequestError as error:
        problem = error.message.removesuffix(f"; {error.fix}")
        raise InputError(f"{describe_input(file)} has no usable {escape(name)}, {problem}", fix=error.fix) from None


def _explain(name: str, request: AdmissionRequest, pod: Document, given: Given) -> dict[str, Any]:
    """The decision in the shape of the JSON output."""
    decision = decide(request, given.snapshot, default_role=given.default_role)
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    after = jsonpatch.apply_patch(pod, operations) if operations else pod
    treated = () if isinstance(decision, Deny) else decision.treated
    return {
        "name": name,
        "code": decision.code,
        "summary": decision.code.summary,
        "allowed": not isinstance(decision, Deny),
        "role": decision.role,
        "roleSource": None if isinstance(decision, Deny) else decision.role_source,
        "message": _message(decision),
        "source": None if isinstance(decision, Deny) else decision.source,
        "warnings": [str(warning) for warning in decision.warnings],
        "containers": _containers(treated, pod, after),
        "operations": operations,
    }


def _unnamed(name: str) -> dict[str, Any]:
    """What there is to say of a template whose pods' connection cannot be told from the manifest."""
    code = InjectCode.GENERATED_NAME
    nothing = dict.fromkeys(("role", "roleSource", "source"))
    empty: dict[str, Any] = {"warnings": [], "containers": [], "operations": []}
    message = f"{code.meaning} {code.fix}"
    return {"name": name, "code": code, "summary": code.summary, "allowed": True, "message": message} | nothing | empty


def _message(decision: Decision) -> str:
    return decision.message if isinstance(decision, Deny) else decision.code.meaning


def _containers(treated: Sequence[Treated], before: Document, after: Document) -> list[dict[str, Any]]:
    return [
        {
            "name": item.selected.container.name,
            "treatedAs": item.selected.treatment,
            "variables": list(_variables(item, _env(item, before), _env(item, after))),
        }
        for item in treated
    ]


def _env(item: Treated, pod: Document) -> dict[str, str]:
    container = pod["spec"][item.selected.field][item.selected.index]
    return {entry["name"]: shown(entry) for entry in container.get("env") or []}


def _variables(item: Treated, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for wanted in item.wanted:
        old, new = before.get(wanted.name), after.get(wanted.name)
        if old is None and new is None:
            continue
        written = new is not None and old != new
        source = wanted.source if written else "manifest" if new is not None else None
        yield {"name": wanted.name, "before": old, "after": new, "source": source}


def _lines(explained: Mapping[str, Any], style: Style) -> Iterator[str]:
    role = f"{explained['role']} ({explained['roleSource']}), " if explained["roleSource"] else ""
    color = "green" if explained["operations"] else None if explained["allowed"] else "red"
    name, code = style(escape(explained["name"]), bold=True), style(explained["code"], color)
    yield f"{name}: {role}{code} {explained['summary']}"
    yield f"  {escape(explained['message'])}"
    if explained["source"]:
        yield f"  Connection from {escape(explained['source'])}."
    for container in explained["containers"]:
        yield from _container_lines(container, style)
    for warning in explained["warnings"]:
        yield f"  {style('warning', 'yellow')} {escape(warning)}"
    if explained["operations"]:
        yield "  JSON Patch"
        yield from (f"    {operation['op']:<7} {escape(operation['path'])}" for operation in explained["operations"])


def _container_lines(container: Mapping[str, Any], style: Style) -> Iterator[str]:
    variables = container["variables"]
    found = [
        Change(
            container=f"{container['name']}, as {container['treatedAs']}",
            name=variable["name"],
            before=variable["before"],
            after=variable["after"],
            source=variable["source"],
        )
        for variable in variables
    ]
    yield from change_lines(found, style)
