"""A cluster of its own for what is deployed: it knows the kinds that components use, and is strict about priority."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.deploy.schemas import definitions
from tests.e2e import targets

_LIMITED_PRIORITY: Final = """\
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ResourceQuota
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: ResourceQuotaConfiguration
      limitedResources:
        - resource: pods
          matchScopes:
            - {scopeName: PriorityClass, operator: In, values: [system-cluster-critical, system-node-critical]}
"""
"""As on GKE: a pod of these classes needs a quota that names them."""


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Nothing is installed in it; who installs something, uninstalls it again."""
    folder = tmp_path_factory.mktemp("deploy")
    admission = folder / "admission.yaml"
    admission.write_text(_LIMITED_PRIORITY, encoding="utf-8")
    flags = [f"--admission-control-config-file={admission}"]
    with running(folder / "plane", api_server_flags=flags) as plane:
        plane.apply([*definitions(), *targets.definitions()])
        yield plane
