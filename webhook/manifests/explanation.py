"""A decision about a pod, explained, as a document: for the command line, its JSON output and the console alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import jsonpatch

from webhook.errors import escape, quote
from webhook.injection.codes import ReasonCode
from webhook.injection.decision import Decision, Deny, Inject
from webhook.injection.findings import FindingCode, InjectCode
from webhook.injection.standing import Standing
from webhook.injection.treatment import Treated
from webhook.injection.variables import Wanted
from webhook.manifests.documents import Document
from webhook.manifests.influences import Influence, ReadConfigMap, container_influences
from webhook.manifests.keys import Hint

Explained = dict[str, Any]
"""The document of one pod or pod template; its keys are part of the command line's interface."""


def explain_new(name: str, pod: Document, decision: Decision, read: ReadConfigMap) -> Explained:
    """What becomes of a pod that is created now; `read` gives the ConfigMaps that an envFrom names."""
    operations = list(decision.operations) if isinstance(decision, Inject) else []
    after = jsonpatch.apply_patch(pod, operations) if operations else pod
    treated = () if isinstance(decision, Deny) else decision.treated
    containers = [
        _container(item, _new_variables(item, _env(item, pod), _env(item, after)), _env(item, after).keys(), pod, read)
        for item in treated
    ]
    return {**_decided(name, decision), "containers": containers, "operations": operations}


def explain_standing(name: str, pod: Document, standing: Standing, read: ReadConfigMap) -> Explained:
    """The same of a pod that stands: before is what it has, after what it would get today."""
    decision = standing.decision
    treated = () if isinstance(decision, Deny) else decision.treated
    changed = {(item.container, item.name): item.after for item in standing.differences}
    containers = []
    for item in treated:
        variables = list(_standing_variables(item, _env(item, pod), changed))
        own = {*_env(item, pod)} - {row["name"] for row in variables} | {
            row["name"] for row in variables if row["after"] is not None
        }
        containers.append(_container(item, variables, own, pod, read))
    return {**_decided(name, decision), "containers": containers, "operations": []}


def explain_unsent(name: str, code: ReasonCode, message: str) -> Explained:
    """What there is to say of a pod that the API server does not send."""
    return {
        "name": name,
        "code": code,
        "summary": code.summary,
        "allowed": True,
        "role": None,
        "roleSource": None,
        "message": message,
        "source": None,
        "warnings": [],
        "containers": [],
        "operations": [],
    }


def explain_unread(name: str, decision: Decision, message: str) -> Explained:
    """What there is to say of a pod whose settings may not be read: its role, and no value."""
    role_source = None if isinstance(decision, Deny) else decision.role_source
    unread = explain_unsent(name, FindingCode.SETTINGS_UNREADABLE, message)
    return {**unread, "role": decision.role, "roleSource": role_source}


def explain_unnamed(name: str) -> Explained:
    """What there is to say of a template whose pods' connection cannot be told before KubeRay has named its cluster."""
    code = InjectCode.GENERATED_NAME
    return explain_unsent(name, code, f"{code.meaning} {code.fix}")


def _decided(name: str, decision: Decision) -> Explained:
    is_denied = isinstance(decision, Deny)
    return {
        "name": name,
        "code": decision.code,
        "summary": decision.code.summary,
        "allowed": not is_denied,
        "role": decision.role,
        "roleSource": None if isinstance(decision, Deny) else decision.role_source,
        "message": decision.message if isinstance(decision, Deny) else decision.code.meaning,
        "source": None if isinstance(decision, Deny) else decision.source,
        "warnings": [str(warning) for warning in decision.warnings],
    }


def _container(
    item: Treated, variables: Iterable[Explained], own: Collection[str], pod: Document, read: ReadConfigMap
) -> Explained:
    return {
        "name": item.selected.container.name,
        "treatedAs": item.selected.treatment,
        "variables": list(variables),
        "mayBringIn": [_influence(found) for found in container_influences(item, _raw(item, pod), own, read)],
    }


def _raw(item: Treated, pod: Document) -> Document:
    container: Document = pod["spec"][item.selected.field][item.selected.index]
    return container


def _env(item: Treated, pod: Document) -> dict[str, str]:
    return {entry["name"]: shown(entry) for entry in _raw(item, pod).get("env") or []}


def _new_variables(item: Treated, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Explained]:
    for wanted in item.wanted:
        old, new = before.get(wanted.name), after.get(wanted.name)
        if old is None and new is None:
            continue
        written = new is not None and old != new
        source = wanted.source if written else "manifest" if new is not None else None
        yield {"name": wanted.name, "before": old, "after": new, "source": source}


def _standing_variables(
    item: Treated, before: Mapping[str, str], changed: Mapping[tuple[str, str], str | None]
) -> Iterator[Explained]:
    for wanted in item.wanted:
        key = (item.selected.container.name, wanted.name)
        old = before.get(wanted.name)
        new = old
        if key in changed:
            value, entry = changed[key], wanted.mend or wanted.add
            new = None if value is None else shown(entry or {"value": value})
        if old is not None or new is not None:
            yield {"name": wanted.name, "before": old, "after": new, "source": _whence(wanted, new)}


def _whence(wanted: Wanted, new: str | None) -> str | None:
    """Where a value comes from that a pod has, or would have: ours where it is what we would write."""
    if new is None:
        return None
    entry = wanted.mend or wanted.add
    return wanted.source if entry is not None and shown(entry) == new else "manifest"


def _influence(found: Influence) -> Explained:
    return {
        "source": found.source,
        "comesIn": dict(found.comes_in),
        "beaten": list(found.beaten),
        "message": found.text or None,
    }


def influences(found: Iterable[Influence]) -> list[Explained]:
    """What beats or joins the env of all containers, as a document."""
    return list(map(_influence, found))


def hints(found: Iterable[Hint]) -> list[Explained]:
    """Hints as a document."""
    return [{"code": hint.code, "message": hint.text, "fix": hint.fix} for hint in found]


def shown(entry: Mapping[str, Any]) -> str:
    """An entry's value as people read it."""
    source = entry.get("valueFrom")
    if isinstance(source, dict) and source:
        kind, where = next(iter(source.items()))
        names = (
            [str(where[key]) for key in ("name", "key", "fieldPath") if key in where] if isinstance(where, dict) else []
        )
        return escape(f"from {kind} {'/'.join(names)}")
    value = str(entry.get("value") or "")
    is_plain = value.isascii() and value.isprintable() and value and " " not in value
    return value if is_plain else quote(value, limit=200)
