"""Roles and other keys of ours that are misspelt, missing or in the wrong place."""

from __future__ import annotations

import pytest

from tests.manifests.lint.support import check, deployment, found, lint, lint_one
from webhook.manifests.lint.finding import Level


@pytest.mark.parametrize(
    ("written", "code", "fix"),
    [
        ("ray.seedcore.io/role: clinet", "RAY301", 'did you mean "client"?'),
        ("ray.seedcore.io/role: Head", "RAY301", 'did you mean "head"?'),
        ("ray.seedcore.io/role: driver", "RAY301", "set it to head, worker, client or none"),
        ("ray.seedcore.io/role: client, ray.seedcore.io/connect: job", "RAY305", 'did you mean "jobs"?'),
        ("ray.seedcore.io/role: client, ray.seedcore.io/on-conflict: kepp", "RAY308", 'did you mean "keep"?'),
        ("ray.seedcore.io/role: client, ray.seedcore.io/cluster: a/b/c", "RAY303", "write NAME, or NAMESPACE/NAME"),
        ("ray.seedcore.io/role: client, ray.seedcore.io/containers: A B", "RAY307", 'mend "A B"'),
        ("ray.seedcore.io/role: client, ray.seedcore.io/containers: app", "RAY403", "mend the name"),
        (
            "ray.seedcore.io/role: client, ray.seedcore.io/conect: jobs",
            "RAY602",
            "did you mean ray.seedcore.io/connect?",
        ),
        ("ray.seedcore.oi/role: client", "RAY602", "did you mean ray.seedcore.io/role?"),
        ("ray.seedcore.io/Role: client", "RAY602", "did you mean ray.seedcore.io/role?"),
        ("ray.seedcore.io/status: x, ray.seedcore.io/role: client", "RAY602", "mend its name, or remove it"),
        ("ray.seedcore.io/cluster: train", "RAY603", "set ray.seedcore.io/role"),
    ],
)
def test_a_wrong_annotation_is_told_with_what_was_meant(written: str, code: str, fix: str) -> None:
    finding = found(deployment(annotations=written))

    assert finding.code == code
    assert finding.fix.startswith(fix)
    assert finding.line == 7


def test_all_faults_are_told_at_once_and_settings_are_judged_as_they_were_meant() -> None:
    env = "- {name: RAY_ADDRESS, value: auto}"
    written = "ray.seedcore.io/role: clinet, ray.seedcore.io/connect: job"
    assert sorted(str(one.code) for one in lint_one(deployment(env, written))) == ["RAY301", "RAY305", "RAY604"]


@pytest.mark.parametrize("written", ["example.com/role: client", "ray.io/ft-enabled: 'true'", "app.io/cluster: x"])
def test_annotations_of_others_are_theirs(written: str) -> None:
    assert lint_one(deployment(annotations=written)) == []


def test_annotations_and_labels_in_the_wrong_place() -> None:
    check("""\
kind: CronJob
metadata:
  name: nightly
  annotations:
    ray.seedcore.io/role: client  #! RAY601
spec:
  jobTemplate:
    metadata:
      annotations:
        ray.seedcore.io/cluster: train  #! RAY601
    spec:
      template:
        metadata:
          labels:
            ray.seedcore.io/role: client  #! RAY602
        spec: {}
---
kind: Service
metadata:
  name: web
  labels:
    ray.seedcore.io/role: client  #! RAY601
---
kind: StatefulSet
metadata:
  name: both
  annotations: {ray.seedcore.io/role: client}
spec: {template: {metadata: {annotations: {ray.seedcore.io/role: client}}}}
""")


def test_labels_of_a_namespace() -> None:
    check("""\
kind: Namespace
metadata:
  name: shop
  labels:
    ray.seedcore.io/default-role: worker  #! RAY605
    ray.seedcore.io/injection: enabled  #! RAY605
    ray.seedcore.io/defaultrole: client  #! RAY602
  annotations:
    ray.seedcore.io/role: client  #! RAY602
---
kind: Namespace
metadata: {name: good, labels: {ray.seedcore.io/default-role: client, ray.seedcore.io/injection: disabled}}
""")


def test_on_kuberays_templates_a_bad_annotation_is_a_warning() -> None:
    template = "{metadata: {annotations: {ray.seedcore.io/role: hed}}, spec: {containers: [{name: a}]}}"
    findings = lint_one(f"kind: RayCluster\nmetadata: {{name: a}}\nspec: {{headGroupSpec: {{template: {template}}}}}\n")

    assert {(str(one.code), one.level) for one in findings} == {
        ("RAY301", Level.WARNING),
        ("RAY405", Level.WARNING),
    }


def test_a_reference_to_a_cluster_that_no_file_has_is_a_note() -> None:
    cluster = "kind: RayCluster\nmetadata: {name: train}\nspec: {}\n"
    api = deployment(annotations="ray.seedcore.io/role: client, ray.seedcore.io/cluster: trian")

    assert lint({"api.yaml": api}) == []
    (finding,) = lint({"api.yaml": api, "cluster.yaml": cluster})
    assert (finding.code, finding.level, finding.fix) == ("RAY616", Level.NOTE, 'did you mean "train"?')
    assert lint({"api.yaml": api.replace("trian", "train"), "cluster.yaml": cluster}) == []
