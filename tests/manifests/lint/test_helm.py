"""Helm's values, and templates as far as they parse."""

from __future__ import annotations

import pytest

from tests.manifests.lint.support import check, found, lint, lint_one
from webhook.manifests.lint.finding import Level
from webhook.manifests.lint.placeholders import masked

CHART = "apiVersion: v2\nname: chart\n"


def test_values_are_judged_for_the_role_that_the_keys_around_them_tell() -> None:
    check(
        {
            "values.yaml": """\
head:
  containerEnv:
    - name: RAY_ADDRESS
      value: auto
    - name: RAY_ADDRESS
      value: ray://head:1  #! RAY608
worker:
  annotations: {ray.seedcore.io/on-conflict: keep}
  containerEnv:
    - {name: RAY_ADDRESS, value: "ray://head:1"}
api:
  env:
    RAY_ADDRESS: auto  #! RAY611
    RAY_memory_monitor_refresh_ms: "0"
  replicas: 2
raySettings: {RAY_HOST: head, RAY_PORT: "10001"}
sidecar:
  podAnnotations: {ray.seedcore.io/role: worker}
  env:
    - {name: RAY_ADDRESS, value: local}  #! RAY608
"""
        }
    )


@pytest.mark.parametrize("path", ["values.yaml", "values-prod.yaml", "prod.values.yml", "chart/prod.yaml"])
def test_values_are_known_by_their_name_or_by_the_chart_beside_them(path: str) -> None:
    findings = lint({path: "env: {RAY_HOST: head}\n", "chart/Chart.yaml": CHART})
    assert [str(one.code) for one in findings] == ["RAY611"]


@pytest.mark.parametrize("path", ["workflow.yml", ".gitlab-ci.yml", "revalues.yaml"])
def test_yaml_that_is_neither_manifest_nor_values_is_nobodys_business(path: str) -> None:
    assert lint_one("env: {RAY_ADDRESS: auto}\njobs: [{env: [{name: RAY_HOST, value: x}]}]\n", path) == []


def test_values_in_a_release_of_flux_are_found() -> None:
    check("kind: HelmRelease\nmetadata: {name: r}\nspec:\n  values:\n    env:\n      RAY_HOST: h  #! RAY611\n")


TEMPLATE = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "chart.name" . }}
  labels:
    {{- include "chart.labels" . | nindent 4 }}
spec:
  template:
    metadata:
      annotations:
        ray.seedcore.io/role: %s
        {{- toYaml .Values.annotations | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image }}:{{ .Values.tag }}"
          env:
            - name: RAY_ADDRESS
              value: %s  #! %s
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
{{- end }}
"""


@pytest.mark.parametrize(
    ("role", "value", "code", "level", "told"),
    [
        ("client", '"ray://head:10001"', "RAY604", Level.WARNING, 'is "ray://head:10001"'),
        ("client", "{{ .Values.ray.address }}", "RAY604", Level.WARNING, "is from a template"),
        ("worker", "{{ .Values.ray.address }}", "RAY608", Level.WARNING, "is from a template"),
        ("worker", "ray://{{ .Values.ray.host }}:10001", "RAY608", Level.ERROR, "is from a template"),
        ("{{ .Values.role }}", "auto", "RAY604", Level.WARNING, 'is "auto"'),
    ],
)
def test_a_template_is_told_with_what_is_known(role: str, value: str, code: str, level: Level, told: str) -> None:
    findings = lint_one(TEMPLATE % (role, value, code), "chart/templates/api.yaml")

    first = next(one for one in findings if one.line == 20)
    assert (first.code, first.level) == (code, level)
    assert told in first.message
    assert TEMPLATE.splitlines()[19].index("%s") + 1 == first.column
    assert {str(one.code) for one in findings} <= {code, "RAY606"}


def test_a_role_from_a_template_is_not_asked_for() -> None:
    assert [str(one.code) for one in lint_one(TEMPLATE % ("{{ .Values.role }}", "auto", "RAY604"))] == ["RAY604"]


def test_a_template_that_is_no_yaml_before_it_is_rendered_is_read_by_its_lines() -> None:
    branches = "{{ if .x }}\n a: 1\n{{ else }}\n  a: 2\n{{ end }}\n"
    text = f"kind: Pod\nspec:\n{branches}- name: RAY_ADDRESS\n  value: a\n- name: B\n"
    findings = lint_one(text, "templates/pod.yaml")

    assert [(str(one.code), one.level) for one in findings] == [
        ("RAY692", Level.NOTE),
        ("RAY604", Level.WARNING),
    ]
    assert (findings[1].line, findings[1].column) == (8, 9)


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ x }}\r\n  {{- y }}\r\nb: '{{ z }}' # {{\n",
        "{{/*\ncomment\n*/}}\na: b\n",
        "{{ a }} {{ b }}\n",
        "}} {{ {{ }}",
    ],
)
def test_a_placeholder_is_as_long_as_what_it_stands_for(text: str) -> None:
    assert len(masked(text)) == len(text)
    assert [i for i, c in enumerate(masked(text)) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]


def test_curly_brackets_of_others_are_left_to_them() -> None:
    rule = "kind: PrometheusRule\nspec: {groups: [{rules: [{expr: 'a', summary: '{{ $labels.pod }}'}]}]}\n"
    assert lint_one(rule) == []
    assert found(f"{rule}---\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{RAY_HOST: h}}\n").code == "RAY610"


@pytest.mark.parametrize(("key", "role"), [("head", "head"), ("additionalWorkerGroups", "worker"), ("api", "client")])
def test_the_role_of_values_is_told(key: str, role: str) -> None:
    finding = found(f"{key}: {{env: {{SEEDCORE_RAY_ROLE: x}}}}\n", "values.yaml")
    assert finding.message.endswith(f"the webhook sets it for the role {role}")
