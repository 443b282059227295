"""The reference has all that there is: it is made from the code, and what it should hold is looked up elsewhere."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from docs._ext.reference import every_page, write
from docs._ext.reference.markdown import prose, table
from docs._ext.reference.operations import DEPLOY, RIGHTS
from docs._ext.reference.pods import allowed
from tests.service import run_command
from webhook import contract
from webhook.cli.main import cli
from webhook.injection.families import FAMILIES, family_of
from webhook.injection.reasons import Reason, every_reason

COMMANDS = re.compile(r"^  ([a-z]+)  ", re.MULTILINE)
FLAGS = re.compile(r"^  (?:-\w, )?(--[a-z-]+)", re.MULTILINE)


@cache
def pages() -> dict[str, str]:
    return dict(every_page())


@pytest.mark.parametrize("reason", every_reason(), ids=lambda reason: reason.code)
def test_each_code_has_a_page_that_says_what_the_command_line_says(reason: Reason) -> None:
    text = pages()[f"reasons/{reason.code}"]

    for said in (reason.summary, reason.meaning, reason.fix or "", family_of(reason.code).when):
        assert prose(said) in text
    assert f"[{reason.code}]({reason.code}.md)" in pages()["reasons/index"]


def test_the_codes_of_the_pages_are_those_that_the_command_lists() -> None:
    listed = {line.split()[0] for line in run_command("reasons").stdout.splitlines()}

    assert {name.removeprefix("reasons/") for name in pages() if name.startswith("reasons/RAY")} == listed


def test_no_family_is_without_codes_and_none_takes_the_codes_of_another() -> None:
    found = [family_of(reason.code) for reason in every_reason()]

    assert set(found) == set(FAMILIES)
    assert family_of("RAY310").title == "Denied"
    assert family_of("RAY311").title == "Refused by the guard"


def test_each_flag_of_each_command_is_there_with_its_variable() -> None:
    sections = {
        name: text for name, _, text in (part.partition("\n") for part in pages()["flags"].split("\n## ray-webhook "))
    }

    for command in helped():
        flags = set(FLAGS.findall(help_of(command))) - {"--help"}
        for flag in flags:
            variable = "RAY_WEBHOOK_" + flag.removeprefix("--").upper().replace("-", "_")
            assert re.search(rf"\| `(-\w, )?{flag}\b.*`{variable}`", sections[command]), f"{command} {flag}"
            assert f"`{variable}`" in pages()["environment"]


def help_of(command: str) -> str:
    return CliRunner().invoke(cli, [*command.split(), "--help"], prog_name="ray-webhook").output


def helped() -> list[str]:
    """Every command by the command line's own help, those of groups too."""
    found = []
    for name in COMMANDS.findall(help_of("").partition("Commands:")[2]):
        below = help_of(name).partition("Commands:")[2]
        found += [f"{name} {one}" for one in COMMANDS.findall(below)] if below else [name]
    return found


def test_each_metric_in_the_code_is_there() -> None:
    package = find_spec("webhook")
    assert package is not None
    sources = [
        file.read_text() for path in package.submodule_search_locations or () for file in Path(path).rglob("*.py")
    ]
    names = {name for source in sources for name in re.findall(r'"(ray_webhook_[a-z_]+)"', source)}

    assert len(names) > 20
    assert not {name for name in names if not re.search(rf"`{name}(_total|_info)?`", pages()["metrics"])}


def test_each_annotation_label_and_settings_key_is_there() -> None:
    written = {*contract.ANNOTATIONS, contract.DEFAULT_ROLE, contract.INJECTION, contract.STATUS}
    keys = {*contract.CONNECTION_KEYS, *contract.AUTH_KEYS, contract.RAY_ALIASES, contract.RAY_ALLOWED_REFERENCES}

    assert not {key for key in written if f"`{key}`" not in pages()["annotations"]}
    assert not {key for key in keys if f"| `{key}` |" not in pages()["settings"]}


def test_what_a_key_may_be_is_told_as_a_broken_one_is() -> None:
    assert allowed("RAY_PORT") == "a port of 1-65535"
    assert allowed("RAY_NAMESPACE") == "text without blanks, control characters or $("


def test_each_role_variable_is_there() -> None:
    assert not {name for name in contract.ROLE_VARIABLES if f"`{name}`" not in pages()["variables"]}


def test_every_file_that_grants_rights_is_there() -> None:
    granting = {
        file
        for file in DEPLOY.rglob("*.yaml")
        for document in yaml.safe_load_all(file.read_text())
        if isinstance(document, dict) and "rules" in document and document.get("kind", "").endswith("Role")
    }

    assert granting == RIGHTS.keys()


def test_each_path_is_there() -> None:
    for path in (contract.MUTATE_PATH, contract.DEFAULT_CLIENT_PATH, "/healthz", "/readyz", "/metrics"):
        assert f"`{path}`" in pages()["ports"]


def test_every_page_that_the_pages_link_to_is_there() -> None:
    for name, text in pages().items():
        for target in re.findall(r"\]\(([A-Za-z0-9/-]+)\.md", text):
            assert str(Path(name).parent / target) in pages(), f"{name} links to {target}"


def test_a_page_that_nothing_makes_any_more_is_removed_and_one_that_stays_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path)
    stale = tmp_path / "reasons" / "RAY999.md"
    stale.write_text("# gone")
    before = (tmp_path / "flags.md").stat().st_mtime_ns

    write(tmp_path)

    assert not stale.exists()
    assert (tmp_path / "flags.md").stat().st_mtime_ns == before


def test_prose_is_read_as_it_is_meant() -> None:
    assert prose("set --no-color, RAY_HOST or ray.seedcore.io/role to <NAME>_*") == (
        r"set `--no-color`, `RAY_HOST` or `ray.seedcore.io/role` to \<NAME\>\_\*"
    )
    assert prose("run `a_b <c>`") == "run `a_b <c>`"
    assert table(["a"], [["x|y"]]).splitlines()[2] == r"| x\|y |"


def test_reasons_in_json_have_what_the_pages_have() -> None:
    rows = msgspec.json.decode(run_command("reasons", "-o", "json").stdout)

    assert {row["code"] for row in rows} == {reason.code for reason in every_reason()}
