"""deploy/apply.sh on the base as it is shipped, whose certificate looks after itself, with a guard that refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import free_ports
from tests.deploy.rendering import KUSTOMIZE, NAMESPACE, written
from tests.e2e.certificates.fleet import CONFIGURATION, SECRET, overlay
from tests.e2e.deploy.kubelet import Kubelet
from tests.e2e.deploy.test_apply import GOOD, Site

pytestmark = pytest.mark.e2e

GUARD: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/ray-webhook-guard"
BY: Final = "ray-webhook-apply"


@pytest.fixture
def site(plane: ControlPlane, tmp_path: Path) -> Iterator[Site]:
    (port,) = free_ports(1)
    for name in ("base", "mine", "scratch"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "settings.env").write_text(GOOD)
    settings = {"name": "ray-settings", "namespace": NAMESPACE, "envs": ["settings.env"]}
    made = written(
        tmp_path / "mine",
        [overlay(tmp_path / "base", port)],
        [KUSTOMIZE / "components" / "guard"],
        generatorOptions={"disableNameSuffixHash": True},
        configMapGenerator=[settings],
    )
    kubelet = Kubelet(plane, tmp_path, port, is_managed=True)
    with kubelet.running():
        yield Site(plane=plane, overlay=made, scratch=tmp_path / "scratch", kubelet=kubelet)


def managers(found: dict[str, Any] | None) -> set[str]:
    """Who has written an object."""
    assert found
    return {entry["manager"] for entry in found["metadata"]["managedFields"]}


def test_the_certificate_that_looks_after_itself_is_left_alone_and_the_guard_comes_last(site: Site) -> None:
    site.plane.create_namespace("managed")
    installed = site.apply("--timeout", "60", namespace="managed")
    secret = site.get(SECRET)
    again = site.apply("--timeout", "60", namespace="managed")
    try:
        assert (installed.returncode, again.returncode) == (0, 0), installed.stderr + again.stderr
        assert "Issuing" not in installed.stderr + again.stderr
        said = [installed.stderr.index(text) for text in ("successfully rolled out", "Verifying", "policy bindings")]
        assert said == sorted(said)
        assert site.get(GUARD)
        assert BY not in managers(secret) | managers(site.get(CONFIGURATION))
        assert site.get(SECRET) == secret
    finally:
        removed = site.apply("--uninstall", namespace="managed")
    assert (removed.returncode, site.get(GUARD)) == (0, None), removed.stderr
