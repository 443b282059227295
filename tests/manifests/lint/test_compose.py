"""Compose files: declared Ray settings, labels of ours, and what env files bring in."""

from __future__ import annotations

import pytest

from tests.manifests.compose.support import injected
from tests.manifests.lint.support import check, found, lint, lint_one, settings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Level


def test_settings_are_found_with_and_without_a_role_in_both_forms() -> None:
    check(
        {
            "compose.yaml": """\
x-env: &env
  RAY_NAMESPACE: dev  #! RAY640
services:
  api:
    labels: [ray.seedcore.io/role=client]
    environment:
      - RAY_ADDRESS=ray://head:10001  #! RAY640
      - RAY_memory_usage_threshold=0.9
      - LOG=debug
  web:
    environment:
      <<: *env
      RAY_HOST: head  #! RAY640
      RAY_PORT: 10001  #! RAY640
    ports: ["10001:10001", "8265:8265"]
"""
        }
    )


def test_the_fix_is_a_label_and_inject_where_the_label_is_missing() -> None:
    text = "services:\n  web:\n    environment: {RAY_HOST: head}\n"
    told = found(text, "compose.yaml", Context(settings=settings()))

    assert told.message == (
        'RAY_HOST of service "web" is "head"; ray-webhook inject sets "head.ray" for the role client, from file ray.env'
    )
    assert told.fix == "take it out, label the service with ray.seedcore.io/role, and run ray-webhook inject"
    labelled = found(f"{text}    labels: [ray.seedcore.io/role=client]\n", "compose.yaml")
    assert labelled.fix == "take it out, and run ray-webhook inject"
    assert labelled.declared is not None
    assert labelled.declared.entry == ("services", "web", "environment", "RAY_HOST")


def test_what_compose_takes_from_elsewhere_is_no_literal() -> None:
    check(
        {
            "compose.yaml": "services:\n  a:\n    environment:\n      RAY_HOST: ${RAY_HOST:-head}\n      RAY_ADDRESS:\n"
            "  b: {environment: [RAY_HOST, 'RAY_PORT=$PORT']}\n"
        }
    )


@pytest.mark.parametrize(
    "command",
    [
        "ray start --head --block",
        "[ray, start, --address=head:6379]",
        "[--head]\n    entrypoint: ray start",
        "bash -c 'ray start --head",
    ],
)
def test_a_clients_address_in_a_service_that_starts_ray_is_an_error(command: str) -> None:
    text = f"services:\n  ray:\n    command: {command}\n    environment: [RAY_ADDRESS=ray://head:10001]\n"
    told = found(text, "docker-compose.yml")

    assert (told.code, told.level, told.line) == ("RAY608", Level.ERROR, len(text.splitlines()))
    assert lint_one(text.replace("ray://head:10001", "head:6379"), "docker-compose.yml") == []


def test_labels_are_judged() -> None:
    check(
        {
            "compose.prod.yaml": """\
services:
  a:
    labels:
      ray.seedcore.io/role: Client  #! RAY301
      ray.seedcore.io/cluste: train  #! RAY641
      ray.seedcore.io/containers: a  #! RAY643
      com.example.role: x
  b:
    labels:
      - ray.seedcore.io/role=worker
      - ray.seedcore.io/conect=jobs  #! RAY641
      - ray.seedcore.io/connect=direct  #! RAY305
"""
        }
    )


def test_a_misspelt_label_is_told_with_what_is_meant() -> None:
    texts = [
        (one.message, one.fix)
        for one in lint_one(
            "services:\n  a:\n    labels: [ray.seedcore.io/role=clint, ray.seedcore.io/rle=x]\n", "compose.yaml"
        )
    ]
    assert texts == [
        ('label ray.seedcore.io/role is "clint"; allowed: head, worker, client, none', 'did you mean "client"?'),
        ("label ray.seedcore.io/rle is none of ours", "did you mean ray.seedcore.io/role?"),
    ]


ENV = "RAY_ADDRESS=ray://head:10001\n"


@pytest.mark.parametrize("written", ["x/ray.conf", "[./x/ray.conf]", "[{path: x/ray.conf, required: false}]"])
@pytest.mark.parametrize(
    ("labels", "level"),
    [
        ("[ray.seedcore.io/role=worker]", Level.ERROR),
        ("[]", Level.WARNING),
        ("[ray.seedcore.io/role=client]", None),
        ("[ray.seedcore.io/role=none]", None),
    ],
)
def test_an_env_file_with_settings_is_told_to_whom_it_misleads(written: str, labels: str, level: Level | None) -> None:
    text = f"services:\n  a:\n    labels: {labels}\n    env_file: {written}\n"
    told = [one for one in lint({"d/compose.yaml": text, "d/x/ray.conf": ENV}) if one.path == "d/compose.yaml"]

    assert [(str(one.code), one.level, one.line) for one in told] == ([("RAY642", level, 4)] if level else [])


def test_what_inject_wrote_is_meant_to_stand_there() -> None:
    text = "services:\n  a:\n    labels: [ray.seedcore.io/role=client]\n    environment: [RAY_HOST=old]\n"
    assert [str(one.code) for one in lint_one(text, "compose.yaml")] == ["RAY640"]
    assert lint_one(injected(text).text, "compose.yaml") == []


def test_kept_and_opted_out_services_are_silent() -> None:
    for labels in ("[ray.seedcore.io/role=none]", "[ray.seedcore.io/role=client, ray.seedcore.io/on-conflict=keep]"):
        assert lint_one(f"services:\n  a: {{labels: {labels}, environment: [RAY_HOST=x]}}\n", "compose.yaml") == []


def test_a_file_under_another_name_is_known_by_its_services() -> None:
    check({"stack.yml": "services:\n  a:\n    environment:\n      RAY_HOST: h  #! RAY640\n"})


def test_a_service_that_extends_another_is_a_note_where_roles_are_in_use() -> None:
    text = "services:\n  a:\n    extends: {service: b}\n  b: {labels: [ray.seedcore.io/role=client]}\n"
    told = found(text, "compose.yaml")

    assert (told.code, told.level, told.line) == ("RAY644", Level.NOTE, 3)
    assert lint_one("services:\n  a:\n    extends: {service: b}\n  b: {image: x}\n", "compose.yaml") == []


def test_included_files_are_a_note_where_roles_are_in_use() -> None:
    text = "include: [other.yaml]\nservices:\n  b: {labels: [ray.seedcore.io/role=client]}\n"
    told = found(text, "compose.yaml")

    assert (told.code, told.level, told.line) == ("RAY644", Level.NOTE, 1)
    assert lint_one("include: [other.yaml]\nservices: {b: {image: x}}\n", "compose.yaml") == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("services: [", ["RAY691"]),
        ("services: {a: {environment: text}}\n", ["RAY409"]),
        ("services: {a: {labels: {x: [y]}}}\n", ["RAY409"]),
        ("services: {a: {env_file: [1, {path: 2}, '${A}']}, b: , c: x}\n", []),
        ("services: {a: {}}\n---\nservices: {b: {}}\n", ["RAY691"]),
        ("services:\n{% if x %}\n  a: {{ y }}\n", ["RAY692"]),
        ("name: x\n", []),
        ("", []),
    ],
)
def test_bad_input_is_a_finding(text: str, codes: list[str]) -> None:
    assert [str(one.code) for one in lint_one(text, "compose.yaml")] == codes


def test_a_comment_silences_a_finding() -> None:
    check({"compose.yaml": "services:\n  a:\n    environment:\n      RAY_HOST: h  # ray-webhook: ignore RAY640\n"})
