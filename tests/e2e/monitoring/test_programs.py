"""Where promtool and prometheus come from; a package of two scripts stands for Debian's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.monitoring.programs import ProgramsError, find_programs

pytestmark = pytest.mark.e2e

APT_GET = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
  update) touch {folder}/updated ;;
  download) test -e {folder}/updated && cp {folder}/prometheus.deb prometheus_1.0_all.deb ;;
esac
"""


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PROMTOOL", raising=False)


def program(file: Path, text: str = "#!/bin/sh\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with apt-get and dpkg-deb, whose lists of packages are not there yet; the file of what was asked."""
    package = tmp_path / "package"
    for name in ("promtool", "prometheus"):
        program(package / "usr" / "bin" / name)
    (package / "DEBIAN").mkdir()
    control = "Package: prometheus\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
    (package / "DEBIAN" / "control").write_text(control)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    subprocess.run(["dpkg-deb", "--build", package, tmp_path / "prometheus.deb"], check=True, capture_output=True)
    program(tmp_path / "bin" / "apt-get", APT_GET.format(folder=tmp_path))
    return tmp_path / "asked"


def test_promtool_is_taken_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promtool, prometheus = (program(tmp_path / "given" / name) for name in ("promtool", "prometheus"))
    monkeypatch.setenv("PROMTOOL", str(promtool))
    assert (find_programs().promtool, find_programs().prometheus) == (promtool, prometheus)
    prometheus.unlink()
    with pytest.raises(ProgramsError, match="has no program prometheus; let PROMTOOL name"):
        find_programs()


def test_both_are_taken_from_the_path(tmp_path: Path) -> None:
    promtool, prometheus = (program(tmp_path / "bin" / name) for name in ("promtool", "prometheus"))
    assert (find_programs().promtool, find_programs().prometheus) == (promtool, prometheus)


def test_the_package_is_fetched_once_after_its_lists(debian: Path) -> None:
    found = find_programs()
    assert debian.read_text().splitlines() == ["download prometheus", "update", "download prometheus"]
    assert find_programs() == found
    assert len(debian.read_text().splitlines()) == 3


def test_without_a_package_manager_one_line_says_what_to_do() -> None:
    with pytest.raises(ProgramsError) as refused:
        find_programs()
    assert str(refused.value) == (
        "promtool is not on PATH, and there is no apt-get to fetch it with; "
        "install Prometheus, or set PROMTOOL to a promtool that has prometheus beside it"
    )
