"""Where Ray is: the rules of the address, the namespace and the URLs."""

from __future__ import annotations

import pytest

import ray_config
from ray_config.errors import BadValueError, NotConfiguredError
from ray_config.resolve import DASHBOARD, SERVE, find_address, find_endpoint, find_namespace, is_polluted, join_path

Env = dict[str, str]
CLIENT: Env = {"SEEDCORE_RAY_ROLE": "client"}
HEAD: Env = {"SEEDCORE_RAY_ROLE": "head"}
WORKER: Env = {"SEEDCORE_RAY_ROLE": "worker"}


@pytest.mark.parametrize(
    ("env", "address", "source"),
    [
        ({"RAY_ADDRESS": "ray://h:10001"}, "ray://h:10001", "RAY_ADDRESS"),
        ({"RAY_ADDRESS": "  ray://h:10001\n"}, "ray://h:10001", "RAY_ADDRESS"),
        ({"RAY_ADDRESS": "http://h:8265"}, "http://h:8265", "RAY_ADDRESS"),
        ({"RAY_ADDRESS": "auto"}, "auto", "RAY_ADDRESS"),
        ({"RAY_ADDRESS": "h:6379"}, "h:6379", "RAY_ADDRESS"),
        ({"RAY_ADDRESS": "ray://h:1", "RAY_HOST": "other"}, "ray://h:1", "RAY_ADDRESS"),
        ({"RAY_HOST": "h", "RAY_PORT": "7"}, "ray://h:7", "RAY_HOST and RAY_PORT"),
        ({"RAY_HOST": "h"}, "ray://h:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "h", "RAY_PORT": "tcp://10.0.0.1:6379"}, "ray://h:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "h", "RAY_ADDRESS": ""}, "ray://h:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "h", "RAY_ADDRESS": " "}, "ray://h:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "h", "RAY_ADDRESS": "ray://:10001"}, "ray://h:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "[::1]"}, "ray://[::1]:10001", "RAY_HOST and Ray's own port"),
        ({"RAY_HOST": "h", "RAY_NAMESPACE": "team-a"}, "ray://h:10001", "RAY_HOST and Ray's own port"),
    ],
)
@pytest.mark.parametrize("role", [{}, CLIENT])
def test_the_address_of_a_client(role: Env, env: Env, address: str, source: str) -> None:
    found = find_address(role | env)

    assert (found.value, found.source) == (address, source)


@pytest.mark.parametrize("role", [HEAD, WORKER, {"FQ_RAY_IP": "h"}, {"RAY_RAYLET_PID": "7"}])
@pytest.mark.parametrize(
    ("text", "address"),
    [
        (None, "auto"),
        ("", "auto"),
        ("auto", "auto"),
        ("10.0.0.1:6379", "10.0.0.1:6379"),
        ("ray://h:10001", "auto"),
        ("http://h:8265", "auto"),
        ("local", "auto"),
        ("nonsense", "auto"),
    ],
)
def test_a_node_connects_directly_whatever_its_environment_says(role: Env, text: str | None, address: str) -> None:
    env = role | {"RAY_HOST": "h", "RAY_PORT": "10001"} | ({} if text is None else {"RAY_ADDRESS": text})

    assert find_address(env).value == address
    assert is_polluted(env) is (bool(text) and text != address)


def test_a_client_is_never_polluted() -> None:
    assert not is_polluted(CLIENT | {"RAY_ADDRESS": "ray://h:1"})


@pytest.mark.parametrize("address", ["ray://h:1", "auto", "h:6379", "local", " ray://h:1 "])
@pytest.mark.parametrize("env", [CLIENT | {"RAY_ADDRESS": "ray://other:1"}, WORKER])
def test_an_argument_wins_everywhere(env: Env, address: str) -> None:
    assert find_address(env, address).value == address.strip()


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("ray://h", "write ray://h:10001"),
        ("ray://h:10001/", "correct it"),
        ("RAY://h:1", "correct it"),
        ("grpc://h:1", "correct it"),
        ("h", "correct it"),
        ("http://", "correct it"),
        ("local", 'address="local"'),
        ("a b", "correct it"),
    ],
)
def test_an_address_that_ray_does_not_understand(text: str, fix: str) -> None:
    with pytest.raises(BadValueError) as raised:
        find_address({"RAY_ADDRESS": text, "RAY_HOST": "h"})

    assert raised.value.variable == "RAY_ADDRESS"
    assert f'RAY_ADDRESS is "{text}"' in str(raised.value)
    assert "allowed: ray://HOST:PORT" in str(raised.value)
    assert fix in raised.value.fix


@pytest.mark.parametrize("host", ["http://h", "h:10001", "fd00::1", "$(H)"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(BadValueError, match="RAY_HOST is"):
        find_address({"RAY_HOST": host})


@pytest.mark.parametrize("env", [{}, CLIENT, {"RAY_ADDRESS": "", "RAY_HOST": ""}, {"RAY_NAMESPACE": "seedcore-dev"}])
def test_nothing_says_where_ray_is(env: Env) -> None:
    for find in (find_address, lambda env: find_endpoint(env, SERVE), lambda env: find_endpoint(env, DASHBOARD)):
        with pytest.raises(NotConfiguredError, match=r"is not set; .*; annotate the pod"):
            find(env)


@pytest.mark.parametrize(
    ("env", "argument", "namespace"),
    [
        ({}, None, None),
        ({"RAY_NAMESPACE": ""}, None, None),
        ({"RAY_NAMESPACE": " "}, "", None),
        ({"RAY_NAMESPACE": "a"}, None, "a"),
        ({"RAY_NAMESPACE": " a\n"}, " ", "a"),
        ({"RAY_NAMESPACE": "a"}, "b", "b"),
    ],
)
def test_the_namespace_is_a_text_or_none(env: Env, argument: str | None, namespace: str | None) -> None:
    found = find_namespace(env, argument)

    assert (found.value if found else None) == namespace


@pytest.mark.parametrize(
    ("env", "url", "source"),
    [
        ({"RAY_SERVE_ADDRESS": "http://s:1", "RAY_SERVE_URL": "http://u:2"}, "http://s:1", "RAY_SERVE_ADDRESS"),
        ({"RAY_SERVE_ADDRESS": "", "RAY_SERVE_URL": "https://u/x/"}, "https://u/x", "RAY_SERVE_URL"),
        ({"RAY_SERVE_ADDRESS": "s:8000/"}, "http://s:8000", "RAY_SERVE_ADDRESS"),
        ({"RAY_HOST": "h", "RAY_ADDRESS": "ray://other:1"}, "http://h:8000", "the host of RAY_HOST"),
        ({"RAY_ADDRESS": "ray://h:1"}, "http://h:8000", "the host of RAY_ADDRESS"),
    ],
)
def test_the_serve_url_of_a_client(env: Env, url: str, source: str) -> None:
    found = find_endpoint(CLIENT | env, SERVE)

    assert (found.value, found.source) == (url, source)


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"RAY_DASHBOARD_ADDRESS": "d:8265", "RAY_API_SERVER_ADDRESS": "http://a:1"}, "http://d:8265"),
        ({"RAY_API_SERVER_ADDRESS": "http://a:1", "RAY_DASHBOARD_URL": "http://u:1"}, "http://a:1"),
        ({"RAY_DASHBOARD_URL": "http://u:1", "RAY_ADDRESS": "http://j:1"}, "http://u:1"),
        ({"RAY_ADDRESS": "http://j:1", "RAY_HOST": "h"}, "http://j:1"),
        ({"RAY_HOST": "h"}, "http://h:8265"),
    ],
)
def test_the_dashboards_url_of_a_client(env: Env, url: str) -> None:
    assert find_endpoint(CLIENT | env, DASHBOARD).value == url


@pytest.mark.parametrize(
    ("env", "serve", "dashboard"),
    [
        ({}, 8000, 8265),
        ({"RAY_SERVE_ADDRESS": "http://h:1", "RAY_DASHBOARD_ADDRESS": "http://h:2"}, 8000, 8265),
        ({"RAY_HOST": "h", "RAY_SERVE_URL": "http://h:1", "RAY_DASHBOARD_URL": "http://h:2"}, 1, 2),
        ({"RAY_HOST": "h", "RAY_SERVE_URL": "http://gateway:80", "RAY_DASHBOARD_URL": "http://h"}, 8000, 8265),
    ],
)
def test_a_head_asks_itself(env: Env, serve: int, dashboard: int) -> None:
    assert find_endpoint(HEAD | env, SERVE).value == f"http://127.0.0.1:{serve}"
    assert find_endpoint(HEAD | env, DASHBOARD).value == f"http://127.0.0.1:{dashboard}"


@pytest.mark.parametrize(
    ("env", "url"),
    [
        (WORKER | {"RAY_SERVE_URL": "http://h:8000"}, "http://h:8000"),
        ({"FQ_RAY_IP": "h.ns.svc", "RAY_ADDRESS": "ray://old:10001"}, "http://h.ns.svc:8000"),
        (WORKER | {"RAY_ADDRESS": "h:6379"}, "http://h:8000"),
    ],
)
def test_a_worker_asks_the_head(env: Env, url: str) -> None:
    assert find_endpoint(env, SERVE).value == url


def test_a_workers_wrong_address_is_no_source_of_hosts() -> None:
    with pytest.raises(NotConfiguredError):
        find_endpoint(WORKER | {"RAY_ADDRESS": "ray://old:10001"}, SERVE)


@pytest.mark.parametrize("text", ["ftp://h", "http://", "http://h:0", "a b"])
def test_a_url_that_is_none(text: str) -> None:
    with pytest.raises(BadValueError, match="RAY_SERVE_URL is"):
        find_endpoint({"RAY_SERVE_URL": text}, SERVE)


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("http://h:1", "", "http://h:1"),
        ("http://h:1", "/app", "http://h:1/app"),
        ("http://h:1", "app", "http://h:1/app"),
        ("http://h:1/base", "/app/x?y=z", "http://h:1/base/app/x?y=z"),
        ("http://h:1", "/", "http://h:1/"),
    ],
)
def test_a_path_behind_a_url(base: str, path: str, url: str) -> None:
    assert join_path(base, path) == url


@pytest.mark.parametrize("path", ["a b", "http://other:1/a", "//http://other"])
def test_a_path_that_no_url_has(path: str) -> None:
    with pytest.raises(BadValueError, match=r"urllib\.parse\.quote"):
        join_path("http://h:1", path)


def test_a_url_in_a_query_is_no_scheme_of_the_path() -> None:
    assert join_path("http://h:1", "/a?next=http://b") == "http://h:1/a?next=http://b"


@pytest.mark.parametrize("text", ["http://h:8000?a=b", "http://h:8000/#a"])
def test_a_base_with_a_query_could_have_no_path_behind_it(text: str) -> None:
    with pytest.raises(BadValueError, match="RAY_SERVE_URL is"):
        find_endpoint({"RAY_SERVE_URL": text}, SERVE)


def test_the_five_functions_read_the_environment_when_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS", "SEEDCORE_RAY_ROLE"):
        monkeypatch.delenv(name, raising=False)
    for host in ("first", "second"):
        monkeypatch.setenv("RAY_HOST", host)
        monkeypatch.setenv("RAY_NAMESPACE", host)
        assert ray_config.resolve_ray_address() == f"ray://{host}:10001"
        assert ray_config.get_ray_namespace() == host
        assert ray_config.get_ray_serve_address("/app") == f"http://{host}:8000/app"
        assert ray_config.get_ray_dashboard_address() == f"http://{host}:8265"
    assert ray_config.resolve_ray_address("auto") == "auto"
    assert ray_config.get_ray_serve_address("/app", address="s:1") == "http://s:1/app"
    assert ray_config.get_ray_dashboard_address(address="https://d") == "https://d"
    assert ray_config.get_ray_namespace("other") == "other"
