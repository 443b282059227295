"""Where the programs come from, as far as it can be told without building them."""

from pathlib import Path

import pytest

from .build import Assets, find_assets
from .errors import ControlPlaneError, Fault
from .gomod import MODULE, committed_version, minor_of


@pytest.fixture(autouse=True)
def nothing_built_and_no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("KUBEBUILDER_ASSETS", "KUBERNETES_VERSION"):
        monkeypatch.delenv(name, raising=False)


def programs(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def test_kubebuilder_assets_come_before_anything_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs(tmp_path, "etcd", "kube-apiserver", "kubectl")))
    assert find_assets() == Assets(folder=tmp_path)
    assert not find_assets().has_controllers
    programs(tmp_path, "kube-controller-manager")
    assert find_assets().has_controllers


def test_assets_without_an_api_server_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs(tmp_path, "etcd")))
    with pytest.raises(ControlPlaneError, match="has no program kube-apiserver; it needs etcd") as refused:
        find_assets()
    assert refused.value.fault is Fault.ASSETS_INCOMPLETE


def test_a_missing_go_is_told_in_one_line() -> None:
    with pytest.raises(ControlPlaneError, match=r"\Ago-missing: the go command is not on PATH.*KUBEBUILDER_ASSETS.*\Z"):
        find_assets()


def test_a_failed_build_shows_gos_own_words_and_is_tried_again(tmp_path: Path) -> None:
    programs(tmp_path, "go")
    (tmp_path / "go").write_text("#!/bin/sh\necho a >&2\necho b >&2\nexit 7\n")
    for _ in range(2):
        with pytest.raises(ControlPlaneError, match=r"\Abuild-failed: go build ended with status 7: a; b\Z"):
            find_assets()


@pytest.mark.parametrize("version", ["1.37.2", "v1.37", "v2.0.0", "v1.37.2 "])
def test_a_version_of_another_form_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_VERSION", version)
    with pytest.raises(ControlPlaneError, match=r"is not of the form v1\.Y\.Z") as refused:
        find_assets()
    assert refused.value.fault is Fault.VERSION_INVALID


def test_every_staging_module_follows_the_one_version() -> None:
    wanted = f"v0.{committed_version().removeprefix('v1.')}"
    replaced = [line.split() for line in (MODULE / "go.mod").read_text().splitlines() if "=> k8s.io/" in line]
    assert int(minor_of(committed_version())) >= 30
    assert {words[-1] for words in replaced} == {wanted}
