"""JSON Patch operations of a decision, and the proof that they apply.

A patch that does not apply makes the API server refuse the pod, whatever the failurePolicy (seen on 1.36). So nothing
leaves that was not checked against the decoded pod: each path exists, each value is of the type that stands there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from webhook import contract
from webhook.injection.environment import Operation
from webhook.injection.review import AnyPod, Container
from webhook.injection.selection import EPHEMERAL, INIT, REGULAR

_STATUS_PATH: Final = "/metadata/annotations/" + contract.STATUS.replace("~", "~0").replace("/", "~1")
_ENV_PATH_PARTS: Final = 5
_ENTRY_PATH_PARTS: Final = 6
HASH_LENGTH: Final = 16


def status_operation(pod: AnyPod, record: Mapping[str, object]) -> Operation | None:
    """The operation that writes the status annotation; None where the pod has no metadata to write it to."""
    if pod.metadata is None:
        return None
    text = msgspec.json.encode(record).decode()
    if pod.metadata.annotations is None:
        return {"op": "add", "path": "/metadata/annotations", "value": {contract.STATUS: text}}
    return {"op": "add", "path": _STATUS_PATH, "value": text}


def content_hash(operations: Sequence[Operation]) -> str:
    """A short hash of what was injected: hexadecimal, of :data:`HASH_LENGTH` digits."""
    return hashlib.sha256(msgspec.json.encode(operations)).hexdigest()[:HASH_LENGTH]


def is_applicable(pod: AnyPod, operations: Sequence[Operation]) -> bool:
    """Whether each operation applies to `pod`, one after the other."""
    lengths: dict[str, int | None] = {}
    return all(_applies(pod, operation, lengths) for operation in operations)


def _applies(pod: AnyPod, operation: Operation, lengths: dict[str, int | None]) -> bool:
    path = operation["path"]
    if path.startswith("/metadata/"):
        return _annotation_applies(pod, operation)
    parts = path.split("/")
    container = _container(pod, parts)
    if container is None:
        return False
    env_path = path if len(parts) == _ENV_PATH_PARTS else path.rpartition("/")[0]
    length = lengths.get(env_path, None if container.env is None else len(container.env))
    if len(parts) == _ENV_PATH_PARTS:
        lengths[env_path] = len(operation["value"]) if operation["op"] == "add" else None
        return operation["op"] == "add" and all(_is_env_var(entry) for entry in operation["value"])
    return length is not None and _entry_applies(operation, parts[-1], env_path, length, lengths)


def _entry_applies(
    operation: Operation, token: str, env_path: str, length: int, lengths: dict[str, int | None]
) -> bool:
    kind = operation["op"]
    lengths[env_path] = length + {"add": 1, "remove": -1}.get(kind, 0)
    if kind == "add" and token == "-":  # noqa: S105  a JSON pointer's last part
        return _is_env_var(operation["value"])
    if not token.isdecimal():
        return False
    inside = int(token) < length + (kind == "add")
    return inside and (kind == "remove" or (kind in ("add", "replace") and _is_env_var(operation["value"])))


def _container(pod: AnyPod, parts: Sequence[str]) -> Container | None:
    """The container that the path ``/spec/FIELD/INDEX/env[/ENTRY]`` is about."""
    if len(parts) not in (_ENV_PATH_PARTS, _ENTRY_PATH_PARTS) or parts[1] != "spec" or parts[4] != "env":
        return None
    spec = pod.spec
    if spec is None or not parts[3].isdecimal():
        return None
    fields = {INIT: spec.init_containers, REGULAR: spec.containers, EPHEMERAL: spec.ephemeral_containers}
    containers = fields.get(parts[2]) or []
    index = int(parts[3])
    return containers[index] if index < len(containers) else None


def _annotation_applies(pod: AnyPod, operation: Operation) -> bool:
    if pod.metadata is None or operation["op"] != "add":
        return False
    value = operation["value"]
    if operation["path"] == _STATUS_PATH:
        return pod.metadata.annotations is not None and isinstance(value, str)
    whole = operation["path"] == "/metadata/annotations" and pod.metadata.annotations is None
    return whole and isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_env_var(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    kinds = {"value": str, "valueFrom": dict}
    rest = [key for key in value if key != "name"]
    return len(rest) == 1 and rest[0] in kinds and isinstance(value[rest[0]], kinds[rest[0]])
