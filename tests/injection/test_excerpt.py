"""The excerpt of a pod: enough to decide by, and the same for all pods of a workload."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.injection.case import Case, decided, review_body
from tests.injection.strategies import HOSTILE, cases, spoiled_cases, updates
from tests.service import recorded
from webhook.contract import Role
from webhook.injection.decision import Decision, Deny, Inject, Skip, decide
from webhook.injection.excerpt import excerpt
from webhook.injection.reasons import Code
from webhook.injection.review import parse_review


def told(decision: Decision) -> tuple[object, ...]:
    """All that the API server, the log and the metrics are told of a decision."""
    return (
        decision.code,
        decision.role,
        decision.warnings,
        decision.operations if isinstance(decision, Inject) else decision.message if isinstance(decision, Deny) else (),
    )


def read(review: dict[str, Any], *, commands: bool = False) -> bytes:
    found = excerpt(parse_review(msgspec.json.encode(review)), commands=commands)
    assert found is not None
    return found[0]


@given(cases() | cases(more=HOSTILE) | spoiled_cases())
def test_the_decision_about_the_excerpt_is_the_one_about_the_pod(case: Case) -> None:
    request = parse_review(review_body(case))
    found = excerpt(request, commands=case.default_role is not None)
    if found is not None:
        request.object = msgspec.Raw(found[0])
        decision, wanted = decide(request, case.snapshot, default_role=case.default_role), decided(case)
        # Which of several wrong types is told of is no more than the order in which they stand.
        assert told(decision) == told(wanted) or decision.code is wanted.code is Code.MALFORMED_POD


@given(cases())
def test_a_pod_that_is_well_formed_has_one(case: Case) -> None:
    is_creation = case.existing is None
    found = excerpt(parse_review(review_body(case)), commands=case.default_role is not None)
    assert (found is not None) is is_creation


@given(updates())
def test_a_change_of_ephemeral_containers_has_none(case: Case) -> None:
    assert excerpt(parse_review(review_body(case)), commands=False) is None


@pytest.mark.parametrize("change", [{"resource": {"resource": "deployments"}}, {"operation": "DELETE"}])
def test_another_request_has_none(change: dict[str, Any]) -> None:
    review = recorded("deployment-client")
    review["request"] |= change

    request = parse_review(msgspec.json.encode(review))

    assert excerpt(request, commands=False) is None
    assert isinstance(decide(request, Case(pod=None).snapshot, default_role=None), Skip)


def test_pods_of_one_workload_have_the_same() -> None:
    one, other = recorded("deployment-client"), recorded("deployment-client")
    pod = other["request"]["object"]
    pod["metadata"]["generateName"] = "another-"
    pod["metadata"]["labels"] |= {"apps.kubernetes.io/pod-index": "7"}
    pod["metadata"]["annotations"] |= {"example.com/checksum": "7"}
    pod["spec"]["hostname"] = "another"
    for container in pod["spec"]["containers"]:
        container["volumeMounts"] = [{"name": "kube-api-access-zzzzz", "mountPath": "/var/run"}]
        container["image"] = "another"

    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("metadata", "annotations", "ray.seedcore.io/on-conflict"), "keep"),
        (("metadata", "annotations", "kubernetes.io/config.mirror"), "hash"),
        (("metadata", "labels", "ray.io/node-type"), "head"),
        (("spec", "containers", 0, "name"), "another"),
        (("spec", "containers", 0, "env"), [{"name": "A", "value": "1"}]),
        (("spec", "containers", 0, "envFrom"), None),
        (("spec", "initContainers"), [{"name": "first"}]),
    ],
)
def test_whatever_a_rule_reads_makes_it_another(place: tuple[str | int, ...], value: object) -> None:
    one, other = recorded("deployment-client"), recorded("deployment-client")
    part: Any = other["request"]["object"]
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value

    assert read(one) != read(other)


def test_command_lines_are_read_on_the_default_roles_path_alone() -> None:
    one, other = recorded("deployment-client"), recorded("deployment-client")
    other["request"]["object"]["spec"]["containers"][0]["command"] = ["ray", "start"]

    assert read(one) == read(other)
    assert read(one, commands=True) != read(other, commands=True)


def test_a_missing_map_of_annotations_is_told_from_an_empty_one() -> None:
    """An annotation can be added to the one and not to the other."""
    missing = Case(pod={"metadata": {}, "spec": {"containers": [{"name": "app"}]}}, default_role=Role.CLIENT)
    empty = replace(missing, pod={"metadata": {"annotations": {}}, "spec": {"containers": [{"name": "app"}]}})

    found = [excerpt(parse_review(review_body(case)), commands=True) for case in (missing, empty)]

    assert found[0] is not None
    assert found[1] is not None
    assert found[0][0] != found[1][0]
