"""A cluster with the webhook in some namespaces and the rendered policy alone in others of the same kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.fixtures import running
from tests.control_plane.process import wait_for
from tests.e2e import installation, judges, workloads
from tests.e2e.expected import CLUSTER_WIDE
from tests.e2e.support import create, env_of
from tests.service import running_service
from webhook import contract

Object = dict[str, Any]

NAMESPACES: Final[Mapping[str, Mapping[str, str]]] = {
    "apps": {},
    "seedcore-dev": {},
    "team-a": {"ray.seedcore.io/default-role": "client"},
    "team-off": {"ray.seedcore.io/injection": "disabled"},
    "team-own": {},
    "team-later": {},
}
OWN: Final = {
    "RAY_HOST": "own-head",
    "RAY_SERVE_URL": "https://own:10443/serve",
    "RAY_AUTH_SECRET": "own-token",
    "RAY_ALIASES": "OWN_NS=RAY_NAMESPACE;OWN_ADDRESS=RAY_ADDRESS",
}
"""No RAY_NAMESPACE, a token, and a URL with a port that a kept RAY_PORT must not be taken for."""


def twin(namespace: str) -> str:
    """The namespace where the policy judges in place of the webhook."""
    return f"{namespace}-by-policy"


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """The cluster, and the codes of the limits that the command printed."""

    plane: ControlPlane
    printed: frozenset[str]


@pytest.fixture(scope="session")
def side_by_side(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[SideBySide]:
    folder = tmp_path_factory.mktemp("render")
    with running(folder / "plane") as plane:
        installation.install(plane)
        for name, labels in NAMESPACES.items():
            plane.create_namespace(name, {**labels, judges.JUDGE: judges.WEBHOOK})
            plane.create_namespace(twin(name), {**labels, judges.JUDGE: judges.POLICY})
        plane.wait_for_namespace(installation.NAMESPACE)
        plane.apply([workloads.settings(installation.NAMESPACE, **CLUSTER_WIDE), *_settings("team-own", OWN)])
        printed = _install_policy(plane)
        plane.apply(_settings("team-later", {"RAY_HOST": "later"}))
        with running_service(folder, *installation.flags(plane, certificates), settings=None) as service:
            installation.connect(plane, int(service.url.rpartition(":")[2]), (certificates / "ca.crt").read_bytes())
            judges.restrict_webhook(plane)
            wait_for(lambda: _is_in_force(plane), "each namespace is judged by whom it shall be")
            yield SideBySide(plane=plane, printed=printed)


def _is_in_force(plane: ControlPlane) -> bool:
    host = CLUSTER_WIDE["RAY_HOST"]
    by_webhook = {"apps": host, "team-a": host, "team-own": OWN["RAY_HOST"], "team-later": "later"}
    by_policy = {twin(namespace): wanted for namespace, wanted in by_webhook.items() if namespace != "team-later"}
    return all(_judgement(plane, namespace) == (wanted, True) for namespace, wanted in by_webhook.items()) and all(
        _judgement(plane, namespace) == (wanted, False) for namespace, wanted in by_policy.items()
    )


def _judgement(plane: ControlPlane, namespace: str) -> tuple[str | None, bool]:
    """The host that a client gets, and whether the webhook wrote its status."""
    written = {} if namespace.startswith("team-a") else {"role": "client"}
    made = create(plane, workloads.pod(namespace, **written), dry_run=True).checked()
    hosts = {entry["name"]: entry.get("value") for entry in env_of(made)}
    return hosts.get("RAY_HOST"), contract.STATUS in made["metadata"].get("annotations", {})


def _settings(namespace: str, data: Mapping[str, str]) -> list[Object]:
    return [workloads.settings(name, **data) for name in (namespace, twin(namespace))]


def _install_policy(plane: ControlPlane) -> frozenset[str]:
    """Apply what the command prints for this cluster; returns the codes of the limits that it names."""
    made = judges.install_policy(plane)
    codes = frozenset(re.findall(r"^(RAY\d+) ", made.stderr, re.MULTILINE))
    assert codes == set(re.findall(r"^# (RAY\d+) ", made.stdout, re.MULTILINE))
    return codes
