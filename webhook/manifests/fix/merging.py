"""A patch on an object, as kustomize applies it: a strategic merge, a merge of what it does not know, or JSON Patch."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

import jsonpatch

Object = dict[str, Any]

BUILT_IN_GROUPS: Final = ("", "apps", "batch")
"""Those of the kinds with pods that kustomize knows: in a custom resource it replaces lists, and renames nothing."""

_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
"""patchMergeKey of the lists in a pod, in k8s.io/api/core/v1; what is not here is replaced whole, as envFrom is."""


_EQUALS: Final = re.compile(r"([\w./-]+)\s*==?\s*([\w.-]*)", re.ASCII)


class PatchError(ValueError):
    """A patch that does not apply."""


def group_of(document: Mapping[str, Any]) -> str:
    """The API group of an object."""
    return str(document.get("apiVersion") or "").rpartition("/")[0]


def is_known(document: Mapping[str, Any]) -> bool:
    """Whether kustomize knows the kind, and so where it has lists with keys and names of others."""
    return group_of(document) in BUILT_IN_GROUPS


def merged(document: Object, patch: Mapping[str, Any]) -> Object | None:
    """`document` with `patch` merged into it; None where the patch deletes it."""
    if patch.get("$patch") == "delete":
        return None
    result: Object = _merged(copy.deepcopy(document), patch, keyed=is_known(document))
    return result


def _merged(old: Any, new: Any, *, keyed: bool, field: str = "") -> Any:
    if isinstance(new, Mapping):
        return _mapping(old, new, keyed=keyed)
    if isinstance(new, list) and isinstance(old, list) and keyed and field in _KEYS:
        return _list(old, new, _KEYS[field])
    return copy.deepcopy(new)


def _mapping(old: Any, new: Mapping[str, Any], *, keyed: bool) -> Object:
    result: Object = {} if not isinstance(old, dict) or new.get("$patch") == "replace" else old
    for key, value in new.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value, keyed=keyed, field=key)
    return result


def _list(old: list[Any], new: list[Any], key: str) -> list[Any]:
    """The items of the patch, merged into those of the same key, stand before the others (kyaml's ListPrepend)."""
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in new):
        return [item for item in new if not (isinstance(item, dict) and "$patch" in item)]
    first: list[Any] = []
    rest = list(old)
    for item in new:
        name = item.get(key) if isinstance(item, dict) else None
        found = next((other for other in rest if isinstance(other, dict) and other.get(key) == name), None)
        rest = [other for other in rest if other is not found]
        if not (isinstance(item, dict) and item.get("$patch") == "delete"):
            first.append(copy.deepcopy(item) if found is None else _mapping(found, item, keyed=True))
    return [*first, *rest]


def patched(document: Object, operations: list[Any]) -> Object:
    """`document` after a JSON Patch.

    Raises:
        PatchError: it does not apply.
    """
    try:
        result: Object = jsonpatch.apply_patch(document, operations)
    except (
        jsonpatch.JsonPatchException,
        jsonpatch.JsonPointerException,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise PatchError(str(error)) from None
    return result


def selects(target: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether the selector of a patch selects `document`.

    Raises:
        PatchError: it has a selector of labels that is more than ``key=value`` of some.
    """
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    group, _, version = str(document.get("apiVersion") or "").rpartition("/")
    have = {
        "kind": document.get("kind"),
        "name": metadata.get("name"),
        "namespace": metadata.get("namespace"),
        "group": group,
        "version": version,
    }
    return all(_matches(target.get(field), value) for field, value in have.items()) and all(
        _bears(target.get(selector), metadata.get(field))
        for selector, field in (("labelSelector", "labels"), ("annotationSelector", "annotations"))
    )


def _matches(pattern: object, value: object) -> bool:
    if not pattern:
        return True
    try:
        return re.fullmatch(str(pattern), str(value or "")) is not None
    except re.error:
        raise PatchError(f"{pattern} is no pattern") from None


def _bears(selector: object, labels: object) -> bool:
    have = labels if isinstance(labels, dict) else {}
    for part in str(selector).split(",") if selector else ():
        match = _EQUALS.fullmatch(part.strip())
        if match is None:
            raise PatchError(f"the selector {selector} is not understood")
        if have.get(match[1]) != match[2]:
            return False
    return True
