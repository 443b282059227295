"""One secured cluster for most tests: a head and two workers, their env made by the real service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.ray.nodes import Ports, base_environment, running_head, running_worker, short_folder
from tests.ray.pods import declared_env, injected_env, review_of
from tests.service import RunningService, running_service


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A running cluster, and the service that knows it."""

    ports: Ports
    service: RunningService
    base: dict[str, str]

    def before(self, role: str) -> dict[str, str]:
        """A process' whole env in a pod of `role` without the webhook, as the seed's manifests declare it."""
        return self.base | declared_env(review_of(role), self.polluted())

    def after(self, role: str) -> dict[str, str]:
        """The same with the webhook."""
        return self.base | injected_env(self.service, review_of(role), self.polluted())

    def polluted(self) -> dict[str, dict[str, str]]:
        """The seed's ConfigMaps that pods take whole by envFrom."""
        return {"seedcore-client-env": {"RAY_ADDRESS": f"ray://127.0.0.1:{self.ports.client}"}}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head with token authentication, a worker without the webhook (``before``) and one with it (``after``)."""
    folder, ports = tmp_path_factory.mktemp("cluster"), Ports.free()
    settings = folder / "settings.env"
    settings.write_text(ports.settings(RAY_AUTH_SECRET="ray-token"))  # noqa: S106  a Secret's name
    with running_service(folder, settings=settings) as service, ExitStack() as nodes:
        base = base_environment(nodes.enter_context(short_folder()))
        cluster = Cluster(ports=ports, service=service, base=base)
        nodes.enter_context(running_head(cluster.after("head"), ports, log=folder / "head.log"))
        before = cluster.before("worker") | {"RAY_ADDRESS": f"ray://127.0.0.1:{ports.client}"}
        workers = {"before": before, "after": cluster.after("worker")}
        for resource, environment in workers.items():
            log = folder / f"{resource}.log"
            nodes.enter_context(running_worker(environment, ports, resource=resource, log=log))
        yield cluster
