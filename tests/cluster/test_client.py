"""The API client: who it is, its errors in one line, and a token that is renewed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.cluster.fake_api_server import CONFIG_MAPS, FakeApiServer, running_api_server
from tests.cluster.support import api_at
from webhook.cluster import identity
from webhook.cluster.client import Api
from webhook.cluster.identity import kubeconfig, service_account
from webhook.cluster.pod import is_in_cluster, own_namespace
from webhook.errors import ClusterError, KubeconfigError


@pytest.fixture
def fake() -> FakeApiServer:
    return FakeApiServer()


@pytest.fixture
def url(fake: FakeApiServer) -> Iterator[str]:
    with running_api_server(fake) as url:
        yield url


def config(url: str, **user: Any) -> dict[str, Any]:
    """A kubeconfig with the contexts one and two, of which the second has a token."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {}}, {"name": "somebody", "user": {"token": "secret-token"} | user}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "nobody"}},
            {"name": "two", "context": {"cluster": "c", "user": "somebody"}},
        ],
        "current-context": "one",
    }


@pytest.mark.parametrize(("context", "sent"), [(None, None), ("one", None), ("two", "Bearer secret-token")])
def test_context_of_a_kubeconfig_decides_who_asks(
    tmp_path: Path, fake: FakeApiServer, url: str, context: str | None, sent: str | None
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config(url)))
    Api(kubeconfig(file, context)).get(CONFIG_MAPS, {}, dict)

    assert fake.requests[0].headers.get("authorization") == sent
    assert fake.requests[0].headers["user-agent"].startswith("ray-webhook/")


@pytest.mark.parametrize(
    ("content", "context", "told"),
    [
        (None, None, "cannot be read (No such file or directory)"),
        ("", None, "cannot be used"),
        ("{", None, "cannot be used"),
        ("a: [b", None, "cannot be used"),
        ("- a", None, "cannot be used"),
        ("5", None, "cannot be used"),
        ("clusters: 5", None, "cannot be used"),
        (json.dumps(config("http://127.0.0.1:1")), "three", "Expected object with name three in"),
        (json.dumps(config("http://127.0.0.1:1") | {"clusters": []}), None, "Expected object with name c in"),
    ],
)
def test_kubeconfig_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, content: str | None, context: str | None, told: str
) -> None:
    file = tmp_path / "kubeconfig"
    if content is not None:
        file.write_text(content)
    with pytest.raises(KubeconfigError) as caught:
        kubeconfig(file, context)

    assert caught.value.exit_status == 2
    assert told in str(caught.value)
    assert str(caught.value).isprintable()


def mounted(folder: Path) -> Path:
    """A service account as Kubernetes mounts it."""
    (folder / "token").write_text("first")
    (folder / "namespace").write_text("ray-system\n")
    (folder / "ca.crt").write_text("no certificate, for this test is without TLS")
    return folder


ENVIRONMENT = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_service_account_gives_host_trust_and_token(tmp_path: Path) -> None:
    configuration = service_account(mounted(tmp_path), ENVIRONMENT)

    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.ssl_ca_cert == str(tmp_path / "ca.crt")
    assert configuration.verify_ssl


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The client's loaders that were made, of which each holds a token and the time until it is read again."""
    made: list[Any] = []
    loader = identity._in_cluster

    def make(**arguments: Any) -> Any:
        made.append(loader(**arguments))
        return made[-1]

    monkeypatch.setattr(identity, "_in_cluster", make)
    return made


def test_renewed_token_is_read_again(tmp_path: Path, fake: FakeApiServer, url: str, loaders: list[Any]) -> None:
    """The client reads the file again every minute; time is set back here in place of waiting."""
    configuration = service_account(mounted(tmp_path), ENVIRONMENT)
    loaders[0].host = configuration.host = url
    api = Api(configuration)
    api.get(CONFIG_MAPS, {}, dict)
    (tmp_path / "token").write_text("second")
    api.get(CONFIG_MAPS, {}, dict)
    loaders[0].token_expires_at -= timedelta(minutes=2)
    api.get(CONFIG_MAPS, {}, dict)

    assert [request.headers["authorization"] for request in fake.requests] == ["bearer first"] * 2 + ["bearer second"]


def test_token_that_vanishes_is_an_error_of_the_cluster_and_not_a_crash(tmp_path: Path, loaders: list[Any]) -> None:
    configuration = service_account(mounted(tmp_path), ENVIRONMENT)
    loaders[0].token_expires_at -= timedelta(minutes=2)
    (tmp_path / "token").unlink()

    with pytest.raises(ClusterError, match="No such file"):
        Api(configuration).get(CONFIG_MAPS, {}, dict)


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_service_account_that_is_not_whole_is_told(tmp_path: Path, missing: str) -> None:
    (mounted(tmp_path) / missing).unlink()

    with pytest.raises(KubeconfigError, match="service account cannot be used"):
        service_account(tmp_path, ENVIRONMENT)


def test_a_pod_knows_its_namespace(tmp_path: Path) -> None:
    assert own_namespace(tmp_path) is None
    assert own_namespace(mounted(tmp_path)) == "ray-system"


def test_a_pod_has_a_host_and_a_token(tmp_path: Path) -> None:
    assert not is_in_cluster(tmp_path, ENVIRONMENT)
    mounted(tmp_path)
    assert is_in_cluster(tmp_path, ENVIRONMENT)
    assert not is_in_cluster(tmp_path, {})


@pytest.mark.parametrize(
    ("status", "fix"),
    [(401, "token"), (403, "give this identity the right"), (500, "log")],
)
def test_refusal_names_path_host_status_message_and_a_fix(fake: FakeApiServer, url: str, status: int, fix: str) -> None:
    fake.faults.status[CONFIG_MAPS] = status
    with pytest.raises(ClusterError) as caught:
        api_at(url).get(CONFIG_MAPS, {}, dict)

    assert caught.value.status == status
    assert str(caught.value).startswith(f"RAY806: {CONFIG_MAPS} of {url} was answered {status} (this server is sick); ")
    assert fix in caught.value.fix


def test_a_refusal_that_is_no_text_is_told_all_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 15\r\n\r\n{"message":"\xff"}')

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(ClusterError, match="was answered 502") as caught:
            api_at(f"http://127.0.0.1:{listener.getsockname()[1]}").get(CONFIG_MAPS, {}, dict)
        answering.join()

    assert str(caught.value).isprintable()


def test_nobody_there_is_told_in_one_line() -> None:
    with pytest.raises(ClusterError) as caught:
        api_at("http://127.0.0.1:1").get(CONFIG_MAPS, {}, dict)

    assert caught.value.status is None
    assert "Connection refused" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"kind":"\xff"}', b"[" * 100_000])
def test_what_is_not_the_json_that_was_asked_for_is_told(fake: FakeApiServer, url: str, answer: bytes) -> None:
    fake.faults.garbage = answer

    with pytest.raises(ClusterError, match="has not the form of Kubernetes' API"):
        api_at(url).get(CONFIG_MAPS, {}, dict)


def test_a_failure_is_not_repeated_by_the_client_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[str] = []
        thread = threading.Thread(target=_hang_up, args=(listener, accepted), daemon=True)
        thread.start()
        with pytest.raises(ClusterError, match="Connection aborted"):
            api_at(f"http://127.0.0.1:{listener.getsockname()[1]}").get(CONFIG_MAPS, {}, dict)
        sleep(0.1)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert len(accepted) == 1


def _hang_up(listener: socket.socket, accepted: list[str]) -> None:
    """Accept connections and close them at once, until the listener is shut down."""
    with suppress(OSError):
        while True:
            connection, address = listener.accept()
            accepted.append(str(address))
            connection.close()


@pytest.mark.parametrize(
    "server",
    ["https://", "https://a b", "https://127.0.0.1:99999", "ftp://127.0.0.1", "127.0.0.1:6443"],
)
def test_a_server_that_can_never_be_reached_is_refused_at_once(tmp_path: Path, server: str) -> None:
    with pytest.raises(KubeconfigError, match=r"allowed: https://HOST|cannot be used"):
        kubeconfig(_kubeconfig(tmp_path, {"server": server}))


@pytest.mark.parametrize("proxy", ["garbage://x", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_refused_at_once(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(KubeconfigError, match="proxy-url"):
        Api(kubeconfig(_kubeconfig(tmp_path, {"server": "https://127.0.0.1:6443", "proxy-url": proxy})))


def test_a_certificate_authority_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": "bm8gUEVN"}
    with pytest.raises(KubeconfigError, match="certificate authority"):
        kubeconfig(_kubeconfig(tmp_path, cluster))


@pytest.mark.parametrize("token", ["a\nb", "a\u2713"])
def test_a_token_that_no_header_can_hold_is_a_failure_like_any_other(tmp_path: Path, token: str) -> None:
    api = Api(kubeconfig(_kubeconfig(tmp_path, {"server": "https://127.0.0.1:1"}, token=token)))
    with pytest.raises(ClusterError, match="cannot be asked for"):
        api.get("/version", {}, dict)


def _kubeconfig(folder: Path, cluster: dict[str, str], *, token: str = "t") -> Path:  # noqa: S107  no secret
    file = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    file.write_text(json.dumps(content))
    return file
