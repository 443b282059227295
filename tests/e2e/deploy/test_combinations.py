"""Every overlay with every set of components is taken by the API server: strictly validated, and without a warning.

An object looks the same in all sets in which the same components have changed it. None is changed by more than two, so
the sets of none, one, two and all show every object of every set; each distinct one is sent once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, object_path, send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import COMPONENTS, NAMESPACE, OVERLAYS, Combination, built, combined, the
from tests.e2e.support import DRY_RUN

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
Key = tuple[str, str]

FEW: Final = combined(0, 1, 2)
STRICTLY: Final = {**DRY_RUN, "fieldManager": "tests", "fieldValidation": "Strict", "force": "true"}


@pytest.fixture(scope="module", autouse=True)
def all_built() -> None:
    """Two at a time, which halves the time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(built, [*FEW, *combined(len(COMPONENTS))]))


@pytest.fixture(scope="module", autouse=True)
def namespace_goes(plane: ControlPlane) -> Iterator[None]:
    """By and by, with all that is in it: what comes after these tests waits for that."""
    yield
    send(plane.admin, "DELETE", f"/api/v1/namespaces/{NAMESPACE}").checked()


def by_key(combination: Combination) -> dict[Key, str]:
    """The objects of a combination as text."""
    return {(item["kind"], item["metadata"]["name"]): text(item) for item in built(combination)}


def text(document: Object) -> str:
    return json.dumps(document, sort_keys=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_object_is_changed_by_more_than_two_components(overlay: str) -> None:
    plain = by_key(Combination(overlay=overlay)).items()
    changes = [by_key(Combination(overlay=overlay, components=(name,))).items() - plain for name in COMPONENTS]
    changed = [key for change in changes for key, _ in change]
    assert {key for key in changed if changed.count(key) > 2} == set()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_components_together_make_nothing_that_two_do_not(overlay: str) -> None:
    few = {item for combination in FEW if combination.overlay == overlay for item in by_key(combination).items()}
    everything = by_key(Combination(overlay=overlay, components=COMPONENTS)).items()
    assert {key for key, _ in everything - few} == set()


def test_every_object_is_valid_and_warned_of_by_nobody(plane: ControlPlane) -> None:
    """Pod Security's warnings depend on the namespace's labels, so that is there as its combination has it."""
    wrong = {}
    for namespace, documents in distinct():
        plane.apply([json.loads(namespace)])
        for document in map(json.loads, documents):
            answer = applied_strictly(plane, document)
            if answer.status >= 300 or answer.warnings:
                wrong[text(document)] = (answer.body.get("message"), answer.warnings)
    assert wrong == {}


def distinct() -> Iterator[tuple[str, list[str]]]:
    """Each distinct Namespace with the distinct objects of the combinations that it is part of."""
    pairs = {
        (text(the(built(combination), "Namespace", NAMESPACE)), text(item))
        for combination in FEW
        for item in built(combination)
    }
    for namespace, group in groupby(sorted(pairs), key=lambda pair: pair[0]):
        yield namespace, [document for _, document in group]


def applied_strictly(plane: ControlPlane, document: Object) -> Answer:
    path = wait_for(lambda: object_path(plane.admin, document), f"{document['kind']} is served")
    return send(plane.admin, "PATCH", path, document, query=STRICTLY, content_type="application/apply-patch+yaml")


def test_an_unknown_field_and_a_pod_that_is_not_restricted_would_be_told(plane: ControlPlane) -> None:
    """So the test above can fail."""
    found = built(Combination(overlay="staging"))
    plane.apply([the(found, "Namespace", NAMESPACE)])
    deployment = json.loads(text(the(found, "Deployment")))
    deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    (warning,) = applied_strictly(plane, deployment).warnings
    assert 'would violate PodSecurity "restricted:latest": host namespaces' in warning
    deployment["spec"]["replica"] = 2
    assert "field not declared in schema" in applied_strictly(plane, deployment).body["message"]
