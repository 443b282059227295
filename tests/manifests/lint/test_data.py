"""Ray settings in ConfigMaps, generators and env files; our own settings; and what a head or worker takes of them."""

from __future__ import annotations

import pytest

from tests.manifests.lint.support import check, deployment, found, lint, lint_one
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Level

CONFIG_MAP = """\
kind: ConfigMap
metadata: {name: client-env}
data:
  LOG_LEVEL: info
  RAY_ADDRESS: ray://head:10001  #! RAY610
  RAY_memory_usage_threshold: "0.9"
"""
ENV_FROM = "envFrom: [{configMapRef: {name: client-env}}]"


def test_a_config_map_with_the_connection_of_clients_is_found() -> None:
    check(CONFIG_MAP)


@pytest.mark.parametrize(("role", "level"), [("head", Level.ERROR), ("worker", Level.ERROR), ("client", None)])
def test_a_config_map_of_clients_on_a_node_is_an_error(role: str, level: Level | None) -> None:
    node = deployment(annotations=f"ray.seedcore.io/role: {role}", more=ENV_FROM)
    told = [one for one in lint({"node.yaml": node, "env.yaml": CONFIG_MAP}) if one.path == "node.yaml"]

    assert [(str(one.code), one.level) for one in told] == ([("RAY609", level)] if level else [])


def test_without_a_role_an_env_from_of_settings_asks_for_one() -> None:
    findings = lint({"a.yaml": deployment(annotations="", more=ENV_FROM), "env.yaml": CONFIG_MAP})
    assert [str(one.code) for one in findings] == ["RAY606", "RAY610"]


@pytest.mark.parametrize(
    "more",
    [
        "envFrom: [{configMapRef: {name: other}}]",
        "envFrom: [{configMapRef: {name: client-env}, prefix: X_}]",
        "envFrom: [{secretRef: {name: client-env}}]",
    ],
)
def test_only_what_reaches_a_node_under_its_own_name_counts(more: str) -> None:
    node = deployment(annotations="ray.seedcore.io/role: head", more=more)
    assert [str(one.code) for one in lint({"a.yaml": node, "env.yaml": CONFIG_MAP})] == ["RAY610"]


def test_a_config_map_of_another_folder_or_namespace_is_another() -> None:
    node = deployment(annotations="ray.seedcore.io/role: head", more=ENV_FROM)
    elsewhere = CONFIG_MAP.replace("name: client-env", "name: client-env, namespace: other")

    assert [str(one.code) for one in lint({"a/node.yaml": node, "b/env.yaml": CONFIG_MAP})] == ["RAY610"]
    assert [str(one.code) for one in lint({"node.yaml": node, "env.yaml": elsewhere})] == ["RAY610"]


def test_our_own_settings_are_checked_as_the_service_does() -> None:
    check("""\
kind: ConfigMap
metadata: {name: ray-settings}
data:
  RAY_HOST: head
  RAY_PORT: "99999"  #! RAY705
  RAY_ADDRESS: ray://head:10001  #! RAY706
  RAY_ALIASES: |  #! RAY705
    nonsense
""")


def test_settings_under_a_name_that_was_given_are_settings() -> None:
    text = "kind: ConfigMap\nmetadata: {name: ray-settings-dev}\ndata: {RAY_PORT: '0', STAGE: dev}\n"

    assert found(text).code == "RAY610"
    assert found(text, context=Context(settings_names=frozenset({"ray-settings-dev"}))).code == "RAY705"


def test_an_env_file_with_a_copy_of_the_connection_is_found_where_the_value_stands() -> None:
    text = "# RAY_HOST=comment\nSTAGE=dev\nexport RAY_ADDRESS='ray://head:10001'\r\nRAY_BACKEND_LOG_LEVEL=debug\n"
    finding = found(text, ".env")

    assert (finding.code, finding.line, finding.column, finding.end_column) == ("RAY610", 3, 20, 38)
    assert finding.declared is not None
    assert finding.declared.value == "ray://head:10001"


@pytest.mark.parametrize("text", ["RAY_HOST=head\nRAY_PORT=0\n", "RAY_HOST=head\nRAY_NAMESPACE=a b\n"])
def test_an_env_file_of_nothing_but_settings_is_a_settings_file(text: str) -> None:
    finding = found(text, "prod.env")
    assert (finding.code, finding.level, finding.line) == ("RAY705", Level.ERROR, 2)


def test_a_secret_with_the_connection_is_found() -> None:
    check("kind: Secret\nmetadata: {name: s}\nstringData:\n  RAY_ADDRESS: ray://h:1  #! RAY610\n  RAY_AUTH_TOKEN: x\n")


def test_comments_and_docstrings_and_text_are_no_settings() -> None:
    check("""\
# RAY_ADDRESS=ray://head:10001
kind: ConfigMap
metadata: {name: docs}
data:
  README: |
    RAY_ADDRESS=ray://head:10001
    RAY_HOST: head
""")


def test_a_comment_on_the_line_or_above_silences_one_code_of_one_line() -> None:
    check("""\
kind: ConfigMap
metadata: {name: env}
data:
  RAY_ADDRESS: ray://head:1  # ray-webhook: ignore RAY610
  # said twice on purpose; ray-webhook: ignore RAY610
  # ray-webhook: ignore RAY608, RAY610
  RAY_HOST: head
  RAY_NAMESPACE: dev  # ray-webhook: ignore RAY604 #! RAY610
""")
    assert lint_one("# ray-webhook: ignore RAY610\nRAY_ADDRESS=ray://head:1\nA=1\n", ".env") == []
