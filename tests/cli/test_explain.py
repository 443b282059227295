from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.service import FIXTURES, SETTINGS, run_command
from tests.terminal import check_golden, on_terminal

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    metadata:
      annotations: {ray.seedcore.io/role: client}
    spec:
      containers:
        - name: api
          env:
            - {name: RAY_HOST, value: old}
            - {name: RAY_SERVE_ADDRESS, value: "http://seedcore-head-svc.seedcore-dev:8000"}
"""

BOMB = "kind: Pod\nspec: &a0 [x]\n" + "\n".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)
)
"""Some 400 bytes that aliases make a billion values of."""


def explain(manifest: str, *flags: str) -> str:
    ended = run_command("explain", "-f", "-", "--settings", str(SETTINGS), *flags, stdin=manifest)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def as_json(manifest: str, *flags: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(explain(manifest, "-o", "json", *flags))
    return items


def test_text_tells_role_code_source_and_each_variable() -> None:
    lines = explain(DEPLOYMENT).splitlines()

    assert lines[0] == "Deployment shop/api: client (annotation), RAY101 client settings injected"
    assert lines[2] == "  Connection from file settings.env."
    host = "seedcore-head-svc.seedcore-dev"
    assert f"      ~ RAY_HOST                {host}   (was old)   [file settings.env]" in lines
    assert f"      = RAY_SERVE_ADDRESS       http://{host}:8000   [manifest]" in lines
    assert "      + SEEDCORE_RAY_ROLE       client   [role]" in lines
    assert "    replace /spec/containers/0/env/0" in lines


def test_json_has_the_operations_that_the_service_would_send() -> None:
    (item,) = as_json(DEPLOYMENT)

    assert (item["code"], item["role"], item["roleSource"], item["allowed"]) == ("RAY101", "client", "annotation", True)
    assert item["operations"][0]["path"] == "/spec/containers/0/env/0"
    variables = {row["name"]: row for row in item["containers"][0]["variables"]}
    assert variables["RAY_HOST"]["before"] == "old"


def test_denial_is_explained_not_failed() -> None:
    (item,) = as_json(DEPLOYMENT.replace("role: client", "role: clinet"))

    assert (item["allowed"], item["code"]) == (False, "RAY301")
    assert "clinet" in item["message"]


def test_malformed_pod_is_explained_as_the_service_takes_it() -> None:
    (item,) = as_json(DEPLOYMENT.replace("value: old", "value: yes"))

    assert item["code"] == "RAY210"
    assert "Expected `str | null`, got `bool`" in item["warnings"][0]


def test_default_role_of_the_namespace_can_be_given() -> None:
    (item,) = as_json("{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}", "--default-role", "client")

    assert (item["role"], item["roleSource"]) == ("client", "the namespace's default")


def test_several_documents_and_lists_are_all_explained() -> None:
    pod = "{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}"
    manifest = f"{DEPLOYMENT}---\n---\n{{kind: List, items: [{pod}, {pod}]}}\n---\n{{kind: Service}}\n"

    assert [item["name"] for item in as_json(manifest, "-n", "here")] == [
        "Deployment shop/api",
        "Pod here/p",
        "Pod here/p",
    ]


def test_cronjob_is_explained_by_its_pod_template() -> None:
    template = "{metadata: {annotations: {ray.seedcore.io/role: worker}}, spec: {containers: [{name: c}]}}"
    manifest = (
        f"{{kind: CronJob, metadata: {{name: nightly}}, spec: {{jobTemplate: {{spec: {{template: {template}}}}}}}}}"
    )

    (item,) = as_json(manifest)

    assert (item["name"], item["role"]) == ("CronJob default/nightly", "worker")


RAY_CLUSTER = """
headGroupSpec:
  template:
    metadata: {annotations: {ray.seedcore.io/role: head}}
    spec: {containers: [{name: ray-head}]}
workerGroupSpecs:
- groupName: small
  template: {spec: {containers: [{name: ray-worker, env: [{name: RAY_ADDRESS, value: "ray://x"}]}]}}
"""


def test_templates_of_a_raycluster_are_explained_as_the_pods_that_kuberay_makes_of_them() -> None:
    spec = RAY_CLUSTER.replace("\n", "\n  ")

    head, worker = as_json(f"kind: RayCluster\nmetadata: {{name: train, namespace: shop}}\nspec:{spec}\n")

    assert (head["name"], head["code"]) == ("RayCluster shop/train head", "RAY104")
    assert head["source"] == "RayCluster shop/train"
    assert (worker["name"], worker["code"]) == ("RayCluster shop/train worker small", "RAY105")
    assert worker["operations"][0] == {"op": "remove", "path": "/spec/containers/0/env/0"}


def test_a_ray_cluster_without_a_name_yet_is_told() -> None:
    spec = RAY_CLUSTER.replace("\n", "\n    ")

    head, _ = as_json(f"kind: RayJob\nmetadata: {{name: train}}\nspec:\n  rayClusterSpec:{spec}\n")

    assert (head["name"], head["code"], head["operations"]) == ("RayJob default/train head", "RAY681", [])
    assert "RAY681 cluster without a name yet" in explain(f"kind: RayJob\nspec:\n  rayClusterSpec:{spec}\n")


def test_the_ports_of_a_raycluster_in_the_same_input_are_its_clients() -> None:
    ports = "[{name: client, containerPort: 10002}, {name: dashboard, containerPort: 8266}]"
    head = f"{{template: {{spec: {{containers: [{{name: c, ports: {ports}}}]}}}}}}"
    cluster = (
        f"{{kind: RayCluster, metadata: {{name: train, namespace: shop}}, spec: {{headGroupSpec: {head}}}}}\n---\n"
    )
    client = DEPLOYMENT.replace("role: client", "role: client, ray.seedcore.io/cluster: train")

    _, item = as_json(cluster + client)

    (container,) = item["containers"]
    found = {row["name"]: row["after"] for row in container["variables"]}
    assert found["RAY_ADDRESS"] == "ray://train-head-svc.shop.svc.cluster.local:10002"
    assert found["RAY_DASHBOARD_URL"] == "http://train-head-svc.shop.svc.cluster.local:8266"


def test_recorded_review_is_explained(tmp_path: Path) -> None:
    (item,) = as_json((FIXTURES / "reviews" / "kuberay-head-with-ray-client-address.json").read_text())

    assert (item["code"], item["roleSource"]) == ("RAY104", "KubeRay's label")
    assert item["source"] == "RayCluster seedcore-dev/legacy"


@pytest.mark.parametrize("key", ["on", "y", "1", "1.5"])
def test_keys_that_yaml_takes_for_no_text_are_text(key: str) -> None:
    (item,) = as_json(DEPLOYMENT.replace("- name: api\n", f"- name: api\n          resources: {{{key}: 1}}\n"))

    assert item["code"] == "RAY101"


@pytest.mark.parametrize("pod", ["x", 1, [], ["x"], True, None])
def test_review_of_what_is_no_pod_is_explained_as_the_service_takes_it(pod: object) -> None:
    review = json.loads((FIXTURES / "reviews" / "pod-dry-run.json").read_text())
    review["request"]["object"] = pod

    (item,) = as_json(json.dumps(review))

    assert (item["containers"], item["operations"]) == ([], [])


def test_texts_of_a_manifest_cannot_forge_lines_or_colours() -> None:
    hostile = r'"aX\nForged line\x1b[31m\u202e"'
    env = f"[{{name: RAY_HOST, value: {hostile}}}, {{name: RAY_PORT, valueFrom: {{{hostile}: {{name: {hostile}}}}}}}]"
    meta = f"{{name: {hostile}, namespace: {hostile}, annotations: {{ray.seedcore.io/role: client}}}}"
    text = explain(f"{{kind: Pod, metadata: {meta}, spec: {{containers: [{{name: {hostile}, env: {env}}}]}}}}")

    assert not [line for line in text.splitlines() if line.startswith("Forged")]
    assert text.isascii()
    assert "\x1b" not in text
    assert r"aX\nForged line\x1b[31m\u202e" in text


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("{", "RAY802: standard input:1:2 is not YAML"),
        ("a: [1", "RAY802: standard input:1:6 is not YAML"),
        ("\t- x", "RAY802: standard input:1:1 is not YAML"),
        ("{{ .Values.x }}", "RAY802: standard input"),
        ("just text", "RAY802: standard input has a document that is no Kubernetes object"),
        ("", "RAY802: standard input has no pod in it"),
        ("kind: Service", "RAY802: standard input has no pod in it"),
        ("[" * 5000, "RAY802: standard input"),
        ("a: &a [*a]", "RAY802: standard input"),
        ("&l {kind: List, items: [*l]}", "RAY802: standard input:1:11 has more than 100 levels"),
        ('{kind: Pod, metadata: {name: "\\ud800"}}', "RAY802: standard input:1:30 has half a surrogate pair"),
        ("{kind: Pod, spec: !!bool abc}", 'RAY802: standard input:1:19 has "abc", which is no bool'),
        ("{kind: Pod, spec: {~: 1}}", "RAY802: standard input:1:20 has a key that is no text"),
        ("{kind: Pod, spec: {[a]: 1}}", "RAY802: standard input:1:20 has a key that is no text"),
        (BOMB, "RAY802: standard input:2:7 has more than 500000 values"),
        (
            "{kind: Service}\n---\n{kind: AdmissionReview, request: null}",
            "RAY802: standard input has no usable AdmissionReview 2, body: Expected `object`, got `null` - at",
        ),
        (
            "{kind: AdmissionReview, apiVersion: v1, request: {uid: a, operation: CREATE}}",
            'RAY802: standard input has no usable AdmissionReview 1, apiVersion and kind is "v1 AdmissionReview"',
        ),
    ],
)
def test_bad_manifest_is_one_line_and_status_2(manifest: str, told: str) -> None:
    ended = run_command("explain", "-f", "-", stdin=manifest)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_file_that_is_not_text_is_one_line_and_status_2(tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe\x00")

    ended = run_command("explain", "-f", str(file))

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "has a byte at 0 that is not UTF-8" in ended.stderr


def test_standard_input_is_read_once() -> None:
    ended = run_command("explain", "-f", "-", "--settings", "-", stdin=DEPLOYMENT)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "RAY802: standard input cannot be read (it is closed, or was read before)" in ended.stderr


MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: app-env, namespace: shop}
data: {RAY_ADDRESS: "ray://old:10001", RAY_AUTH_MODE: token}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: misplaced
  namespace: shop
  annotations: {ray.seedcore.io/role: client}
spec:
  template:
    metadata: {annotations: {ray.seedcore.io/conect: jobs}}
    spec: {containers: [{name: app}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    metadata: {annotations: {ray.seedcore.io/role: client}}
    spec:
      containers:
        - name: app
          env: [{name: RAY_HOST, value: old}]
          envFrom: [{configMapRef: {name: app-env}}, {configMapRef: {name: other}}, {secretRef: {name: creds}}]
---
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: train, namespace: shop}
spec:
  runtimeEnvYAML: |
    env_vars: {RAY_NAMESPACE: mine, OTHER: x}
  rayClusterSpec:
    headGroupSpec:
      template: {spec: {containers: [{name: ray, env: [{name: RAY_ADDRESS, value: "ray://old:10001"}]}]}}
"""


def test_manifests_are_explained_as_people_read_it() -> None:
    flags = ["explain", "-f", "-", "--settings", str(SETTINGS)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(MANIFESTS)
        file.flush()
        seen = on_terminal("explain", "-f", file.name, "--settings", str(SETTINGS))

    assert seen.returncode == 0
    check_golden("explain-manifests.txt", explain(MANIFESTS))
    check_golden("explain-manifests-terminal.txt", seen.styled)
    check_golden("explain-manifests.json", run_command(*flags, "-o", "json", stdin=MANIFESTS).stdout)
