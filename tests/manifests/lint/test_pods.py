"""Ray settings and roles in pod templates, as the rule book sees them."""

from __future__ import annotations

import pytest

from tests.manifests.lint.support import check, deployment, found, lint_one, settings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Level

ADDRESS = "- {name: RAY_ADDRESS, value: 'ray://head:10001'}"


def ray_cluster(head: str = "", role: str = "ray.seedcore.io/role: head", more: str = "image: ray") -> str:
    return f"""\
kind: RayCluster
metadata: {{name: train, namespace: team}}
spec:
  headGroupSpec:
    template:
      metadata:
        annotations: {{{role}}}
      spec:
        containers:
          - name: ray-head
            {more}
            env:
{head}
"""


def test_a_literal_and_a_value_from_that_a_client_is_given_are_found_where_they_stand() -> None:
    check("""\
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata:
      annotations: {ray.seedcore.io/role: client}
    spec:
      initContainers:
        - name: wait
          env:
            - name: RAY_HOST
              value: head  #! RAY604
      containers:
        - name: api
          env:
            - name: RAY_ADDRESS
              value: "ray://head:10001"  #! RAY604
            - name: RAY_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}  #! RAY604
            - {name: RAY_DASHBOARD_URL, value: "http://head:8265"}  #! RAY604
            - {name: RAY_memory_monitor_refresh_ms, value: "0"}
            - {name: GRPC_ENABLE_FORK_SUPPORT, value: "1"}
            - {name: RAY_AUTH_MODE, value: token}
""")


def test_a_finding_spans_the_value_and_tells_what_a_fix_needs() -> None:
    finding = found(deployment(ADDRESS))

    assert (finding.line, finding.column, finding.end_column) == (13, 42, 60)
    assert finding.message == (
        'RAY_ADDRESS of container "api" is "ray://head:10001"; the webhook sets it for the role client'
    )
    assert finding.fix == "take it out of the manifest, or set annotation ray.seedcore.io/on-conflict to keep"
    declared = finding.declared
    assert declared is not None
    assert (declared.name, declared.value, declared.role) == ("RAY_ADDRESS", "ray://head:10001", "client")
    assert (declared.workload, declared.container) == ("Deployment shop/api", "api")
    assert declared.document == 0
    assert declared.entry == ("spec", "template", "spec", "containers", 0, "env", 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("ray://other:10001", 'sets "ray://head.ray:10001" for the role client, from file ray.env'),
        ("ray://head.ray:10001", "sets the same for the role client, from file ray.env"),
    ],
)
def test_given_settings_tell_whether_a_declared_value_is_theirs(value: str, told: str) -> None:
    finding = found(deployment(f"- {{name: RAY_ADDRESS, value: '{value}'}}"), context=Context(settings=settings()))

    assert told in finding.message
    assert finding.level is Level.WARNING


def test_an_alias_of_the_given_settings_is_a_setting() -> None:
    manifest = deployment("- {name: SERVE_GATEWAY, value: 'http://gateway'}")

    assert lint_one(manifest) == []
    assert found(manifest, context=Context(settings=settings())).code == "RAY604"


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("value", ["ray://head:10001", "http://head:8265", "local", "head"])
def test_an_address_that_is_wrong_inside_ray_is_an_error(role: str, value: str) -> None:
    finding = found(deployment(f"- {{name: RAY_ADDRESS, value: '{value}'}}", f"ray.seedcore.io/role: {role}"))

    assert (finding.code, finding.level) == ("RAY608", Level.ERROR)


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("value", ["auto", "head:6379", "''"])
def test_an_address_that_is_right_inside_ray_is_none(role: str, value: str) -> None:
    assert lint_one(deployment(f"- {{name: RAY_ADDRESS, value: {value}}}", f"ray.seedcore.io/role: {role}")) == []


def test_a_head_does_not_keep_what_its_role_removes() -> None:
    finding = found(
        deployment("- {name: RAY_DASHBOARD_ADDRESS, value: 'http://head:8265'}", "ray.seedcore.io/role: head")
    )

    assert "the webhook removes it for the role head" in finding.message


@pytest.mark.parametrize("annotations", ["ray.seedcore.io/role: none", "ray.seedcore.io/role: head, {keep}"])
def test_keep_and_role_none_silence_what_they_allow(annotations: str) -> None:
    keep = "ray.seedcore.io/on-conflict: keep"
    assert lint_one(deployment(ADDRESS, annotations.format(keep=keep))) == []


def test_under_deny_a_declared_setting_is_an_error_since_the_pod_is_refused() -> None:
    written = "ray.seedcore.io/role: client, ray.seedcore.io/on-conflict: deny"
    assert found(deployment(ADDRESS, written)).level is Level.ERROR


def test_what_inject_wrote_is_meant_to_stand_there_but_for_what_is_wrong_inside_ray() -> None:
    record = "inject.ray.seedcore.io/record: x"
    assert lint_one(deployment(ADDRESS, f"ray.seedcore.io/role: client, {record}")) == []
    assert found(deployment(ADDRESS, f"ray.seedcore.io/role: worker, {record}")).code == "RAY608"


def test_containers_that_are_not_selected_are_not_looked_at() -> None:
    written = "ray.seedcore.io/role: client, ray.seedcore.io/skip-containers: api"
    assert lint_one(deployment(ADDRESS, written)) == []


def test_settings_without_a_role_are_found_and_the_role_is_asked_for() -> None:
    findings = lint_one(deployment(ADDRESS, ""))

    assert [str(one.code) for one in findings] == ["RAY604", "RAY606"]
    assert findings[1].message == "the pod template of Deployment shop/api has Ray settings (RAY_ADDRESS), but no role"
    assert findings[1].fix == "set annotation ray.seedcore.io/role: client in its metadata"
    assert (findings[1].line, findings[1].column) == (6, 5)


@pytest.mark.parametrize(("command", "role"), [("ray start --head", "head"), ("ray start --address=h:1", "worker")])
def test_a_pod_without_a_role_that_starts_ray_is_taken_for_a_node(command: str, role: str) -> None:
    findings = lint_one(deployment(ADDRESS, "", f"args: [{command}]"))

    assert [str(one.code) for one in findings] == ["RAY608", "RAY606"]
    assert f"ray.seedcore.io/role: {role}" in findings[1].fix


def test_a_pod_without_a_role_and_without_settings_is_nobodys_business() -> None:
    assert lint_one(deployment("- {name: STAGE, value: dev}", "", "args: [ray start --port=6379]")) == []


def test_a_namespace_whose_pods_are_clients_by_default_needs_no_role() -> None:
    namespace = "kind: Namespace\nmetadata: {name: shop, labels: {ray.seedcore.io/default-role: client}}\n---\n"
    assert lint_one(namespace + deployment(ADDRESS, "")) == []


def test_kuberays_templates_are_judged_as_the_operator_makes_pods_of_them() -> None:
    wrong = "              - {name: RAY_ADDRESS, value: 'ray://head:1'}  #! RAY608\n"
    kubes = "              - {name: RAY_PORT, value: '6380'}\n              - {name: RAY_HOST, value: h}  #! RAY604"
    check(ray_cluster(wrong + kubes))


def test_kuberays_template_without_a_role_is_a_note_and_with_settings_a_warning() -> None:
    assert found(ray_cluster(role="")).level is Level.NOTE
    codes = [str(one.code) for one in lint_one(ray_cluster("              - {name: RAY_HOST, value: h}", role=""))]
    assert codes == ["RAY604", "RAY606"]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("RayService", "rayClusterConfig: {SPEC}"),
        ("RayJob", "rayClusterSpec: {SPEC}"),
        ("RayCronJob", "jobTemplate: {rayClusterSpec: {SPEC}}"),
        ("RayJob", "submitterPodTemplate: {POD}"),
        ("CronJob", "jobTemplate: {spec: {template: {POD}}}"),
        ("PodTemplate", None),
        ("Rollout", "template: {POD}"),
        ("SomethingNew", "deep: [{er: {POD}}]"),
    ],
)
def test_templates_are_found_in_every_kind(kind: str, spec: str | None) -> None:
    pod = (
        "metadata: {annotations: {ray.seedcore.io/role: worker}}, "
        "spec: {containers: [{name: a, env: [{name: RAY_ADDRESS, value: 'ray://h:1'}]}]}"
    )
    filled = (
        (spec or "").replace("SPEC", f"workerGroupSpecs: [{{groupName: w, template: {{{pod}}}}}]").replace("POD", pod)
    )
    text = f"kind: {kind}\nmetadata: {{name: x}}\n" + (f"spec: {{{filled}}}\n" if spec else f"template: {{{pod}}}\n")

    assert found(text).code == "RAY608"


def test_a_field_of_a_wrong_type_is_an_error_at_its_place() -> None:
    finding = found(deployment("- name: STAGE\n  value: yes"))

    assert (finding.code, finding.level) == ("RAY409", Level.ERROR)
    assert (finding.line, finding.column) == (14, 22)


def test_a_variable_behind_its_reference_is_told_at_the_variable() -> None:
    written = "ray.seedcore.io/role: client, ray.seedcore.io/containers: api"
    env = "- {name: URL, value: $(RAY_SERVE_URL)/x}\n- {name: RAY_SERVE_URL, value: x}"
    assert [(str(one.code), one.line) for one in lint_one(deployment(env, written))] == [("RAY411", 14), ("RAY604", 14)]


def test_lists_are_looked_into() -> None:
    item = '{"kind": "Pod", "metadata": {"annotations": {"ray.seedcore.io/role": "clinet"}}, "spec": {}}'
    finding = found(f'{{"kind": "List", "items": [{item}]}}')

    assert (finding.code, finding.fix) == ("RAY301", 'did you mean "client"?')
