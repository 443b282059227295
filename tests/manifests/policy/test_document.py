"""The rendered stream: valid objects that speak of the same pods as the webhook, and errors where there are none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from tests.deploy.schemas import validate
from tests.injection.support import HOST, settings, snapshot
from webhook.errors import WebhookError
from webhook.injection.findings import LimitCode
from webhook.injection.snapshot import Snapshot
from webhook.manifests.policy.document import MAX_NAMESPACES, objects, render
from webhook.manifests.policy.who import MAX_CONTAINERS, MAX_ENTRIES, MAX_NAMES

Object = dict[str, Any]

KUSTOMIZE: Final = Path(__file__).parents[3] / "deploy" / "kustomize"
EVERYTHING: Final = {
    "RAY_HOST": HOST,
    "RAY_NAMESPACE": "caf\u00e9",
    "RAY_AUTH_SECRET": "token",
    "RAY_ALIASES": "A=RAY_ADDRESS;B=RAY_HOST",
}


def rendered(known: Snapshot) -> list[Object]:
    return list(yaml.safe_load_all(render(known, name="ray-settings", origin="here")))


def shipped(path: str) -> Object:
    document: Object = yaml.safe_load((KUSTOMIZE / path).read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("data", [{"RAY_HOST": "h"}, EVERYTHING])
def test_every_object_is_valid(data: dict[str, str]) -> None:
    documents = rendered(snapshot(data))
    assert [document["kind"].removeprefix("MutatingAdmissionPolicy") for document in documents] == ["", "Binding"] * 2
    for document in documents:
        validate(document, (kubernetes_validate.latest_version(),))


def test_the_text_holds_the_objects_and_every_expression_as_it_is_written() -> None:
    known = snapshot(EVERYTHING)
    text = render(known, name="ray-settings", origin="here")
    assert list(yaml.safe_load_all(text)) == objects(known, name="ray-settings", origin="here")
    assert r"\n" not in text
    assert not re.search(r"[&*]id00", text)


def test_the_comment_names_every_limit() -> None:
    text = render(snapshot(), name="ray-settings", origin="file settings.env")
    comment = text[: text.index("apiVersion")]
    assert re.findall(r"^# (RAY\d+)", comment, re.MULTILINE) == list(LimitCode)
    assert "from file settings.env," in comment
    assert all(line.startswith("# ") and len(line) <= 120 for line in comment.splitlines())


def test_the_limits_tell_the_sizes_that_hold() -> None:
    assert (
        f"over {MAX_CONTAINERS} containers, {MAX_ENTRIES} variables or {MAX_NAMES} listed names"
        in LimitCode.TOO_LARGE.meaning
    )


def test_the_namespaces_and_the_pods_are_those_of_the_webhooks_two_entries() -> None:
    entries = shipped("base/mutatingwebhookconfiguration.yaml")["webhooks"]
    for webhook, policy in zip(entries, rendered(snapshot())[::2], strict=True):
        constraints = policy["spec"]["matchConstraints"]
        theirs, ours = (item["namespaceSelector"]["matchExpressions"] for item in (webhook, constraints))
        assert [{**item, "values": set(item["values"])} for item in ours] == [
            {**item, "values": set(item["values"])} for item in theirs
        ]
        assert expressions(webhook).items() <= expressions(policy["spec"]).items()


def expressions(spec: Object) -> dict[str, str]:
    """The conditions by their names, of whatever quotes and lines."""
    return {item["name"]: re.sub(r"\s+", " ", item["expression"].replace("'", '"')) for item in spec["matchConditions"]}


def test_who_is_left_alone_whatever_else_it_says_is_told_as_by_the_guard() -> None:
    guard = expressions(shipped("components/guard/pods.yaml")["spec"])
    for policy in rendered(snapshot())[::2]:
        ours = expressions(policy["spec"])
        for name in ("no-mirror-pod", "role-is-not-none", "no-redis-cleanup", "no-submitter"):
            assert ours[name] == guard[name]


@pytest.mark.parametrize("number", [0, 2])
def test_a_variable_is_made_of_those_before_it(number: int) -> None:
    spec = rendered(snapshot(EVERYTHING))[number]["spec"]
    known: set[str] = set()
    used: set[str] = set()
    for variable in spec["variables"]:
        names = set(re.findall(r"\bvariables\.(\w+)", variable["expression"]))
        assert names <= known
        used |= names
        known.add(variable["name"])
    assert used | set(re.findall(r"\bvariables\.(\w+)", spec["mutations"][0]["jsonPatch"]["expression"])) == known


def test_a_namespace_with_settings_of_its_own_gets_a_policy_of_its_own() -> None:
    own = {"team-a": settings({"RAY_HOST": "own"}), "team-b": settings({"RAY_NAMESPACE": "b"}), "team-c": settings()}
    documents = rendered(Snapshot(namespaces=own, cluster_wide=settings()))
    selected = {
        document["metadata"]["name"]: document["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]
        for document in documents
        if document["kind"] == "MutatingAdmissionPolicy"
    }
    assert {name: (item["operator"], item["values"][-2:]) for name, item in selected.items()} == {
        "ray-settings": ("NotIn", ["team-a", "team-b"]),
        "default-role.ray-settings": ("NotIn", ["team-a", "team-b"]),
        "ray-settings.team-a": ("In", ["team-a"]),
        "default-role.ray-settings.team-a": ("In", ["team-a"]),
        "ray-settings.team-b": ("In", ["team-b"]),
        "default-role.ray-settings.team-b": ("In", ["team-b"]),
    }
    texts = {document["metadata"]["name"]: str(document) for document in documents if "mutations" in document["spec"]}
    assert f"ray://{HOST}:10001" not in texts["ray-settings.team-a"]
    assert "ray://own:10001" in texts["ray-settings.team-a"]


def test_settings_in_namespaces_that_no_pod_is_treated_in_are_nobodys_business() -> None:
    own = {name: settings({"RAY_HOST": "own"}) for name in ("kube-system", "kube-node-lease", "ray-webhook-system")}
    assert len(rendered(Snapshot(namespaces=own, cluster_wide=settings()))) == 4


MANY = {f"team-{number}": settings({"RAY_HOST": f"h{number}"}) for number in range(MAX_NAMESPACES + 1)}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (Snapshot(), "RAY802: here names no host for everybody"),
        (Snapshot(namespaces={"a": settings()}), "RAY802: here names no host for everybody"),
        (Snapshot(cluster_wide=settings({"RAY_PORT": "7"})), "RAY802: here names no host for everybody"),
        (snapshot({"RAY_HOST": "h", "RAY_PORT": "0"}), 'RAY803: test, RAY_PORT is "0"; allowed: a port of 1-65535'),
        (snapshot({"RAY_HOST": "h", "RAY_ALIASES": "x"}), 'RAY803: test, RAY_ALIASES has the line "x"; allowed:'),
        (snapshot(own={"RAY_HOST": "a b\n"}), "RAY803: apps's, RAY_HOST is"),
        (Snapshot(namespaces=MANY, cluster_wide=settings()), "RAY802: 101 namespaces have settings of their own"),
    ],
)
def test_what_cannot_be_rendered_is_told_in_one_line(known: Snapshot, told: str) -> None:
    with pytest.raises(WebhookError) as caught:
        render(known, name="ray-settings", origin="here")
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
