"""The Dockerfile as it is written; what comes of it is tested by ``make e2e`` (tests/e2e/test_image.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.dockerfile import DOCKERFILE, ROOT, Build, Instruction, ignored, instructions
from webhook import __version__


@pytest.fixture(scope="module")
def written() -> list[Instruction]:
    return instructions(DOCKERFILE.read_text())


def texts(written: list[Instruction], name: str) -> list[str]:
    """The texts of all instructions of a name."""
    return [instruction.text for instruction in written if instruction.name == name]


def test_hadolint_finds_nothing_and_nothing_is_hidden_from_it() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    command = [str(hadolint), "--no-color", "--failure-threshold", "style", "--disable-ignore-pragma", str(DOCKERFILE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_base_image_is_named_by_a_digest_that_has_to_be_given(written: list[Instruction]) -> None:
    """There is one base, so that the stages cannot differ."""
    assert texts(written, "FROM") == ["${BASE}@${DIGEST} AS base", "base AS build", "base"]
    assert "DIGEST" in texts(written, "ARG")
    assert not any(text.startswith("DIGEST=") for text in texts(written, "ARG"))


def test_every_set_of_requirements_is_installed_by_its_hashes(written: list[Instruction]) -> None:
    """What is installed without them is the wheel that was just built."""
    commands = [command.strip() for text in texts(written, "RUN") for command in text.split("&&")]
    installing = [command.split() for command in commands if " install " in command]
    assert len(installing) == 3
    for words in installing:
        assert ("--require-hashes" in words) is ("-r" in words) is ("--no-index" not in words)


def test_user_and_version_are_those_of_the_deployment(written: list[Instruction]) -> None:
    deployment = yaml.safe_load((ROOT / "deploy/kustomize/base/deployment.yaml").read_text(encoding="utf-8"))
    pod = deployment["spec"]["template"]["spec"]
    assert texts(written, "USER") == ["{runAsUser}:{runAsGroup}".format(**pod["securityContext"])]
    assert pod["containers"][0]["image"] == f"ray-webhook:{__version__}"
    assert f'org.opencontainers.image.version="{__version__}"' in texts(written, "LABEL")[0].split()
    assert f"--tag ray-webhook:{__version__} ." in DOCKERFILE.read_text()
    ports = [str(port["containerPort"]) for port in pod["containers"][0]["ports"]]
    assert texts(written, "EXPOSE") == [" ".join(ports)]


def test_the_program_is_started_without_a_shell(written: list[Instruction]) -> None:
    assert texts(written, "ENTRYPOINT") == ['["ray-webhook"]']
    assert not texts(written, "CMD")


def test_continued_lines_are_one_instruction_and_comments_are_none() -> None:
    text = "# a\nRUN one \\\n# b\n    && two\n\nuser  3\n"
    assert instructions(text) == [Instruction("RUN", "one && two"), Instruction("USER", "3")]


@pytest.mark.parametrize(
    "command", ["rm -r /opt/ray-webhook", "python -m compileall /etc/x", "pip list && apt-get update"]
)
def test_a_command_that_would_touch_this_machine_is_not_carried_out(tmp_path: Path, command: str) -> None:
    with pytest.raises(AssertionError, match="cannot be carried out without a container"):
        Build(tmp_path, tmp_path, {}).run(f"RUN {command}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("secret.env", True), ("webhook/a.py", False), ("webhook/__pycache__/a.pyc", True), ("requirements/x.txt", True)],
)
def test_a_build_is_given_what_dockerignore_lets_through(path: str, expected: bool) -> None:
    patterns = ["*", "!webhook", "!requirements/build.txt", "**/__pycache__"]
    assert ignored(path, patterns) is expected
