"""The policies in the API server spell every name as the webhook does, and judge who the webhook is called for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from webhook import contract
from webhook.cluster.bundle import TRUSTED
from webhook.contract import Role
from webhook.injection.reasons import every_reason
from webhook.manifests.workloads import KINDS

KUSTOMIZE: Final = Path(__file__).parents[2] / "deploy" / "kustomize"
WRITTEN: Final = {*contract.ANNOTATIONS}


def documents(path: Path) -> list[dict[str, Any]]:
    return [dict(document) for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def policy(path: str) -> dict[str, Any]:
    (document,) = documents(KUSTOMIZE / "components" / path)
    spec: dict[str, Any] = document["spec"]
    return spec


PODS, KUBERAY_PODS = policy("guard/pods.yaml"), policy("guard/kuberay-pods.yaml")
WORKLOADS, NAMESPACES = policy("manifest-policy/workloads.yaml"), policy("manifest-policy/namespaces.yaml")
POLICIES: Final = {"pods": PODS, "kuberay-pods": KUBERAY_PODS, "workloads": WORKLOADS, "namespaces": NAMESPACES}
MUTATING: Final = documents(KUSTOMIZE / "base" / "mutatingwebhookconfiguration.yaml")[0]["webhooks"]
LABELS: Final = {
    expression["key"]
    for webhook in MUTATING
    for expression in webhook["namespaceSelector"]["matchExpressions"]
    if expression["key"].startswith(contract.PREFIX)
}
"""Those by which the API server picks the webhook's entry."""
every_policy = pytest.mark.parametrize("spec", POLICIES.values(), ids=POLICIES)


def expressions(spec: dict[str, Any]) -> str:
    """All CEL of a policy."""
    parts = [
        item["expression"] for key in ("matchConditions", "variables", "validations") for item in spec.get(key, ())
    ]
    return "\n".join([*parts, *(item["messageExpression"] for item in spec["validations"])])


def quoted(spec: dict[str, Any]) -> set[str]:
    """All literals of a policy that are a name as a whole."""
    return set(re.findall(r"'([\w./-]+)'", expressions(spec)))


@every_policy
def test_every_key_of_ours_is_one_of_the_contract(spec: dict[str, Any]) -> None:
    found = set(re.findall(r"(?<!\.)ray\.seedcore\.io/[\w-]+", expressions(spec) + str(spec["validations"])))
    assert found
    assert found <= WRITTEN | LABELS


def test_the_keys_that_count_as_known_are_those_that_users_write() -> None:
    (variable,) = [item["expression"] for item in WORKLOADS["variables"] if item["name"] == "unknown"]
    known = re.search(r"k in \[(.*?)\]", variable, re.DOTALL)
    assert known is not None
    assert set(re.findall(r"'(.*?)'", known[1])) == WRITTEN
    assert all(key.removeprefix(contract.PREFIX) in str(WORKLOADS["validations"]) for key in WRITTEN)


@pytest.mark.parametrize("spec", [PODS, KUBERAY_PODS, WORKLOADS])
def test_the_roles_are_the_contracts(spec: dict[str, Any]) -> None:
    lists = [re.findall(r"'(\w+)'", found) for found in re.findall(r"in (\[[^\]]*'head'[^\]]*\])", expressions(spec))]
    assert list(Role) in lists
    assert all(set(found) <= set(Role) for found in lists)
    assert f"allowed: {', '.join(Role)}" in str(spec["validations"])


def test_the_declared_variables_are_those_that_a_role_sets_or_removes() -> None:
    """But for the one that is set only where it is absent."""
    found = {name for name in quoted(WORKLOADS) if name.isupper()}
    assert found == contract.ROLE_VARIABLES - {contract.GRPC_ENABLE_FORK_SUPPORT}


@pytest.mark.parametrize("spec", [PODS, KUBERAY_PODS])
def test_the_guard_looks_at_the_address_and_at_kuberays_command(spec: dict[str, Any]) -> None:
    assert {name for name in quoted(spec) if name.isupper()} == {contract.RAY_ADDRESS, contract.KUBERAY_START_COMMAND}


def test_kuberays_names_are_the_contracts() -> None:
    labels = {
        contract.KUBERAY_NODE_TYPE,
        contract.KUBERAY_ORIGIN_NAME,
        contract.KUBERAY_ORIGIN_KIND,
        contract.KUBERAY_CREATED_BY,
    }
    names = {contract.KUBERAY_OPERATOR, contract.KUBERAY_REDIS_CLEANUP, contract.KUBERAY_SUBMITTER}
    assert labels | names <= quoted(PODS)
    assert labels | names - {contract.KUBERAY_REDIS_CLEANUP} | {contract.KUBERAY_WAIT_GCS} <= quoted(KUBERAY_PODS)
    assert {contract.KUBERAY_NODE_TYPE, contract.KUBERAY_REDIS_CLEANUP, contract.KUBERAY_SUBMITTER} <= quoted(WORKLOADS)


@pytest.mark.parametrize("spec", [PODS, KUBERAY_PODS, WORKLOADS])
def test_the_namespaces_are_those_of_the_webhook(spec: dict[str, Any]) -> None:
    ours = spec["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert ours == MUTATING[0]["namespaceSelector"]["matchExpressions"]
    assert set(ours[0]["values"]) == {*contract.SYSTEM_NAMESPACES, contract.WEBHOOK_NAMESPACE}


@pytest.mark.parametrize("spec", [PODS, KUBERAY_PODS])
def test_the_guard_looks_for_what_the_webhook_leaves_with_a_bundle(spec: dict[str, Any]) -> None:
    (condition,) = [item for item in spec["matchConditions"] if item["name"] == "webhook-can-be-called"]
    assert f"[?'{TRUSTED}'].hasValue()" in condition["expression"]


@pytest.mark.parametrize("spec", [PODS, KUBERAY_PODS])
def test_mirror_pods_are_left_out_as_the_webhook_leaves_them_out(spec: dict[str, Any]) -> None:
    assert MUTATING[0]["matchConditions"][0] in spec["matchConditions"]


def test_who_gets_no_default_role_is_told_as_by_the_webhook() -> None:
    """The condition of the second entry is the guard's too."""
    theirs = MUTATING[1]["matchConditions"][1]["expression"]
    kuberays = theirs[theirs.index("(object.metadata.?labels[?'ray.io/node-type']") :].rstrip(")")
    assert f"!{kuberays})" in expressions(PODS)


def test_every_kind_with_a_template_is_judged() -> None:
    """A PodTemplate makes no pods of its own: whoever uses one has it judged there."""
    resources = {item for rule in WORKLOADS["matchConstraints"]["resourceRules"] for item in rule["resources"]}
    kinds = {*KINDS} - {"Pod", "PodTemplate"}
    assert resources == {f"{kind.lower()}s" for kind in kinds}


@every_policy
def test_what_cannot_be_judged_is_let_through(spec: dict[str, Any]) -> None:
    assert spec["failurePolicy"] == "Ignore"


@every_policy
def test_every_message_begins_with_a_code_of_the_table(spec: dict[str, Any]) -> None:
    codes = {reason.code for reason in every_reason()}
    for validation in spec["validations"]:
        code = validation["message"].partition(":")[0]
        assert code in codes
        assert validation["messageExpression"].startswith(f"'{code}: ")
