"""Where Chromium comes from; a package of one script stands for Debian's, which needs a library."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import ChromiumError, find_chromium

pytestmark = pytest.mark.e2e

APT_GET = """#!/bin/sh
echo "$@" >> {folder}/asked
test "$1" = update && touch {folder}/updated
test -e {folder}/updated || exit 100
test "$1" = install && echo 'Inst chromium (1.0 Debian [all])'
test "$1" = download && cp {folder}/chromium.deb chromium_1.0_all.deb
exit 0
"""


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CHROMIUM", raising=False)


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_it_is_taken_where_it_is_said_to_be_else_from_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = program(tmp_path / "bin" / "chromium", "#!/bin/sh\n")
    assert find_chromium() == on_path
    given = program(tmp_path / "given", "#!/bin/sh\n")
    monkeypatch.setenv("CHROMIUM", str(given))
    assert find_chromium() == given
    given.unlink()
    with pytest.raises(ChromiumError, match="is no program; let it name a Chromium, or unset it"):
        find_chromium()


def test_the_package_is_fetched_once_and_runs_with_the_libraries_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    program(package / "usr/lib/chromium/chromium", '#!/bin/sh\necho "$LD_LIBRARY_PATH" "$1"\n')
    program(package / "usr/lib/here/libneeded.so.1", "")
    control = "Package: chromium\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN" / "control").write_text(control)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    subprocess.run(["dpkg-deb", "--build", package, tmp_path / "chromium.deb"], check=True, capture_output=True)
    program(tmp_path / "bin" / "apt-get", APT_GET.format(folder=tmp_path))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    found = find_chromium()
    assert find_chromium() == found
    planned = "install --simulate --no-install-recommends chromium fonts-dejavu-core"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [planned, "update", planned, "download chromium"]
    said = subprocess.run([found, "--flag"], capture_output=True, text=True, check=True).stdout.split()
    libraries = tmp_path / "cache" / "ray-webhook" / "chromium" / "package" / "usr" / "lib" / "here"
    assert said == [str(libraries), "--flag"]


def test_without_a_package_manager_one_line_says_what_to_do() -> None:
    with pytest.raises(ChromiumError) as refused:
        find_chromium()
    assert str(refused.value) == (
        "chromium is not on PATH, and there is no apt-get to fetch it with; "
        "install Chromium, or set CHROMIUM to the program"
    )
