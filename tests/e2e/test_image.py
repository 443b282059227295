"""The image: the Dockerfile's own instructions carried out in a clean folder, and the service started from the result.

The base image is stood in for by an empty environment of this Python, since no container engine is at hand; packages
come from pip's index.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.process import wait_for
from tests.deploy.dockerfile import DOCKERFILE, Build, Image, make_context
from tests.deploy.rendering import Combination, built, pod_template, the
from tests.service import SETTINGS, RunningService, client_pod

pytestmark = pytest.mark.e2e

ARGUMENTS: Final = {"BASE": "python:3.11-slim-bookworm", "DIGEST": "sha256:0"}
VENV: Final = "opt/ray-webhook"
UNCHECKED: Final = (1).to_bytes(4, "little")
"""The flags of bytecode that is never compared with its source (PEP 552)."""

TELL: Final = """
import sys
import webhook.certificates.directory, webhook.cli.serve, webhook.cluster.identity, webhook.cluster.source
import webhook.cli.managed_certificate, webhook.cluster.keeper
print(*filter(None, (getattr(module, "__cached__", None) for module in sys.modules.values())), sep="\\n")
"""
"""Where the bytecode of everything lies that the service imports."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """What the Dockerfile makes; removed in the end, since pytest would keep hundreds of MB."""
    folder = tmp_path_factory.mktemp("image")
    yield Build(folder, make_context(folder / "context"), ARGUMENTS).run(DOCKERFILE.read_text())
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def packages(image: Image) -> Path:
    (found,) = (image.root / VENV / "lib").glob("python3.*/site-packages")
    return found


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below `folder` that is no link, with its size and time of change."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@contextmanager
def started(image: Image, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """The entry point with `flags`, in another folder than the image's, with no environment but the image's own."""
    program = shutil.which(image.entrypoint[0], path=image.environment["PATH"])
    assert program == str(image.root / VENV / "bin/ray-webhook")
    command = [program, *image.entrypoint[1:], *flags]
    process = subprocess.Popen(
        command, cwd=image.root.parent, env=image.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def deployed_flags(certificates: Path) -> list[str]:
    """The Deployment's flags where it mounts a certificate, with the files that a pod would find below /tls."""
    installed = built(Combination(overlay="production", components=("own-certificate",)))
    args: list[str] = pod_template(the(installed, "Deployment"))["spec"]["containers"][0]["args"]
    return [arg.replace("/tls/", f"{certificates}/") for arg in args]


def test_it_serves_as_the_deployment_starts_it_and_writes_nothing(image: Image, certificates: Path) -> None:
    before = files(image.root)
    ports = ["--port=0", "--ops-port=0", "--console-port=0"]
    flags = [*deployed_flags(certificates), f"--settings={SETTINGS}", "--host=127.0.0.1", *ports]
    with started(image, *flags) as process:
        service = listening(process, certificates)
        wait_for(lambda: service.ops("/readyz")[0] == 200, "the service is ready")
        answer = service.review(client_pod())
        operations = json.loads(base64.b64decode(answer["patch"]))
        assert "ray://seedcore-head-svc.seedcore-dev:10001" in json.dumps(operations)
    assert process.returncode == 0
    assert files(image.root) == before


def listening(process: subprocess.Popen[bytes], certificates: Path) -> RunningService:
    """The service that says on its first line where it listens."""
    assert process.stdout
    line = process.stdout.readline()
    said: dict[str, Any] = json.loads(line)
    assert said["event"] == "ready", line
    trust = ssl.create_default_context(cafile=certificates / "ca.crt")
    return RunningService(process, url=said["url"], ops_url=said["ops_url"], trust=trust)


def test_everything_that_it_imports_is_compiled_once_and_for_all(image: Image, packages: Path) -> None:
    """As user 65532 and on a read-only file system it could not be done later; a changed time must not undo it."""
    done = subprocess.run(["python", "-c", TELL], env=image.environment, capture_output=True, text=True, check=True)
    used = [path for path in map(Path, done.stdout.splitlines()) if path.is_relative_to(packages)]
    assert len(used) > 300
    assert [path for path in used if path.read_bytes()[4:8] != UNCHECKED] == []


def test_there_is_no_pip_no_compiler_and_nothing_of_the_build(image: Image, packages: Path) -> None:
    names = {path.name.partition("-")[0].lower() for path in packages.iterdir()}
    assert {"ray_webhook", "webhook", "ray_config", "fastapi", "kubernetes"} <= names
    assert not names & {"pip", "setuptools", "wheel", "hatchling", "pytest", "mypy", "ruff", "uv", "tests"}
    base = {path.name.partition("-")[0].lower() for path in (image.root / "usr/local/lib").glob("python3.*/*/*")}
    assert not base & {"pip", "setuptools", "wheel", "hatchling"}
    programs = {path.name for path in image.root.rglob("bin/*")}
    assert not {
        name for name in programs if name.startswith(("pip", "gcc", "cc", "c++", "g++", "clang", "ld", "rustc"))
    }
    assert {path.name for path in image.root.iterdir()} == {"opt", "usr"}


def test_user_65532_can_read_all_of_it_and_write_none(image: Image) -> None:
    for path in (image.root / "opt").rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            wanted = 0o005 if path.is_dir() else 0o004
            assert (mode & wanted, mode & 0o022) == (wanted, 0), path
    assert image.user == "65532:65532"


def test_it_says_what_it_is_and_what_it_was_made_from(image: Image) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image.labels.items()}
    assert labels["title"] == "Ray Webhook"
    assert (labels["base.name"], labels["base.digest"]) == (ARGUMENTS["BASE"], ARGUMENTS["DIGEST"])
