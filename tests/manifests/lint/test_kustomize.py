"""Kustomizations: generators, patches of every form, files that are not there, names that change."""

from __future__ import annotations

import pytest

from tests.manifests.lint.support import check, deployment, lint
from webhook.manifests.lint.finding import Level

CLUSTER = """\
kind: RayCluster
metadata: {name: train}
spec:
  headGroupSpec:
    template:
      metadata: {annotations: {ray.seedcore.io/role: head}}
      spec: {containers: [{name: ray-head}]}
"""
API = (
    "kind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {annotations: {ray.seedcore.io/role: %s}}}}\n"
)
PATCH = """\
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          env:
            - name: RAY_HOST
              $patch: delete
            - name: RAY_ADDRESS
              value: ray://head:1  #! %s
"""
NO_HASH = "generatorOptions: {disableNameSuffixHash: true}\n"


def test_literals_of_a_generator_are_found() -> None:
    check(
        {
            "kustomization.yaml": """\
configMapGenerator:
  - name: env
    literals:
      - STAGE=dev
      - RAY_ADDRESS=ray://head:1  #! RAY610
      - 'RAY_HOST="head"'  #! RAY610
"""
        }
    )


def test_an_env_file_of_a_generator_is_one_whatever_it_is_called_and_of_settings_is_settings() -> None:
    check(
        {
            "kustomization.yaml": NO_HASH
            + "configMapGenerator:\n- {name: env, envs: [app.properties]}\n- {name: ray-settings, env: dev/ray.conf}\n",
            "app.properties": "A=1\n# and\nRAY_ADDRESS=ray://x:1#! RAY610\n".replace("#!", "  #!"),
            "dev/ray.conf": "RAY_HOST=head\nRAY_PORT=0  #! RAY705\nSTAGE=dev\n",
        }
    )


def test_a_configmap_of_a_generator_reaches_a_node_of_the_base() -> None:
    head = CLUSTER.replace("{name: ray-head}", "{name: ray-head, envFrom: [{configMapRef: {name: env}}]}")
    check(
        {
            "base/kustomization.yaml": "resources: [cluster.yaml]\n",
            "base/cluster.yaml": head.replace("name: env}}]}]}", "name: env}}]}]}  #! RAY609"),
            "dev/kustomization.yaml": (
                "resources: [../base]\nconfigMapGenerator:\n"
                "- name: env\n  literals:\n  - RAY_ADDRESS=ray://h:1  #! RAY610\n"
            ),
            "other/kustomization.yaml": "resources: [cluster.yaml]\n",
            "other/cluster.yaml": head,
        }
    )


@pytest.mark.parametrize(("role", "code"), [("client", "RAY604"), ("worker", "RAY608")])
@pytest.mark.parametrize("entry", ["patches: [{path: p.yaml}]", "patchesStrategicMerge: [p.yaml]"])
def test_a_patch_is_judged_by_the_role_of_what_it_patches(role: str, code: str, entry: str) -> None:
    check(
        {
            "base/kustomization.yaml": "resources: [api.yaml]\n",
            "base/api.yaml": API % role,
            "dev/kustomization.yaml": f"resources: [../base]\n{entry}\n",
            "dev/p.yaml": PATCH % code,
        }
    )


def test_a_patch_of_what_no_file_has_is_judged_as_a_clients_and_needs_no_role() -> None:
    check({"kustomization.yaml": "patches: [{path: p.yaml}]\n", "p.yaml": PATCH % "RAY604"})


def test_a_patch_of_what_is_to_keep_its_settings_is_fine() -> None:
    kept = (API % "client").replace("role: client", "role: client, ray.seedcore.io/on-conflict: keep")
    patch = (PATCH % "RAY604").replace("  #! RAY604", "")
    check(
        {"kustomization.yaml": "resources: [api.yaml]\npatches: [{path: p.yaml}]\n", "api.yaml": kept, "p.yaml": patch}
    )


def test_inline_patches_have_their_findings_at_the_kustomizations_own_lines() -> None:
    findings = lint(
        {
            "api.yaml": API % "worker",
            "kustomization.yaml": """\
resources: [api.yaml]
patches:
  - target: {kind: Deployment, name: api}
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: RAY_ADDRESS, value: "ray://head:1"}
      - op: replace
        path: /spec/template/spec/containers/0/env/0/value
        value: ray://head:2
      - op: remove
        path: /spec/template/spec/containers/0/env/1
  - patch: |
      kind: Deployment
      metadata: {name: api}
      spec: {template: {spec: {containers: [{name: api, env: [{name: RAY_ADDRESS, value: local}]}]}}}
""",
        }
    )
    assert [(str(one.code), one.line, one.column) for one in findings] == [
        ("RAY608", 7, 43),
        ("RAY608", 10, 16),
        ("RAY608", 16, 90),
    ]


def test_json_patches_in_files_are_found_and_know_kuberays_groups() -> None:
    check(
        {
            "kustomization.yaml": (
                "resources: [cluster.yaml]\n"
                "patchesJson6902: [{path: p.yaml, target: {group: ray.io, kind: RayCluster, name: train}}]\n"
            ),
            "cluster.yaml": CLUSTER,
            "p.yaml": """\
- op: add
  path: /spec/headGroupSpec/template/spec/containers/0/env
  value:
    - {name: RAY_PORT, value: "1"}
    - name: RAY_ADDRESS
      value: auto
    - name: RAY_ADDRESS
      value: ray://head:1  #! RAY608
""",
        }
    )


def test_a_json_patch_of_a_config_map_is_found() -> None:
    check(
        {
            "kustomization.yaml": "patches: [{path: p.yaml, target: {kind: ConfigMap, name: env}}]\n",
            "p.yaml": "- op: add\n  path: /data/RAY_HOST\n  value: head  #! RAY610\n",
        }
    )


def test_replacements_that_write_the_connection_are_found() -> None:
    check(
        {
            "kustomization.yaml": """\
replacements:
  - source: {kind: ConfigMap, name: env, fieldPath: data.RAY_HOST}
    targets:
      - select: {kind: Deployment}
        fieldPaths:
          - spec.template.spec.containers.[name=api].env.[name=RAY_ADDRESS].value  #! RAY604
          - spec.template.spec.containers.[name=api].env.[name=STAGE].value
      - select: {kind: ConfigMap}
        fieldPaths:
          - data.RAY_NAMESPACE  #! RAY610
"""
        }
    )


def test_files_that_are_not_there_are_errors_and_remote_ones_are_not_looked_for() -> None:
    check(
        {
            "dev/kustomization.yaml": """\
resources:
  - ../base
  - app.yaml  #! RAY613
  - https://example.com/org/repo//deploy?ref=v1
  - github.com/org/repo
components:
  - ../parts/gpu  #! RAY613
patches:
  - path: p.yaml  #! RAY613
configMapGenerator:
  - name: env
    envs: [a.env]  #! RAY613
    files:
      - key=there.txt
secretGenerator:
  - {name: s, envs: [made-at-deploy.env]}
""",
            "base/kustomization.yaml": "",
            "dev/there.txt": "",
        }
    )


def test_settings_that_get_another_name_are_an_error() -> None:
    check(
        {
            "base/kustomization.yaml": """\
configMapGenerator:
  - name: ray-settings  #! RAY614
    literals: [RAY_HOST=head]
  - {name: other, literals: [A=1]}
  - {name: ray-settings, behavior: merge, literals: [RAY_PORT=1]}
""",
            "dev/kustomization.yaml": "resources: [../base]\nnameSuffix: -dev  #! RAY614\n",
            "prod/kustomization.yaml": f"{NO_HASH}configMapGenerator: [{{name: ray-settings, literals: [A=b]}}]\n",
        }
    )


REFERENCE = """\
nameReference:
  - kind: RayCluster
    fieldSpecs: [{kind: Deployment, path: spec/template/metadata/annotations/ray.seedcore.io\\/cluster}]
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", True),
        ("configurations: [names.yaml]", False),
        ("components: [part]", False),
        (
            "replacements: [{targets: [{fieldPaths: ['metadata.annotations.[ray.seedcore.io/cluster]']}]}]",
            False,
        ),
    ],
    ids=["nothing", "configuration", "component", "replacement"],
)
def test_annotations_that_do_not_follow_a_new_name_are_an_error(more: str, *, told: bool) -> None:
    findings = lint(
        {
            "base/kustomization.yaml": "resources: [cluster.yaml, api.yaml]\n",
            "base/cluster.yaml": CLUSTER,
            "base/api.yaml": deployment(annotations="ray.seedcore.io/role: client, ray.seedcore.io/cluster: train"),
            "dev/kustomization.yaml": f"resources: [../base]\nnamePrefix: dev-\n{more}\n",
            "dev/names.yaml": REFERENCE,
            "dev/part/kustomization.yaml": "kind: Component\nconfigurations: [names.yaml]\n",
            "dev/part/names.yaml": REFERENCE,
        }
    )
    assert [(str(one.code), one.level, one.line) for one in findings] == ([("RAY615", Level.ERROR, 2)] if told else [])


def test_the_service_of_a_cluster_that_got_another_name_is_a_note() -> None:
    check(
        {
            "cluster.yaml": CLUSTER,
            "api.yaml": deployment("- {name: GATEWAY, value: 'http://train-head-svc:8000'}"),
            "old.yaml": deployment("- {name: GATEWAY, value: 'http://trian-head-svc:8000'}  #! RAY616"),
        }
    )
