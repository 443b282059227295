"""Schemas without a network: Kubernetes' own, and those in tests/fixtures/definitions for kinds that others define."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

Object = dict[str, Any]

DEFINITIONS: Final = Path(__file__).parents[1] / "fixtures" / "definitions"
VERSIONS: Final = ("1.30", kubernetes_validate.latest_version())
"""The oldest Kubernetes that we promise to run on, and the newest one known."""


@cache
def definitions() -> tuple[Object, ...]:
    """The CustomResourceDefinitions, which an API server takes as they are."""
    files = sorted(DEFINITIONS.glob("*.yaml"))
    return tuple(document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8")))


def validate(document: Object) -> None:
    """Check an object against its schema, in which every field has to be.

    Raises:
        jsonschema.ValidationError: it does not fit. SchemaNotFoundError: no schema is there for its kind.
    """
    _validate(json.dumps(document, sort_keys=True))


@cache
def _validate(text: str) -> None:
    """Most objects are the same in many combinations, and Kubernetes' schemas are read anew for each."""
    document = json.loads(text)
    if schema := _defined(document["apiVersion"], document["kind"]):
        jsonschema.validate(document, schema)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


@cache
def _defined(api_version: str, kind: str) -> Object | None:
    for definition in definitions():
        spec = definition["spec"]
        for version in spec["versions"]:
            if (f"{spec['group']}/{version['name']}", spec["names"]["kind"]) == (api_version, kind):
                return _closed(version["schema"]["openAPIV3Schema"])
    return None


def _closed(schema: Object) -> Object:
    """The schema with every object limited to its properties, where it lists any.

    An API server does so by itself, and a structural schema may not say so.
    """
    closed = {
        key: _closed(value) if key in ("items", "additionalProperties") else value for key, value in schema.items()
    }
    if properties := schema.get("properties"):
        closed["properties"] = {name: _closed(value) for name, value in properties.items()}
        closed["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return closed
