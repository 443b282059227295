"""What inject does to services, and how it is told."""

from __future__ import annotations

import pytest

from tests.manifests.compose.support import compose_file, environment, given, injected
from webhook import contract
from webhook.errors import InputError
from webhook.injection.findings import InjectCode
from webhook.manifests.compose.file import ComposeFile, read_manifests

CLIENT = "services:\n  api:\n    labels: {ray.seedcore.io/role: client}\n"


def only_outcome(text: str, settings: str = "RAY_HOST=ray.example\nRAY_NAMESPACE=dev\n") -> tuple[str, str, list[str]]:
    """Code, detail and the warnings' codes of the only service."""
    (outcome,) = injected(text, given(settings)).outcomes
    return str(outcome.code), outcome.detail, [warning[:6] for warning in outcome.warnings]


def test_a_mapping_stays_a_mapping_in_its_style() -> None:
    text = f"{CLIENT}    environment:\n      RAY_HOST: 'old'  # where\n      A: b\n    image: api:1\n"

    after = injected(text).text

    assert "      RAY_HOST: 'ray.example'  # where\n      A: b\n" in after
    assert '      RAY_PORT: "10001"\n      RAY_SERVE_URL: http://ray.example:8000\n' in after
    assert after.index("GATEWAY") < after.index("image: api:1")


def test_a_list_stays_a_list_in_its_style() -> None:
    after = injected(f"{CLIENT}    environment:\n    - 'RAY_HOST=old'  # where\n    - A=b\n").text

    assert "    - 'RAY_HOST=ray.example'  # where\n    - A=b\n" in after
    assert "    - RAY_ADDRESS=ray://ray.example:10001\n" in after


def test_a_service_without_environment_gets_one() -> None:
    assert environment(injected(CLIENT).text, "api")["RAY_ADDRESS"] == "ray://ray.example:10001"


@pytest.mark.parametrize("written", ["{RAY_ADDRESS: '${X:-ray://a:1}'}", "{RAY_ADDRESS: }", "[RAY_ADDRESS]"])
def test_what_cannot_be_read_is_a_declared_value(written: str) -> None:
    text = f"{CLIENT}    environment: {written}\n"

    assert environment(injected(text).text, "api")["RAY_ADDRESS"] == "ray://ray.example:10001"
    code, told, _ = only_outcome(text.replace("role: client", "role: client, ray.seedcore.io/on-conflict: deny"))
    assert (code, told.startswith("label ray.seedcore.io/on-conflict is deny, and RAY_ADDRESS")) == ("RAY309", True)


def test_a_dollar_in_the_settings_is_escaped() -> None:
    settings = given("RAY_HOST=h\nRAY_NAMESPACE=a$b\n")
    after = injected(CLIENT, settings).text

    assert environment(after, "api")["RAY_NAMESPACE"] == "a$$b"
    assert injected(after, settings).text == after


def test_an_env_file_makes_the_values_of_a_head_explicit() -> None:
    text = "services:\n  head:\n    env_file: ray.env\n    labels: [ray.seedcore.io/role=head]\n"

    found = environment(injected(text).text, "head")

    assert found["RAY_ADDRESS"] == "auto"
    assert found["RAY_API_SERVER_ADDRESS"] == ""
    assert "RAY_API_SERVER_ADDRESS" not in environment(injected(text.replace("env_file: ray.env", "")).text, "head")


def test_a_service_that_extends_another_is_told_what_is_not_looked_at() -> None:
    assert only_outcome(f"{CLIENT}    extends: {{service: base}}\n")[::2] == ("RAY101", ["RAY644"])


def test_files_that_are_included_are_told() -> None:
    outcomes = injected(f"include: [other.yaml]\n{CLIENT}").outcomes

    assert [(outcome.title, str(outcome.code), outcome.line) for outcome in outcomes] == [
        ("include", "RAY644", 1),
        ("service api", "RAY101", 3),
    ]
    assert len(injected("include: [other.yaml]\nservices: {a: {image: x}}\n").outcomes) == 1


def test_jobs_connect_is_the_dashboard_and_lists_of_containers_do_nothing() -> None:
    text = CLIENT.replace("client}", "client, ray.seedcore.io/connect: jobs, ray.seedcore.io/skip-containers: api}")

    assert environment(injected(text).text, "api")["RAY_ADDRESS"] == "http://ray.example:8265"
    assert only_outcome(text)[::2] == ("RAY101", ["RAY643"])


def test_a_token_is_left_to_the_shell() -> None:
    settings = "RAY_HOST=h\nRAY_NAMESPACE=n\nRAY_AUTH_SECRET=token\n"
    found = environment(injected(CLIENT, given(settings)).text, "api")

    assert (found["RAY_AUTH_MODE"], found["RAY_AUTH_TOKEN"]) == ("token", None)
    assert only_outcome(CLIENT, settings)[::2] == ("RAY101", ["RAY645"])


def test_services_of_different_roles_that_share_an_environment_are_split() -> None:
    text = """\
x-env: &env
  LOG: debug
services:
  api:
    environment: *env
    labels: {ray.seedcore.io/role: client}
  fit:
    environment: *env
    labels: {ray.seedcore.io/role: worker}
  db:
    environment: *env
"""
    after = injected(text).text

    assert after.startswith("x-env: &env\n  LOG: debug\nservices:\n  api:\n    environment:\n      LOG: debug\n")
    assert environment(after, "fit")["SEEDCORE_RAY_ROLE"] == "worker"
    assert "  db:\n    environment: *env\n" in after


def test_services_of_one_role_go_on_sharing() -> None:
    text = "x-env: &env\n  LOG: debug\nservices:\n"
    text += "".join(
        f"  s{number}: {{environment: *env, labels: [ray.seedcore.io/role=client]}}\n" for number in range(2)
    )

    after = injected(text).text

    assert after.startswith("x-env: &env\n  LOG: debug\n  RAY_HOST: ray.example\n")
    assert after.count("environment: *env") == len("ab")


def test_only_what_services_of_different_roles_share_is_split() -> None:
    text = """\
x-one: &one {A: b}
x-two: &two {C: d}
services:
  api: {environment: *one, labels: [ray.seedcore.io/role=client]}
  web: {environment: *one, labels: [ray.seedcore.io/role=client]}
  fit: {environment: *two, labels: [ray.seedcore.io/role=worker]}
  db: {environment: *two}
"""
    after = injected(text).text

    assert after.count("environment: *one") == len("ab")
    assert after.count("environment: *two") == 1
    assert environment(after, "fit")["SEEDCORE_RAY_ROLE"] == "worker"


def test_a_service_without_a_role_that_merges_what_others_share_stays_as_it_is_written() -> None:
    text = "x-env: &env {A: b}\nservices:\n  api: {environment: *env, labels: [ray.seedcore.io/role=client]}\n"
    other = "  db: {environment: {<<: *env, C: d}}\n"

    after = injected(text + other).text

    assert after.startswith("x-env: &env {A: b}\n")
    assert other in after


def test_a_service_that_merges_another_of_a_different_role_gets_its_own() -> None:
    text = """\
services:
  api: &api
    environment: {A: b}
    labels: {ray.seedcore.io/role: client}
  fit:
    <<: *api
    labels: {ray.seedcore.io/role: worker}
"""
    after = injected(text).text

    assert (environment(after, "api")["SEEDCORE_RAY_ROLE"], environment(after, "fit")["SEEDCORE_RAY_ROLE"]) == (
        "client",
        "worker",
    )
    assert "    <<: *api\n" in after


def test_yes_and_on_stay_as_they_are_written_where_an_environment_is_written_out() -> None:
    text = "x-env: &env {DEBUG: yes, MODE: 0644}\nservices:\n  a: {environment: *env, restart: no}\n"
    text += "  api: {environment: *env, labels: [ray.seedcore.io/role=client]}\n"

    assert 'DEBUG: "yes", MODE: "0644"' in injected(text).text
    assert "a: {environment: *env, restart: no}" in injected(text).text


def test_what_cannot_be_changed_alone_is_told_and_left() -> None:
    text = (
        "services:\n  api: {labels: [ray.seedcore.io/role=client], environment: {RAY_HOST: &host old}, user: *host}\n"
    )

    result = injected(text)

    assert result.text == text
    assert [(outcome.code, outcome.failed) for outcome in result.outcomes] == [(InjectCode.SHARED, True)]


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (CLIENT.replace("client", "clint"), "RAY301", 'label ray.seedcore.io/role is "clint"; allowed: head, worker,'),
        (CLIENT.replace("client", "none"), "RAY203", ""),
        ("services:\n  api: {image: a}\n", "RAY202", ""),
        (f"{CLIENT}    environment: text\n", "RAY210", "its environment or labels have a text where a list"),
        (f"{CLIENT}    environment: {{A: [b]}}\n", "RAY210", "its environment or labels have a mapping or a list"),
    ],
)
def test_a_service_that_gets_nothing_is_told_why(text: str, code: str, told: str) -> None:
    assert injected(text).text == text
    assert only_outcome(text)[0] == code
    assert only_outcome(text)[1].startswith(told)


def test_tags_of_compose_are_left_alone() -> None:
    text = f"{CLIENT}    ports: !override\n      - 8000:8000\n    command: !reset null\n"

    after = injected(text).text

    assert after.startswith(text)
    assert contract.COMPOSE_RECORD in after


@pytest.mark.parametrize(
    "text",
    ["kind: Pod\nservices: {a: {}}\n", "services: [a]\n", "services:\n", "a: {services: {}}\n", "# services:\n[]\n"],
)
def test_other_files_are_none_of_compose(text: str) -> None:
    assert ComposeFile.read(text, name="a") is None


def test_two_documents_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"a has 2 documents; allowed: one document in a Compose file; split it"):
        read_manifests(f"{CLIENT}---\n{CLIENT}", name="a")


def test_an_empty_service_is_none() -> None:
    assert list(compose_file("services: {a: , b: {image: x}}\n").services) == ["b"]
