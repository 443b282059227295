"""What uninject takes out of Compose files that inject wrote, that were changed since, or that it never saw."""

from __future__ import annotations

import json

import pytest

from tests.manifests.compose.support import compose_file, environment, given, injected, loaded, uninjected
from webhook import contract
from webhook.injection.findings import InjectCode
from webhook.manifests.compose.rewrite import extent
from webhook.manifests.records import text_hash

FILE = """\
services:
  api:
    image: api:1
    labels: {ray.seedcore.io/role: client}
    environment:
      - RAY_HOST=old  # where
      - RAY_PORT
      - A=${B}
"""


def test_settings_that_moved_since_change_nothing_about_what_is_taken_out() -> None:
    after = injected(FILE).text
    assert uninjected(after, given("RAY_HOST=other\nRAY_NAMESPACE=x\n")).text == FILE


def test_what_was_changed_since_stays_changed() -> None:
    since = injected(FILE).text.replace("A=${B}", "A=new").replace("image: api:1", "image: api:2")

    result = uninjected(since)

    assert environment(result.text, "api") == {"RAY_HOST": "old", "RAY_PORT": None, "A": "new"}
    assert loaded(result.text)["services"]["api"]["image"] == "api:2"
    assert "# where" in result.text
    assert contract.COMPOSE_RECORD not in result.text


def test_injecting_anew_puts_in_what_holds_now() -> None:
    other = given("RAY_HOST=other\nRAY_NAMESPACE=x\n")
    assert injected(injected(FILE).text, other).text == injected(FILE, other).text


BY_HAND = """\
services:
  api:
    labels: [ray.seedcore.io/role=client]
    environment:
      RAY_HOST: ray.example
      RAY_PORT: 10002
      OTHER: ray.example
  web:
    labels: [ray.seedcore.io/role=client]
    environment: [RAY_NAMESPACE=dev]
  db:
    environment: {RAY_HOST: ray.example}
"""


def test_only_what_inject_would_put_in_is_taken_out_of_what_it_never_saw() -> None:
    result = uninjected(BY_HAND)

    assert result.text == BY_HAND.replace("      RAY_HOST: ray.example\n", "").replace(
        "    environment: [RAY_NAMESPACE=dev]\n", ""
    )
    assert [outcome.code for outcome in result.outcomes] == [
        InjectCode.TAKEN_OUT,
        InjectCode.TAKEN_OUT,
        InjectCode.NOTHING_OF_OURS,
    ]


@pytest.mark.parametrize(
    "record",
    [
        "x",
        "[]",
        '{"env":{}}',
        '{"env":{"api":{"set":["A"],"was":[[7,{}]]}}}',
        '{"env":{"api":{"set":["RAY_HOST"],"was":[[0,{"name":"X","value":1}]]}}}',
        '{"env":{"none":{"set":[]}},"undo":{"hash":"","edits":[[9000,1,"x"]]}}',
        "[" * 5000,
    ],
)
def test_a_record_that_inject_did_not_write_breaks_nothing(record: str) -> None:
    text = f"{FILE}{contract.COMPOSE_RECORD}: {json.dumps(record)}\n"

    for result in (uninjected(text), injected(text)):
        assert loaded(result.text)["services"]["api"]["image"] == "api:1"


def test_a_record_cannot_change_what_is_not_its_own() -> None:
    """Its hash is right, yet it would give the service another image."""
    text = f"{FILE}{contract.COMPOSE_RECORD}: ''\n"
    start, end = extent(compose_file(text))
    blank = text[start:end].replace("''", "")
    undo = {"hash": text_hash(blank), "edits": [[blank.index("api:1"), 5, "evil"]]}
    record = json.dumps({"env": {}, "undo": undo})

    assert "image: api:1" in uninjected(text.replace("''", f"'{record}'")).text


def test_a_value_beyond_16_bits_in_json_with_tabs_is_replaced_and_comes_back() -> None:
    """The record of it says the value as JSON escapes it."""
    text = (
        '{\n\t"services": {\n\t\t"head": {\n\t\t\t"image": "a:1",\n\t\t\t"environment": ["RAY_HOST=😀"],\n'
        f'\t\t\t"labels": {{"{contract.ROLE}": "head"}}\n\t\t}}\n\t}}\n}}\n'
    )

    result = injected(text)

    assert environment(result.text, "head")["RAY_HOST"] == "ray.example"
    assert uninjected(result.text).text == text
