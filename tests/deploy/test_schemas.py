"""The schemas that every combination is held against (test_combinations.py) find faults."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.deploy.rendering import COMPONENTS, OVERLAYS, VARIED, Combination, built, the
from tests.deploy.schemas import validate

Objects = tuple[dict[str, Any], ...]


def test_the_overlays_and_components_of_the_design_are_found() -> None:
    assert OVERLAYS == ("dev", "production", "staging")
    assert {"cert-manager", "host-network", "network-policy"} <= set(COMPONENTS)


@pytest.fixture(scope="module")
def everything() -> Objects:
    every = Combination(overlay="production", components=VARIED)
    return built(every)


def test_an_unknown_field_is_a_fault(everything: Objects) -> None:
    deployment = copy.deepcopy(the(everything, "Deployment"))
    deployment["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFilesystem"] = True
    with pytest.raises(jsonschema.ValidationError, match="readOnlyRootFilesystem"):
        validate(deployment)


def test_an_unknown_field_of_a_kind_that_others_define_is_a_fault(everything: Objects) -> None:
    certificate = copy.deepcopy(the(everything, "Certificate"))
    certificate["spec"]["privateKey"]["rotation"] = "Always"
    with pytest.raises(jsonschema.ValidationError, match="rotation"):
        validate(certificate)


def test_a_kind_without_a_schema_is_a_fault() -> None:
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        validate({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"}})
