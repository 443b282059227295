"""What is taken out is what the webhook would put in, or what inject recorded; anything else stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.manifests.test_inject import GIVEN, SETTINGS, injected, uninjected, values
from webhook import contract
from webhook.injection.findings import InjectCode
from webhook.injection.snapshot import Snapshot
from webhook.manifests.inject import inject
from webhook.manifests.outcomes import Given
from webhook.manifests.source import Source
from webhook.manifests.uninject import uninject

BY_HAND = """\
kind: Pod
metadata: {annotations: {ray.seedcore.io/role: client}}
spec:
  containers:
  - name: by-hand
    env:
    # Where Ray is
    - name: RAY_HOST
      value: ray.example
    - name: RAY_PORT  # another one
      value: "10002"
    - {name: OTHER, value: ray.example}
    - name: RAY_SERVE_ADDRESS
      value: http://ray.example:8000
  - name: all
    env: [{name: RAY_NAMESPACE, value: dev}]
"""


def test_only_what_the_webhook_would_put_in_is_taken_out_of_what_inject_never_saw() -> None:
    result = uninjected(BY_HAND)

    assert result.text == BY_HAND.replace("    - name: RAY_HOST\n      value: ray.example\n", "").replace(
        "    - name: RAY_SERVE_ADDRESS\n      value: http://ray.example:8000\n", ""
    ).replace("    env: [{name: RAY_NAMESPACE, value: dev}]\n", "")
    assert [outcome.code for outcome in result.outcomes] == [InjectCode.TAKEN_OUT]


@pytest.mark.parametrize(
    "change",
    [
        ("role: client", "role: none"),
        ("ray.seedcore.io/role: client", "a: b"),
        ("role: client", "role: wrong"),
        ("ray.example", "other.example"),
    ],
)
def test_what_the_webhook_would_not_put_in_stays(change: tuple[str, str]) -> None:
    text = BY_HAND.replace(*change).replace("    env: [{name: RAY_NAMESPACE, value: dev}]\n", "")

    result = uninjected(text)

    assert result.text == text
    assert [outcome.code for outcome in result.outcomes] == [InjectCode.NOTHING_OF_OURS]


def test_what_was_changed_since_stays_changed() -> None:
    text = BY_HAND.replace("value: ray.example\n", "value: ray://old\n", 1)
    since = injected(text).text.replace("name: OTHER, value: ray.example", "name: OTHER, value: new")

    result = uninjected(since.replace("  - name: all\n", "    image: a:1\n  - name: all\n"))

    (pod,) = values(result.text)
    assert pod["spec"]["containers"][0] == {
        "name": "by-hand",
        "env": [
            {"name": "RAY_HOST", "value": "ray://old"},
            {"name": "RAY_PORT", "value": "10002"},
            {"name": "OTHER", "value": "new"},
            {"name": "RAY_SERVE_ADDRESS", "value": "http://ray.example:8000"},
        ],
        "image": "a:1",
    }
    assert "# another one" in result.text
    assert contract.INJECTED not in result.text


def test_settings_that_moved_since_change_nothing_about_what_is_taken_out() -> None:
    now = uninject(Source.parse(injected(BY_HAND).text, name="s"), Given(snapshot=Snapshot(), namespace="other"))

    assert now.text == BY_HAND


def test_injecting_anew_puts_in_what_holds_now() -> None:
    other = Given(snapshot=Snapshot(), namespace="shop")
    text = BY_HAND.replace("role: client", "role: client, ray.seedcore.io/ray-namespace: mine")

    again = inject(Source.parse(injected(text).text, name="s"), other).text

    assert again == inject(Source.parse(text, name="s"), other).text
    assert uninjected(again).text == text


@pytest.mark.parametrize(
    "record",
    [
        "x",
        "[]",
        '{"env":{}}',
        '{"env":{"by-hand":{"set":["OTHER"],"was":[[7,{}]]}}}',
        '{"env":{"by-hand":{"set":[],"was":[[0,1]]}}}',
        '{"env":{"by-hand":{"set":["RAY_HOST"],"was":[[0,{"name":"RAY_HOST"}],[0,{"name":"RAY_HOST"}]]}}}',
        '{"env":{},"undo":{"hash":"","edits":[[9000,1,"kind: X"]]}}',
        '{"env":{},"undo":{"hash":"","edits":[[-1,1,""]]}}',
        "[" * 5000,
    ],
)
def test_a_record_that_inject_did_not_write_breaks_nothing(record: str) -> None:
    text = BY_HAND.replace("role: client", f"role: client, {contract.INJECTED}: {json.dumps(record)}")

    for result in (uninjected(text), injected(text)):
        (pod,) = values(result.text)
        assert pod["spec"]["containers"][0]["name"] == "by-hand"


def test_a_record_cannot_change_what_is_not_its_own() -> None:
    """Its hash is right, yet it would give the pod another image."""
    from webhook.manifests.records import text_hash

    plain = "{kind: Pod, metadata: {annotations: {ANNOTATION: }}, spec: {containers: [{name: c, image: good}]}}\n"
    plain = plain.replace("ANNOTATION", contract.INJECTED)
    edits = [[plain.index("good"), 4, "evil"]]
    record = json.dumps({"env": {}, "undo": {"hash": text_hash(plain), "edits": edits}})

    result = uninjected(plain.replace(": }}", f": '{record}'" + "}}"))

    assert "image: good" in result.text


ALIASES = """\
kind: RayCluster
metadata: {name: train}
spec:
  headGroupSpec:
    template:
      metadata: {annotations: {ray.seedcore.io/role: head}}
      spec:
        containers:
        - name: head
          env: &shared
          - {name: A, value: b}
  workerGroupSpecs:
  - groupName: small
    template:
      metadata: {annotations: {ray.seedcore.io/role: worker}}
      spec:
        containers:
        - name: worker
          env: *shared
"""


def test_an_env_shared_by_templates_that_differ_is_written_out() -> None:
    result = injected(ALIASES)

    head, worker = (
        {entry["name"]: entry["value"] for entry in containers[0]["env"]} for containers in two_containers(result.text)
    )
    assert (head["SEEDCORE_RAY_ROLE"], worker["SEEDCORE_RAY_ROLE"]) == ("head", "worker")
    assert "env: *shared" not in result.text
    assert uninjected(result.text).text == ALIASES


def two_containers(text: str) -> list[Any]:
    (cluster,) = values(text)
    spec = cluster["spec"]
    templates = [spec["headGroupSpec"]["template"], spec["workerGroupSpecs"][0]["template"]]
    return [template["spec"]["containers"] for template in templates]


def test_an_env_shared_with_a_template_that_must_stay_is_told_and_left() -> None:
    text = ALIASES.replace("role: worker", "role: none")

    result = injected(text)

    assert result.text == text
    assert [(outcome.code, outcome.failed) for outcome in result.outcomes] == [
        (InjectCode.SHARED, True),
        ("RAY203", False),
    ]


def test_one_that_must_stay_does_not_keep_the_others_from_being_changed() -> None:
    left = ALIASES.replace("role: worker", "role: none")
    alone = "---\n" + BY_HAND

    result = injected(alone + "---\n" + left + alone + alone)

    assert [outcome.changed for outcome in result.outcomes] == [True, False, False, True, True]
    assert left in result.text
    assert uninjected(result.text).text == alone + "---\n" + left + alone + alone


def test_an_env_that_comes_by_a_merge_is_written_out() -> None:
    text = """\
kind: Pod
metadata: {annotations: {ray.seedcore.io/role: client, ray.seedcore.io/skip-containers: a}}
spec:
  containers:
  - &base
    name: a
    env: [{name: A, value: b}]
  - <<: *base
    name: c
"""

    result = injected(text)

    (pod,) = values(result.text)
    first, second = pod["spec"]["containers"]
    assert first["env"] == [{"name": "A", "value": "b"}]
    assert second["env"][:2] == [{"name": "A", "value": "b"}, {"name": "RAY_HOST", "value": "ray.example"}]
    assert uninjected(result.text).text == text


def test_a_namespace_that_is_guessed_is_told_where_the_connection_depends_on_it() -> None:
    guessed = Given(snapshot=Snapshot(cluster_wide=SETTINGS), namespace="default", is_assumed=True)
    source = Source.parse(ALIASES, name="s")

    assert all("RAY684" in outcome.warnings[-1] for outcome in inject(source, guessed).outcomes)
    assert "RAY684" not in str(inject(source, GIVEN).outcomes)
    named = Source.parse(ALIASES.replace("name: train", "name: train, namespace: default"), name="s")
    assert "RAY684" not in str(inject(named, guessed).outcomes)
    settled = Source.parse(BY_HAND, name="s")
    assert "RAY684" not in str(inject(settled, guessed).outcomes)
