"""What tests do through the API server: apply, read warnings, act as somebody else, stand behind a Service."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from .cluster import ControlPlane
from .errors import ControlPlaneError, Fault
from .objects import apply, loopback_service, send, with_service_port
from .process import wait_for
from .samples import definition, pod, pods_path, webhook_configuration

pytestmark = pytest.mark.e2e


def test_applying_again_changes_the_object(control_plane: ControlPlane) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default", "name": "applied"}}
    for value in ("one", "two"):
        (applied,) = control_plane.apply([{**settings, "data": {"key": value}}])
        assert applied["data"] == {"key": value}


def test_a_kind_that_is_not_served_yet_is_waited_for(control_plane: ControlPlane) -> None:
    thing = {"apiVersion": "tests.example.com/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"size": 1}}
    with ThreadPoolExecutor(1) as thread:
        applying = thread.submit(control_plane.apply, [thing])
        time.sleep(0.5)
        control_plane.apply([definition("tests.example.com")])
        (applied,) = applying.result()
    assert (applied["spec"], applied["metadata"]["namespace"]) == ({"size": 1}, "default")


def test_warnings_of_the_api_server_are_read(control_plane: ControlPlane) -> None:
    twice = pod("default", "warned", env=({"name": "A", "value": "1"}, {"name": "A", "value": "2"}))
    answer = send(control_plane.admin, "POST", pods_path("default"), twice)
    assert [text.partition(",")[0] for text in answer.warnings] == [
        'spec.containers[0].env[1]: hides previous definition of "A"'
    ]


def test_a_service_account_may_do_only_what_it_was_granted(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace("granted")
    client = control_plane.client(control_plane.service_account_token(namespace, "default"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    who = send(client, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review).checked()
    assert who["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    with pytest.raises(ApiException, match="cannot patch resource") as refused:
        apply(client, [pod(namespace, "not-mine")])
    assert refused.value.status == 403


def test_kubectl_acts_as_whoever_the_kubeconfig_says(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace("kubectl")
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "default")
    assert control_plane.kubectl("auth", "can-i", "create", "pods").stdout == "yes\n"
    with pytest.raises(ControlPlaneError, match=r"create pods .*: no") as refused:
        control_plane.kubectl("auth", "can-i", "create", "pods", "-n", namespace, "--kubeconfig", str(kubeconfig))
    assert refused.value.fault is Fault.KUBECTL_FAILED


def test_proxies_of_the_environment_are_not_asked(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = control_plane.client(control_plane.service_account_token("default", "default"))
    assert send(client, "GET", "/version").status == 200
    assert "gitVersion" in control_plane.kubectl("version", "--output=json").stdout


def test_kubectl_reads_documents_from_its_standard_input(control_plane: ControlPlane) -> None:
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: from-stdin}}"
    applied = control_plane.kubectl("apply", "-f", "-", stdin=namespace)
    assert applied.stdout == "namespace/from-stdin created\n"


def test_kubectl_applies_a_kustomization(control_plane: ControlPlane, tmp_path: Path) -> None:
    kustomization = "namespace: default\nconfigMapGenerator: [{name: rendered, literals: [A=1]}]\n"
    (tmp_path / "kustomization.yaml").write_text(kustomization)
    assert control_plane.kubectl("apply", "-k", str(tmp_path)).stdout.startswith("configmap/rendered-")


def test_a_webhook_behind_a_service_is_called_on_loopback_by_its_name(control_plane: ControlPlane) -> None:
    """The listener reads the start of the TLS handshake, which names the server whose certificate is expected."""
    namespace = control_plane.create_namespace("behind-service")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        configuration = with_service_port(webhook_configuration(namespace, "hook"), port)
        control_plane.apply([loopback_service(namespace, "hook", port), configuration])
        listener.settimeout(20)
        with ThreadPoolExecutor(1) as thread:
            heard = thread.submit(first_bytes, listener)
            wait_for(lambda: creating_a_pod(control_plane, namespace) == 500, "nobody speaks TLS there")
        assert b"hook.behind-service.svc" in heard.result()


def creating_a_pod(plane: ControlPlane, namespace: str) -> int:
    return send(plane.admin, "POST", pods_path(namespace), pod(namespace, "one"), query={"dryRun": "All"}).status


def first_bytes(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    with connection:
        return connection.recv(65536)
