"""What cannot be read, or not be understood, is one finding, and never an exception."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.manifests.lint.support import found, lint_one, settings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Level


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("kind: Pod\na: [\n", 3, 1, "is not YAML ("),
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'has the key "a" twice'),
        ("a: .inf\n", 1, 4, 'has ".inf", which is no float in JSON'),
        ("a: *nowhere\n", 1, 4, 'is not YAML (no anchor "nowhere" before it)'),
    ],
)
def test_broken_yaml_is_one_error_at_its_place(text: str, line: int, column: int, told: str) -> None:
    finding = found(text)

    assert (finding.code, finding.level, finding.line, finding.column) == ("RAY691", Level.ERROR, line, column)
    assert finding.message.startswith(told)


def test_tags_of_an_application_are_a_note_since_such_a_file_is_no_manifest() -> None:
    finding = found("extensions:\n  - !!python/name:module.function\n", "mkdocs.yml")
    assert (finding.code, finding.level) == ("RAY691", Level.NOTE)


def test_an_unknown_kind_is_a_note_only_where_it_has_ray_settings() -> None:
    assert lint_one("kind: Widget\nmetadata: {name: w}\nspec: {env: [{name: STAGE, value: dev}]}\n") == []
    finding = found("kind: Widget\nmetadata: {name: w}\nspec:\n  env: [{name: RAY_HOST, value: h}]\n")
    assert (finding.code, finding.level, finding.line) == ("RAY693", Level.NOTE, 4)


@pytest.mark.parametrize("kind", ["AdmissionReview", "CustomResourceDefinition"])
def test_records_and_schemas_are_no_manifests(kind: str) -> None:
    pod = "{spec: {containers: [{name: a, env: [{name: RAY_ADDRESS, value: 'ray://h:1'}]}]}}"
    assert lint_one(f"kind: {kind}\nrequest: {{object: {pod}}}\n") == []


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "null\n", "[]\n", "text\n", "1\n", "\ufeffkind: Pod\n"])
def test_a_file_without_an_object_has_no_findings(text: str) -> None:
    assert lint_one(text) == []


def test_a_message_is_one_line_of_ascii_whatever_stands_in_the_file() -> None:
    text = 'kind: "W\u00e9\\n\\e[31m"\nmetadata: {name: w}\nspec: {RAY_HOST: h}\n'
    assert found(text).message.isascii()
    assert found(text).message.isprintable()


ODD: list[Any] = [
    *(None, True, 1, 1.5, "", "x", "ray://a:1", "{{ .Values.x }}", "RAY_ADDRESS", "a/b/c", "\u00e9\n", "{{"),
    *([], {}, [None], [[]], [{}], {"": None}, {"a": {"b": [1]}}, {"kind": "Pod"}),
]
SOUND = """\
kind: RayService
metadata: {name: s, annotations: {ray.seedcore.io/role: x}}
spec:
  serveConfigV2: "applications: [{runtime_env: {env_vars: {RAY_ADDRESS: 'ray://a:1'}}}]"
  rayClusterConfig:
    headGroupSpec:
      template:
        metadata: {annotations: {ray.seedcore.io/cluster: a/b, ray.seedcore.io/containers: "a,b"}}
        spec: {containers: [{name: a, env: [{name: RAY_ADDRESS, valueFrom: {fieldRef: {}}}]}]}
---
kind: Deployment
metadata: {name: d}
spec:
  template:
    metadata: {labels: {ray.io/node-type: head}, annotations: {ray.seedcore.io/role: client}}
    spec:
      initContainers: [{name: i, command: [ray, start], env: [{name: A, value: $(RAY_HOST)}]}]
      containers: [{name: a, envFrom: [{configMapRef: {name: ray-env}}], env: [{name: RAY_HOST, value: a}]}]
---
{kind: Namespace, metadata: {name: x, labels: {ray.seedcore.io/default-role: x, ray.seedcore.io/inj: y}}}
---
{kind: ConfigMap, metadata: {name: ray-settings}, data: {RAY_PORT: "0", RAY_ADDRESS: x}}
---
{kind: ConfigMap, metadata: {name: ray-env}, data: {RAY_HOST: h}}
---
{kind: Foo, spec: {env: [{name: RAY_HOST}], x: {spec: {containers: [{name: a, env: [{name: RAY_HOST}]}]}}}}
"""
KUSTOMIZATION = """\
namePrefix: a
patches:
  - {patch: "[{op: add, path: /data/RAY_HOST, value: x}]", target: {kind: ConfigMap}}
  - patch: |
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: RAY_ADDRESS, value: "ray://a:1"}}
  - {path: p.yaml}
patchesStrategicMerge:
  - |
    kind: Deployment
    spec: {template: {spec: {containers: [{name: a, env: [{name: RAY_PORT, $patch: delete}]}]}}}
configMapGenerator: [{name: ray-settings, literals: [RAY_HOST=x, RAY_PORT=0], envs: [a.env], files: [a=b]}]
replacements: [{path: x}]
components: [c]
configurations: [c.yaml]
"""
VALUES = """\
head: {containerEnv: [{name: RAY_ADDRESS, value: "ray://x:1"}], annotations: {ray.seedcore.io/role: hed}}
env: {RAY_HOST: x}
"""


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in below for deeper in paths(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], item: Any) -> Any:
    if not path:
        return item
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = item
    return value


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", SOUND), ("kustomization.yaml", KUSTOMIZATION), ("values.yaml", VALUES)]
)
def test_nothing_that_may_stand_anywhere_in_a_file_is_an_exception(name: str, text: str) -> None:
    chance = random.Random(8)
    documents = list(yaml.safe_load_all(text))
    context = Context(settings=settings())
    for _ in range(100):
        changed = deepcopy(documents)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(changed))
            changed[at] = put(changed[at], chance.choice(paths(changed[at])), deepcopy(chance.choice(ODD)))
        written = "\n---\n".join(map(json.dumps, changed)) if chance.random() < 0.3 else yaml.safe_dump_all(changed)
        for finding in lint_one(written, name, chance.choice([context, None])):
            assert 0 <= finding.start <= finding.end <= len(written)
            assert finding.message.isprintable()
