"""A real Prometheus on loopback that scrapes what a test names, and what it knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.process import Server, free_ports, wait_for
from tests.e2e.monitoring.programs import Programs

Object = dict[str, Any]

SCRAPE_SECONDS: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A pod's metrics; the labels are those that the Prometheus operator gives to what a PodMonitor finds.

    Attributes:
        job: that of our PodMonitor, by its jobLabel; without one it is ``NAMESPACE/NAME`` of the PodMonitor.
    """

    url: str
    pod: str
    namespace: str
    job: str = "ray-webhook"
    container: str = "ray-webhook"
    endpoint: str = "operations"

    def scraped(self) -> Object:
        """The target in Prometheus' configuration."""
        named = {name: getattr(self, name) for name in ("namespace", "pod", "job", "container", "endpoint")}
        return {"targets": [self.url.removeprefix("http://")], "labels": named}


def scrape_configs(plane: ControlPlane, targets: Sequence[Target]) -> list[Object]:
    """What PodMonitors find, and the API server, which wants TLS and a token."""
    kubeconfig = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
    api_server = {
        "job_name": "apiserver",
        "scheme": "https",
        "tls_config": {"ca_file": str(plane.certificate)},
        "authorization": {"credentials": kubeconfig["users"][0]["user"]["token"]},
        "static_configs": [{"targets": [plane.url.removeprefix("https://")]}],
    }
    pods = {"job_name": "pods", "static_configs": [target.scraped() for target in targets]}
    return [pods, api_server]


class Prometheus:
    """Prometheus, started and ended by ``with``; its files are in `folder`."""

    def __init__(self, programs: Programs, folder: Path, configs: Sequence[Object]) -> None:
        timing = {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": f"{SCRAPE_SECONDS}s"}
        configuration = folder / "prometheus.json"  # JSON is YAML too
        configuration.write_text(json.dumps({"global": timing, "scrape_configs": list(configs)}), encoding="utf-8")
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        self._http = urllib3.PoolManager()
        self._server = Server(
            (
                programs.prometheus,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ),
            folder / "prometheus.log",
        )

    def __enter__(self) -> Prometheus:
        self._server.start()
        wait_for(self._is_ready, "Prometheus is ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._http.clear()

    def _is_ready(self) -> bool:
        self._server.require_running()
        try:
            return self._http.request("GET", f"{self._url}/-/ready", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def query(self, expression: str) -> list[Object]:
        """The series that an expression has now, those of no number aside."""
        found = self._get("query", query=expression)["result"]
        return [series for series in found if series["value"][1] != "NaN"]

    def metric_names(self) -> set[str]:
        """Every metric that was ever scraped."""
        return set(self._get("label/__name__/values"))

    def _get(self, path: str, **fields: str) -> Any:
        answer = self._http.request("GET", f"{self._url}/api/v1/{path}", fields=fields)
        assert answer.status == 200, (fields, answer.data)
        return answer.json()["data"]
