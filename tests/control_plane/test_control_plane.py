"""The control plane that other tests stand on: it behaves as a cluster's, and leaves nothing behind."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .build import PROGRAMS, Assets, find_assets
from .cluster import ControlPlane
from .errors import ControlPlaneError, Fault
from .gomod import committed_version
from .objects import send
from .process import Server, free_ports, wait_for
from .samples import deployment, pod, pods_of, pods_path

pytestmark = pytest.mark.e2e


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_it_says_the_version_it_was_built_from(control_plane: ControlPlane) -> None:
    said = send(control_plane.admin, "GET", "/version").checked()
    assert f"v{said['major']}.{said['minor']}." in said["gitVersion"]
    if not os.environ.get("KUBEBUILDER_ASSETS"):
        assert said["gitVersion"] == os.environ.get("KUBERNETES_VERSION", committed_version())


def test_a_new_namespace_takes_pods_at_once(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace("takes-pods", {"ray.seedcore.io/default-role": "client"})
    created = send(control_plane.admin, "POST", pods_path(namespace), pod(namespace, "first"))
    assert (created.status, created.body["status"]["phase"]) == (201, "Pending")
    labels = send(control_plane.admin, "GET", f"/api/v1/namespaces/{namespace}").checked()["metadata"]["labels"]
    assert labels["ray.seedcore.io/default-role"] == "client"


def test_a_deployment_makes_its_pods(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace("makes-pods")
    control_plane.apply([deployment(namespace, "web")])
    wait_for(lambda: len(pods_of(control_plane, namespace)) == 2, "the Deployment has two pods")
    owners = [made["metadata"]["ownerReferences"][0]["kind"] for made in pods_of(control_plane, namespace)]
    assert owners == ["ReplicaSet", "ReplicaSet"]


def test_the_api_server_comes_back_with_its_data_and_port(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace("outage")
    before, etcd = control_plane.api_server.pid, control_plane.etcd.pid
    started = time.monotonic()
    control_plane.stop_api_server()
    assert time.monotonic() - started < 20  # it was not killed in the end: the controllers' watches did not keep it
    assert not listening(int(control_plane.url.rpartition(":")[2]))
    control_plane.start_api_server()
    assert (control_plane.api_server.pid != before, control_plane.etcd.pid) == (True, etcd)
    assert send(control_plane.admin, "GET", f"/api/v1/namespaces/{namespace}").status == 200
    control_plane.apply([deployment(namespace, "after")])
    wait_for(lambda: len(pods_of(control_plane, namespace)) == 2, "the controllers work again", seconds=60)


def test_ending_leaves_no_process_and_no_data(tmp_path: Path) -> None:
    with ControlPlane(find_assets(), tmp_path) as plane:
        servers = (plane.etcd, plane.api_server, plane.controller_manager)
        pids = [server.pid for server in servers if server.pid is not None]
        assert plane.etcd.pid in pids
        assert plane.api_server.pid in pids
    assert not any(alive(pid) for pid in pids)
    assert not (tmp_path / "etcd").exists()
    assert (plane.logs / "kube-apiserver.log").stat().st_size > 0
    plane.stop()


def test_a_failed_start_names_the_reason_and_leaves_no_process(tmp_path: Path) -> None:
    plane = ControlPlane(find_assets(), tmp_path, api_server_flags=["--no-such-flag"])
    with pytest.raises(ControlPlaneError, match=r"kube-apiserver ended with status 1: .*--no-such-flag") as failed:
        plane.start()
    assert failed.value.fault is Fault.SERVER_ENDED
    assert not any(server.running for server in (plane.etcd, plane.api_server, plane.controller_manager))


def test_assets_without_a_controller_manager_still_take_pods(tmp_path: Path) -> None:
    """What envtest downloads: etcd, kube-apiserver and kubectl."""
    (tmp_path / "bin").mkdir()
    for name in set(PROGRAMS) - {"kube-controller-manager"}:
        (tmp_path / "bin" / name).symlink_to(find_assets().folder / name)
    with ControlPlane(Assets(folder=tmp_path / "bin"), tmp_path / "data") as plane:
        namespace = plane.create_namespace("bare")
        assert send(plane.admin, "POST", pods_path(namespace), pod(namespace, "first")).status == 201


STARTER = f"""
import sys, time
from pathlib import Path
from {Server.__module__} import Server
server = Server(sys.argv[2:], Path(sys.argv[1]))
server.start()
time.sleep(600)
"""


def test_a_server_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    etcd = (find_assets().folder / "etcd", f"--data-dir={tmp_path / 'etcd'}", "--listen-peer-urls=http://127.0.0.1:0")
    urls = (f"--listen-client-urls={url}", f"--advertise-client-urls={url}")
    command = (sys.executable, "-c", STARTER, tmp_path / "log", *etcd, *urls)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[Server.__module__.count(".")])}
    with subprocess.Popen(command, env=environment) as starter:
        wait_for(lambda: listening(port), "etcd listens")
        starter.kill()
    wait_for(lambda: not listening(port), "etcd has ended", seconds=10)
