"""What would happen to the pods of a pasted manifest: as ``ray-webhook explain`` says it, with a diff of the env.

Values are shown of the role's variables that change; of all others their names. A declared token never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from webhook.contract import Role
from webhook.errors import InputError, escape
from webhook.injection.selection import EPHEMERAL, INIT, REGULAR
from webhook.injection.settings import is_dns_subdomain
from webhook.injection.snapshot import Snapshot
from webhook.manifests.documents import Document
from webhook.manifests.explaining import ExplainedPod, explain_text
from webhook.manifests.explanation import Explained
from webhook.manifests.outcomes import Given
from webhook.manifests.workloads import value_at

MAX_PODS: Final = 50
"""Pod templates of one text whose explanation is shown."""
MAX_CONTAINERS: Final = 250
"""Of all of them."""
SOURCE: Final = "the manifest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One of the role's variables; no `before` if it is added, no `after` if it is removed."""

    change: str
    name: str
    before: str | None
    after: str | None
    source: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """The diff of one container's env.

    Attributes:
        treated_as: None where it is left alone.
        changed: what is added, changed or removed, with values.
        unchanged: names of the role's variables that are right as they are.
        others: names of all other variables.
        brought_in: what may come in beside the env, by where from.
    """

    name: str
    treated_as: str | None
    changed: Sequence[Variable]
    unchanged: Sequence[str]
    others: Sequence[str]
    brought_in: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What would happen to one pod."""

    explained: Explained
    containers: Sequence[Container]
    brought_in: Sequence[str]


def try_manifest(text: str, *, namespace: str, default_role: str, snapshot: Snapshot, most: int) -> list[Trial]:
    """What would happen to each pod of `text`, of at most `most` bytes; raises InputError."""
    size = len(text.encode())
    if not text.strip():
        raise InputError(f"{SOURCE} is empty", allowed="YAML or JSON of Kubernetes objects", fix="paste one")
    if size > most:
        raise InputError(f"{SOURCE} has {size} bytes", allowed=f"at most {most}", fix="paste the part that matters")
    if not is_dns_subdomain(namespace):
        raise InputError("the namespace", value=namespace, allowed="a DNS name", fix="mend it")
    role = Role.CLIENT if default_role == Role.CLIENT else None
    found = _explained(text, Given(snapshot=snapshot, namespace=namespace, default_role=role))
    return list(map(_trial, found))


def _explained(text: str, given: Given) -> list[ExplainedPod]:
    try:
        return explain_text(text, given, source=SOURCE, check=_check_count)
    except InputError as error:
        if "{{" not in text:
            raise
        problem = error.message.removesuffix(f"; {error.fix}")
        fix = "render it first, as with helm template"
        raise InputError(f"{SOURCE} is a template; {problem}", allowed="a rendered one", fix=fix) from None


def _check_count(pods: Sequence[Document]) -> None:
    """Refuse what would make a page that no browser shows; raises InputError."""
    containers = sum(1 for pod in pods for _ in _environments(pod))
    for count, what, most in (
        (len(pods), "pod templates", MAX_PODS),
        (containers, "containers", MAX_CONTAINERS),
    ):
        if count > most:
            raise InputError(f"{SOURCE} has {count} {what}", allowed=f"at most {most}", fix="paste fewer of them")


def _trial(found: ExplainedPod) -> Trial:
    treated = {container["name"]: container for container in found.explained["containers"]}
    containers = [
        _treated(treated[name], names) if name in treated else _left_alone(name, names)
        for name, names in _environments(found.pod)
    ]
    brought_in = list(map(_brought_in, found.explained["mayBringIn"]))
    return Trial(explained=found.explained, containers=containers, brought_in=brought_in)


def _environments(pod: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The name of each container, and the names of its variables, of a pod in which all may be malformed."""
    for field in (INIT, REGULAR, EPHEMERAL):
        found = value_at(pod, ("spec", field))
        for container in found if isinstance(found, list) else []:
            env = value_at(container, ("env",))
            names = [value_at(entry, ("name",)) for entry in env] if isinstance(env, list) else []
            yield str(value_at(container, ("name",))), [escape(name) for name in names if isinstance(name, str)]


def _treated(container: Explained, names: Sequence[str]) -> Container:
    variables = [_variable(row) for row in container["variables"]]
    ours = {variable.name for variable in variables}
    return Container(
        name=container["name"],
        treated_as=container["treatedAs"],
        changed=[variable for variable in variables if variable.change],
        unchanged=[variable.name for variable in variables if not variable.change],
        others=[name for name in dict.fromkeys(names) if name not in ours],
        brought_in=list(map(_brought_in, container["mayBringIn"])),
    )


def _left_alone(name: str, names: Sequence[str]) -> Container:
    return Container(name=name, treated_as=None, changed=[], unchanged=[], others=list(dict.fromkeys(names)))


def _variable(row: Mapping[str, Any]) -> Variable:
    before, after = row["before"], row["after"]
    change = "added" if before is None else "removed" if after is None else "changed" if before != after else ""
    return Variable(
        change=change,
        name=row["name"],
        before=before,
        after=after,
        source=row["source"],
    )


def _brought_in(found: Explained) -> str:
    told = [f"{', '.join(found['comesIn'])} comes in"] if found["comesIn"] else []
    told += [f"{', '.join(found['beaten'])} beaten by the env"] if found["beaten"] else []
    told += [found["message"]] if found["message"] else []
    text = "; ".join(told) or "nothing of Ray's"
    return f"{found['source']}: {text}"
