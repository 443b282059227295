"""Every overlay with every set of components is taken by the API server: strictly validated, and without a warning.

An object looks the same in all sets in which the same components have changed it. So the sets of none, of one, and of
two that change the same object show every object of every set, as long as no three do; each distinct one is sent once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, groupby
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, object_path, send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import COMPONENTS, NAMESPACE, OVERLAYS, Combination, built, can_be_together, combined, the
from tests.e2e.support import DRY_RUN

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
Key = tuple[str, str]

STRICTLY: Final = {**DRY_RUN, "fieldManager": "tests", "fieldValidation": "Strict", "force": "true"}
ONES: Final = combined(1)
"""None, each component by itself, and all together."""


@pytest.fixture(scope="module", autouse=True)
def ones_built() -> None:
    """Two at a time, which halves the time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(built, ONES))


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


def changed_by(overlay: str) -> dict[Key, list[str]]:
    """The components that change an object or add it, each by itself."""
    plain = by_key(Combination(overlay=overlay)).items()
    changed: dict[Key, list[str]] = defaultdict(list)
    for name in COMPONENTS:
        for key, _ in by_key(Combination(overlay=overlay, components=(name,))).items() - plain:
            changed[key].append(name)
    return changed


def enough(overlay: str) -> list[Combination]:
    """The combinations of an overlay that show every object of all its combinations."""
    small = [one for one in ONES if one.overlay == overlay and len(one.components) <= 1]
    pairs = {pair for names in changed_by(overlay).values() for pair in combinations(names, 2) if can_be_together(pair)}
    return small + [Combination(overlay=overlay, components=pair) for pair in sorted(pairs)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_object_is_changed_by_three_components(overlay: str) -> None:
    triples = [triple for names in changed_by(overlay).values() for triple in combinations(names, 3)]
    assert [triple for triple in triples if can_be_together(triple)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_components_together_make_nothing_that_few_do_not(overlay: str) -> None:
    few = {item for combination in enough(overlay) for item in by_key(combination).items()}
    every = {item for one in ONES if one.overlay == overlay for item in by_key(one).items()}
    assert {key for key, _ in every - few} == set()


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
        for overlay in OVERLAYS
        for combination in enough(overlay)
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
