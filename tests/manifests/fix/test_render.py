"""What is taken for kustomize's result is what kubectl makes, as far as it decides the env of pods."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.manifests.fix.files import deployment, literal
from webhook.manifests.documents import parse_documents
from webhook.manifests.fix.kustomization import kustomizations, roots
from webhook.manifests.fix.render import render
from webhook.manifests.fix.texts import Texts
from webhook.manifests.workloads import workloads_of

Files = dict[str, str]
KUBECTL = Path(sys.executable).parent / "kubectl"

API = deployment(*literal("A", "a"), *literal("B", "b"), env_from="app-env")
CLUSTER = """\
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: train}
spec:
  headGroupSpec:
    template:
      spec:
        containers:
          - {name: head, image: ray, env: [{name: A, value: a}], envFrom: [{configMapRef: {name: app-env}}]}
"""
BASE: Files = {
    "base/kustomization.yaml": """\
        generatorOptions: {disableNameSuffixHash: true}
        configMapGenerator:
          - name: app-env
            envs: [app.env]
            literals: [C="quoted", "D='x'", E=1=2]
        resources: [api.yaml, cluster.yaml]
        """,
    "base/app.env": "\ufeffA=1\n# no\n  B = 2 \n\nF=\n",
    "base/api.yaml": API,
    "base/cluster.yaml": CLUSTER,
}


def overlay(text: str, **files: str) -> Files:
    return (
        BASE
        | {"over/kustomization.yaml": f"resources: [../base]\n{textwrap.dedent(text)}"}
        | {f"over/{name}.yaml": content for name, content in files.items()}
    )


PROJECTS: dict[str, Files] = {
    "base": BASE,
    "namespace, prefix and suffix": overlay("namespace: shop\nnamePrefix: x-\nnameSuffix: -y\n"),
    "generators that merge and replace": overlay(
        """\
        configMapGenerator:
          - {name: app-env, behavior: merge, literals: [A=over, G=g]}
          - {name: other, literals: [H=h], options: {disableNameSuffixHash: true}}
        """
    ),
    "a generator that replaces": overlay(
        "configMapGenerator: [{name: app-env, behavior: replace, literals: [A=over]}]\n"
    ),
    "a strategic merge in a file": overlay(
        "patches: [{path: patch.yaml}]\n", patch=deployment(*literal("A", "over"), *literal("Z", "z"))
    ),
    "a strategic merge that deletes": overlay(
        """\
        patches:
          - target: {kind: Deployment, name: a.*}
            patch: |
              kind: Deployment
              metadata: {name: any}
              spec: {template: {spec: {containers: [{name: app, env: [{name: A, $patch: delete}], envFrom: null}]}}}
        """
    ),
    "a strategic merge in the old form, with another container": overlay(
        "patchesStrategicMerge: [patch.yaml]\n",
        patch=deployment(*literal("A", "side")).replace("name: app", "name: side"),
    ),
    "a merge into a custom resource, whose lists it replaces": overlay(
        "patches: [{path: patch.yaml}]\n",
        patch=CLUSTER.replace("value: a}", "value: over}").replace(", envFrom: [{configMapRef: {name: app-env}}]", ""),
    ),
    "a JSON Patch": overlay(
        """\
        patches:
          - target: {kind: Deployment}
            patch: |
              - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: Z, value: z}}
              - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: over}
              - {op: add, path: /metadata/labels, value: {a: b}}
        """
    ),
    "a patch for labels": overlay(
        """\
        patches:
          - target: {labelSelector: a=b}
            patch: '[{"op": "remove", "path": "/spec/template/spec/containers/0/env"}]'
          - target: {kind: Deployment}
            patch: '[{"op": "remove", "path": "/spec/template/spec/containers/0/envFrom"}]'
        """
    ),
    "a component": overlay("components: [../component]\nnamespace: shop\n")
    | {
        "component/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "configMapGenerator: [{name: app-env, behavior: merge, literals: [A=component]}]\n"
            "patches: [{path: patch.yaml}]\n"
        ),
        "component/patch.yaml": deployment(*literal("A", "component")),
    },
}


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_pods_and_config_maps_are_those_that_kubectl_makes(tmp_path: Path, project: Files) -> None:
    project = {path: textwrap.dedent(text) for path, text in project.items()}
    for path, text in project.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    texts = Texts(project)
    found = kustomizations(texts)
    (root,) = roots(found)
    made = render(root, found, texts)
    assert made.unknown == []
    done = subprocess.run([KUBECTL, "kustomize", tmp_path / root.folder], capture_output=True, text=True, check=True)
    assert told([placed.value for placed in made.objects]) == told(parse_documents(done.stdout, source="kubectl"))


def told(made: list[dict[str, Any]]) -> dict[tuple[str, ...], Any]:
    """By kind, namespace and name: a ConfigMap's data; of each pod template what decides its env."""
    found: dict[tuple[str, ...], Any] = {}
    for item in made:
        key = (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
        if item["kind"] == "ConfigMap":
            found[key] = item.get("data", {})
        for workload in workloads_of(item):
            containers = workload.pod["spec"]["containers"]
            found[(*key, str(workload.part))] = (
                workload.pod.get("metadata"),
                [[container.get(field) or None for field in ("name", "env", "envFrom")] for container in containers],
            )
    return found
