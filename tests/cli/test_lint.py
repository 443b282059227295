"""``ray-webhook lint``: what it prints for people and for programs, which files it looks at, and how it ends."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.service import COMMAND, FIXTURES, run_command
from tests.terminal import GOLDEN, check_golden, on_terminal
from webhook.cli.lint_files import MAX_LINTED
from webhook.manifests.lint.kinds import kind_by_name

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "examples" / "seedcore"
WRONG = "kind: ConfigMap\nmetadata: {name: env}\ndata:\n  RAY_ADDRESS: ray://head:10001\n"
CLEAN = "kind: ConfigMap\nmetadata: {name: env}\ndata: {STAGE: dev}\n"
BEFORE = ["lint", "before", "--settings", "after/overlays/dev/ray.env"]


def lint(*arguments: str | Path, stdin: str | None = None) -> tuple[int, str]:
    ended = run_command("lint", *map(str, arguments), stdin=stdin)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def in_example(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in the example's folder, from where paths are short."""
    return subprocess.run([COMMAND, *arguments], cwd=EXAMPLE, capture_output=True, text=True, timeout=60, check=False)


def as_json(*arguments: str | Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(lint(*arguments, "-o", "json")[1])
    return document


def codes(*arguments: str | Path) -> list[tuple[str, str]]:
    """File name and code of each finding."""
    return [(Path(one["file"]).name, one["code"]) for one in as_json(*arguments)["findings"]]


# What is printed, on the example whose README says what is wrong in it.


def test_text_in_a_pipe_is_golden() -> None:
    ended = in_example(*BEFORE)

    assert (ended.returncode, ended.stderr) == (1, "")
    check_golden("lint.txt", ended.stdout)


def test_text_on_a_terminal_is_the_same_in_colours() -> None:
    seen = on_terminal(*BEFORE, folder=EXAMPLE)

    assert seen.returncode == 1
    check_golden("lint-terminal.txt", seen.styled)


@pytest.mark.parametrize(("form", "golden"), [("json", "lint.json"), ("sarif", "lint.sarif")])
def test_documents_for_programs_are_golden(form: str, golden: str) -> None:
    ended = in_example(*BEFORE, "-o", form)

    assert (ended.returncode, ended.stderr) == (1, "")
    check_golden(golden, ended.stdout)


def test_sarif_is_valid_by_its_schema() -> None:
    schema = json.loads((FIXTURES / "sarif-2.1.0.json").read_text())
    for arguments in (["before", "after"], ["after"]):
        document = json.loads(in_example("lint", *arguments, "-o", "sarif").stdout)
        jsonschema.validate(document, schema, cls=jsonschema.Draft7Validator)


def test_all_that_the_examples_readme_says_is_wrong_is_found() -> None:
    """An env file and an overlay's literals that reach every pod, copies in the manifests, two that break drivers."""
    rows = as_json(EXAMPLE / "before", "--settings", EXAMPLE / "after/overlays/dev/ray.env")["findings"]
    seen = {(Path(row["file"]).name, row["variable"]) for row in rows}

    in_the_env_file = {"SEEDCORE_NS", "RAY_ADDRESS", "RAY_NAMESPACE", "SERVE_GATEWAY"}
    assert {name for file, name in seen if file == "seedcore.env"} == in_the_env_file
    literals = {"RAY_ADDRESS", "RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS"}
    assert {name for file, name in seen if file == "kustomization.yaml"} == literals
    assert {name for file, name in seen if file == "api.yaml"} == {"RAY_ADDRESS", "RAY_NAMESPACE"}
    copies = {name for file, name in seen if file == "serve.yaml"}
    assert copies == {"RAY_ADDRESS", "RAY_NAMESPACE", "SERVE_GATEWAY", None}
    broken = [row for row in rows if row["file"].endswith("raycluster.yaml") and row["level"] == "error"]
    assert [row["code"] for row in broken] == ["RAY609", "RAY608", "RAY609", "RAY608"]
    forgotten = [row for row in rows if row["code"] == "RAY616"]
    assert {row["fix"] for row in forgotten} == {'did you mean "seedcore-head-svc"?'}


def test_the_migrated_example_is_clean() -> None:
    assert lint(EXAMPLE / "after") == (0, "8 files checked, all good\n")


def test_this_repositorys_own_manifests_raise_no_false_alarm() -> None:
    assert codes(*(ROOT / "deploy" / name for name in ("kustomize", "monitoring"))) == []
    # Recorded from a running operator: groups without a role annotation.
    assert {code for _, code in codes(FIXTURES / "objects")} == {"RAY607"}


# How it ends.


def test_notes_fail_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Widget\nspec: {RAY_HOST: h}\n")
    status, text = lint(tmp_path)

    assert status == 0
    assert text.endswith("1 note in 1 of 1 file\n")


@pytest.mark.parametrize(("text", "status"), [(CLEAN, 0), (WRONG, 1), ("a: [", 2)])
def test_the_status_tells_clean_wrong_and_unread(tmp_path: Path, text: str, status: int) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(CLEAN)

    assert lint(tmp_path)[0] == status


def test_what_cannot_be_read_is_one_finding_and_other_files_are_linted_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [\n")
    (tmp_path / "latin.yaml").write_bytes("a: \u00e9\n".encode("latin-1"))
    (tmp_path / "wrong.yaml").write_text(WRONG)
    status, text = lint(tmp_path, tmp_path / "missing.yaml")

    assert status == 2
    assert codes(tmp_path, tmp_path / "missing.yaml") == [
        ("broken.yaml", "RAY691"),
        ("latin.yaml", "RAY690"),
        ("wrong.yaml", "RAY610"),
        ("missing.yaml", "RAY690"),
    ]
    assert f'error RAY690: file "{tmp_path}/missing.yaml" cannot be read (No such file or directory)' in text


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    """As root may list all others: one so deep that its path is longer than any that the system takes."""
    (tmp_path / "wrong.yaml").write_text(WRONG)
    folder = os.open(tmp_path, os.O_DIRECTORY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        inner = os.open("d" * 250, os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    status, text = lint(tmp_path)

    assert status == 2
    assert [code for _, code in codes(tmp_path)] == ["RAY610", "RAY690"]
    assert "the folder cannot be listed (File name too long)" in text


def test_a_path_in_a_kustomization_that_can_be_none_is_not_there(tmp_path: Path) -> None:
    paths = f'resources: ["a\\0b", {"x/" * 3000}]\nconfigMapGenerator: [{{name: env, envs: ["a\\0b"]}}]\n'
    (tmp_path / "kustomization.yaml").write_text(paths)

    assert [code for _, code in codes(tmp_path)] == ["RAY613"] * 3


def test_a_huge_file_is_told_and_does_not_fill_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
        file.write(b"a: b\n")
    (tmp_path / "wrong.yaml").write_text(WRONG)
    with (tmp_path / "text.yaml").open("wb") as file:
        file.write(b"a: b\n" * (MAX_LINTED // 5 + 1))

    assert codes(tmp_path) == [("text.yaml", "RAY690"), ("wrong.yaml", "RAY610")]
    assert codes(tmp_path / "huge.yaml") == [("huge.yaml", "RAY690")]


def test_settings_that_are_broken_end_it_before_anything_is_linted(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("RAY_PORT=0\n")
    ended = run_command("lint", "--settings", str(tmp_path / "settings.env"), str(tmp_path))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("ray-webhook: RAY803")


def test_no_path_is_wrong_usage() -> None:
    ended = run_command("lint")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


# Which files it looks at.


def test_folders_are_searched_but_for_what_is_nobodys_manifest(tmp_path: Path) -> None:
    looked_at = ["a.yaml", "deep/er/b.yml", ".env", "c.env", ".gitlab-manifest.yaml", "templates/d.tpl"]
    skipped = [
        *(".git/a.yaml", ".hidden/a.yaml", "node_modules/x/a.yaml", "venv/a.yaml", "lib/site-packages/a.yaml"),
        *("a.yaml.bak", "a.yaml~", "a.yaml.orig", ".a.yaml.swp", "README.md", "notes.txt", "#a.yaml#"),
    ]
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    for name in [*looked_at, *skipped]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("RAY_ADDRESS=ray://head:1\n" if name.endswith("env") else WRONG)
    (tmp_path / "binary.yaml").write_bytes(b"\0\1\2")

    found = {str(Path(row["file"]).relative_to(tmp_path)) for row in as_json(tmp_path)["findings"]}
    assert found == set(looked_at)


@pytest.mark.parametrize("name", ["a.yaml.bak", "manifest", ".hidden/a.yaml", "manifest.txt"])
def test_a_file_that_is_named_is_looked_at_whatever_it_is(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(WRONG)

    assert codes(file) == [(file.name, "RAY610")]


def test_a_binary_file_that_is_named_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"kind: \0\n")
    assert codes(tmp_path / "a.yaml") == [("a.yaml", "RAY690")]


def test_a_file_behind_several_paths_is_linted_once_in_the_order_of_the_paths(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(WRONG)

    assert [file for file, _ in codes(tmp_path / "b.yaml", tmp_path, f"{tmp_path}/./a.yaml")] == ["b.yaml", "a.yaml"]


def test_what_two_containers_share_by_an_alias_is_told_once(tmp_path: Path) -> None:
    containers = "[{name: a, env: &env [{name: RAY_ADDRESS, value: 'ray://h:1'}]}, {name: a, env: *env}]"
    pod = (
        f"kind: Pod\nmetadata: {{annotations: {{ray.seedcore.io/role: worker}}}}\nspec: {{containers: {containers}}}\n"
    )
    (tmp_path / "a.yaml").write_text(pod)

    assert codes(tmp_path) == [("a.yaml", "RAY608")]


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml", stat.S_IRUSR | stat.S_IWUSR)
    assert codes(tmp_path) == []


def test_standard_input_is_yaml() -> None:
    status, text = lint("-", stdin=WRONG)

    assert status == 1
    assert " --> -:4:16\n" in text


def test_json_without_a_kind_is_no_manifest_and_need_not_be_json(tmp_path: Path) -> None:
    (tmp_path / "tsconfig.json").write_text('{\n  // a comment\n  "a": 1\n}\n')
    (tmp_path / "pod.json").write_text('{"kind": "ConfigMap", "data": {"RAY_HOST": "h"}}')

    assert codes(tmp_path) == [("pod.json", "RAY610")]


# How a line is shown.


def test_a_long_line_is_cut_around_what_is_meant_and_odd_characters_are_escaped(tmp_path: Path) -> None:
    entries = ", ".join(f"KEY_{n}: v\u00e9" for n in range(40))
    others = entries.replace("KEY", "OTHER")
    (tmp_path / "a.yaml").write_text(f"kind: ConfigMap\ndata: {{{entries}, RAY_HOST: \u00e9\u00e9, {others}}}\n")
    lines = lint(tmp_path)[1].splitlines()

    shown, carets = lines[3].partition("| ")[2], lines[4].partition("| ")[2]
    assert len(shown) < 120
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "\\xe9\\xe9"
    assert shown.startswith("...")
    assert shown.endswith("...")


def test_colours_can_be_switched_off_on_a_terminal() -> None:
    seen = on_terminal(*BEFORE, "--no-color", folder=EXAMPLE)
    assert seen.text == (GOLDEN / "lint.txt").read_text()


def test_the_hook_for_pre_commit_has_its_form_and_knows_the_files_that_are_linted() -> None:
    """The keys are those of https://pre-commit.com/#new-hooks; pre-commit searches `files` in paths with slashes."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert (hook["language"], hook["additional_dependencies"]) == ("python", [".[server]"])
    name, *arguments = hook["entry"].split()
    assert Path(COMMAND).name == name
    assert run_command(*arguments, str(EXAMPLE / "after" / "base" / "api.yaml")).returncode == 0
    known = ["a/b.yaml", "b.yml", "chart/templates/_helpers.tpl", ".env", "x/.env.prod", "prod.env", "run.sh", "app.py"]
    known += ["Dockerfile", "a/Dockerfile.gpu", "Containerfile", "gpu.dockerfile", "docker-compose.yml"]
    assert [path for path in known if not re.search(hook["files"], path)] == []
    assert [path for path in known if kind_by_name(path) is None] == []
    assert [path for path in ["README.md", "a.yaml.bak", "envy", "a.pyc"] if re.search(hook["files"], path)] == []


def test_what_a_compose_file_names_as_its_env_file_is_linted_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  a: {env_file: ray.conf}\n")
    (tmp_path / "ray.conf").write_text("RAY_ADDRESS=ray://head:10001\n")
    (tmp_path / "other.conf").write_text("RAY_ADDRESS=ray://head:10001\n")

    assert codes(tmp_path) == [("compose.yaml", "RAY642"), ("ray.conf", "RAY610")]


@pytest.mark.parametrize(("form", "written"), [("json", r"a\\udcff.yaml"), ("sarif", "a%FF.yaml")])
def test_a_file_name_need_not_be_utf_8(tmp_path: Path, form: str, written: str) -> None:
    (tmp_path / os.fsdecode(b"a\xff.yaml")).write_text(WRONG)
    status, text = lint(tmp_path, "-o", form)

    assert status == 1
    assert json.loads(text)
    assert written in text


def test_a_character_that_yaml_has_not_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\n# \x1b[2J\n")
    status, text = lint(tmp_path)

    assert status == 2
    assert 'is not YAML (the character "\\x1b" is not allowed)' in text
    assert "a.yaml:2:3\n" in text
