"""The components as an overlay puts them together: who refuses, who warns, and names that follow each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.e2e.installation import rendered
from tests.e2e.policies.support import apply_bindings, in_namespace, overlay, wait_until_told
from tests.injection.support import pod

pytestmark = pytest.mark.e2e

REFUSES, WARNS = ["Deny", "Audit"], ["Warn", "Audit"]


@pytest.mark.parametrize(
    ("components", "actions"),
    [
        (["guard"], {"guard": REFUSES, "guard-kuberay": WARNS}),
        (["guard-warn"], {"guard": WARNS, "guard-kuberay": WARNS}),
        (["manifest-policy"], {"manifests": WARNS, "namespaces": WARNS}),
        (["manifest-policy-deny"], {"manifests": REFUSES, "namespaces": REFUSES}),
        (
            ["guard-warn", "manifest-policy-deny"],
            {"guard": WARNS, "guard-kuberay": WARNS, "manifests": REFUSES, "namespaces": REFUSES},
        ),
    ],
    ids=" and ".join,
)
def test_a_component_refuses_or_warns(
    policed: ControlPlane, tmp_path: Path, components: list[str], actions: dict[str, list[str]]
) -> None:
    made = [
        item for item in rendered(policed, overlay(tmp_path, *components)) if item["kind"].endswith("PolicyBinding")
    ]
    assert {item["metadata"]["name"]: item["spec"]["validationActions"] for item in made} == {
        f"ray-webhook-{name}": wanted for name, wanted in actions.items()
    }


def test_the_guard_only_warns_beside_a_webhook_that_only_observes(policed: ControlPlane, tmp_path: Path) -> None:
    for component, status in (("guard-warn", 201), ("guard", 403)):
        apply_bindings(policed, overlay(tmp_path / component, component))
        wait_until_told(policed, in_namespace(pod("client")), ["RAY311"], status)


def test_names_follow_an_overlay_that_gives_others(policed: ControlPlane, tmp_path: Path) -> None:
    """The webhook's own namespace stays excluded, and every binding keeps its policy and its parameter."""
    renamed = overlay(tmp_path, "guard", "manifest-policy", namespace="elsewhere", namePrefix="my-")
    objects = rendered(policed, renamed)
    names = {kind: {item["metadata"]["name"] for item in objects if item["kind"] == kind} for kind in KINDS}
    for item in objects:
        spec = item.get("spec", {})
        if item["kind"] == "ValidatingAdmissionPolicyBinding":
            assert spec["policyName"] in names["ValidatingAdmissionPolicy"]
            assert spec.get("paramRef", {}).get("name", "my-ray-webhook") in names["MutatingWebhookConfiguration"]
        elif item["kind"] == "ValidatingAdmissionPolicy" and "namespaceSelector" in spec["matchConstraints"]:
            values = spec["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"]
            assert values == ["kube-system", "kube-node-lease", "elsewhere"]
    assert [len(names[kind]) for kind in KINDS] == [4, 1]


KINDS = ["ValidatingAdmissionPolicy", "MutatingWebhookConfiguration"]
