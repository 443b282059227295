"""JSON Patch operations of kustomize that write Ray settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ray_config.address import Form, RayAddress
from webhook import contract
from webhook.contract import Role
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.data import Data, data_findings
from webhook.manifests.lint.entries import Site, entry_findings
from webhook.manifests.lint.finding import Finding
from webhook.manifests.lint.parts import Part
from webhook.manifests.workloads import Path

_WRITES: Final = ("add", "replace")


def json_patch_findings(part: Part, target: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    """Ray settings that the operations of the JSON Patch `part` write into what `target` selects."""
    for operation in part.items():
        path = operation.get("path")
        if operation.get("op") in _WRITES and isinstance(path, str):
            yield from _written(operation.at("value"), path, target, context)


def _written(value: Part, path: str, target: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    annotations = _annotations(value.file.path, path, target, context)
    role = _role(path, annotations)
    if isinstance(value.value, str):
        name = _variable(path, value.value, target)
        yield from _single(value, name, role, context) if name else ()
        return
    site = Site(where="of a patch", role=role, annotations=annotations, code=ManifestCode.DECLARED)
    lists = [list(value.items())] if isinstance(value.value, list) else [[value], list(value.items("env"))]
    for items in lists if "/containers/" in path or "/env" in path else ():
        yield from entry_findings(items, site, context)


def _variable(path: str, value: str, target: Mapping[str, Any]) -> str | None:
    """Which variable a text is written into, as far as the path or the text tells."""
    parent, _, last = path.rpartition("/")
    if target.get("kind") == "ConfigMap":
        return last if parent == "/data" else None
    is_address = RayAddress.parse(value).form is Form.CLIENT
    return contract.RAY_ADDRESS if last == "value" and "/env/" in path and is_address else None


def _single(value: Part, name: str, role: Role | None, context: Context) -> Iterator[Finding]:
    def locate(_: str) -> tuple[tuple[int, int], Path]:
        return value.span(), value.path

    code = ManifestCode.DECLARED if role else LintCode.DECLARED_IN_DATA
    data = Data(
        file=value.file,
        values={name: value.value},
        locate=locate,
        where="of a patch",
        document=value.document,
        role=role,
        code=code,
    )
    yield from data_findings(data, context)


def _annotations(file: str, path: str, target: Mapping[str, Any], context: Context) -> Mapping[str, str]:
    """Those of the template that the path leads into, where a file has the target."""
    templates = context.index.annotations_near(file, str(target.get("kind")), str(target.get("name")))
    for steps, written in templates.items():
        if path.startswith("".join(f"/{step}" for step in steps) + "/spec/"):
            return written
    return {}


def _role(path: str, annotations: Mapping[str, str]) -> Role | None:
    if path.partition("/headGroupSpec/")[1]:
        return Role.HEAD
    if path.partition("/workerGroupSpecs/")[1]:
        return Role.WORKER
    written = annotations.get(contract.ROLE)
    return Role(written) if written in list(Role) else None
