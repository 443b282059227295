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
    lengths = _env_lengths(pod)
    return all(
        _annotation_applies(pod, operation)
        if operation["path"].startswith("/metadata/")
        else _env_applies(operation, lengths)
        for operation in operations
    )


def _env_lengths(pod: AnyPod) -> dict[str, int | None]:
    """The JSON pointer of each container's env to the number of its entries; None where there is no list."""
    spec = pod.spec
    if spec is None:
        return {}
    fields: dict[str, Sequence[Container] | None] = {
        INIT: spec.init_containers,
        REGULAR: spec.containers,
        EPHEMERAL: spec.ephemeral_containers,
    }
    return {
        f"/spec/{field}/{index}/env": None if container.env is None else len(container.env)
        for field, containers in fields.items()
        for index, container in enumerate(containers or ())
    }


def _env_applies(operation: Operation, lengths: dict[str, int | None]) -> bool:
    """Whether an operation on an env, or on one of its entries, applies; keeps `lengths` up with it."""
    path = operation["path"]
    if path in lengths:
        value = operation.get("value")
        if operation["op"] != "add" or not isinstance(value, list):
            return False
        lengths[path] = len(value)
        return all(map(_is_env_var, value))
    env_path, _, token = path.rpartition("/")
    length = lengths.get(env_path)
    if length is None:
        return False
    lengths[env_path] = length + _GROWTH.get(operation["op"], 0)
    return _entry_applies(operation, token, length)


_GROWTH: Final = {"add": 1, "remove": -1}


def _entry_applies(operation: Operation, token: str, length: int) -> bool:
    kind = operation["op"]
    if kind == "add" and token == "-":  # noqa: S105  a JSON pointer's last part
        return _is_env_var(operation.get("value"))
    if not (token.isascii() and token.isdecimal()) or (token[0] == "0" and token != "0"):  # noqa: S105  the same
        return False
    if int(token) >= length + (kind == "add"):
        return False
    return kind == "remove" or (kind in ("add", "replace") and _is_env_var(operation.get("value")))


def _annotation_applies(pod: AnyPod, operation: Operation) -> bool:
    if pod.metadata is None or operation["op"] != "add":
        return False
    value = operation["value"]
    if operation["path"] == _STATUS_PATH:
        return pod.metadata.annotations is not None and isinstance(value, str)
    whole = operation["path"] == "/metadata/annotations" and pod.metadata.annotations is None
    return whole and isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_env_var(value: object) -> bool:
    """Whether `value` is an EnvVar of ours: a name, and either a value or a valueFrom."""
    return (
        isinstance(value, dict)
        and len(value) == _ENTRY_KEYS
        and isinstance(value.get("name"), str)
        and (isinstance(value.get("value"), str) or isinstance(value.get("valueFrom"), dict))
    )


_ENTRY_KEYS: Final = 2
