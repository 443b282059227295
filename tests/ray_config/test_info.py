"""connection_info() tells everything and raises nothing."""

from __future__ import annotations

import pytest

from tests.ray_config.support import close_at_once, run, serving

PROGRAM = "from ray_config import connection_info\nresult = connection_info()"
NOTHING = {"value": None, "source": None, "error": None}


def test_a_client_pod() -> None:
    env = {
        "SEEDCORE_RAY_ROLE": "client", "RAY_HOST": "h", "RAY_PORT": "10001", "RAY_ADDRESS": "ray://h:10001",
        "RAY_NAMESPACE": "ns", "RAY_SERVE_ADDRESS": "http://h:8000", "RAY_DASHBOARD_ADDRESS": "http://h:8265",
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "secret",
    }  # fmt: skip
    info = run(PROGRAM, fake_ray=True, env=env)

    assert info["role"] == {"value": "client", "source": "SEEDCORE_RAY_ROLE", "error": None}
    assert info["address"] == {"value": "ray://h:10001", "source": "RAY_ADDRESS", "error": None}
    assert info["namespace"] == {"value": "ns", "source": "RAY_NAMESPACE", "error": None}
    assert info["serve"]["value"] == "http://h:8000"
    assert info["dashboard"]["value"] == "http://h:8265"
    assert info["token"] == {"value": "set", "source": "RAY_AUTH_TOKEN", "error": None}
    assert info["tls"] == NOTHING
    assert (info["session_open"], info["connected"], info["session_address"]) == (False, False, None)
    assert "secret" not in str(info)


def test_an_open_session() -> None:
    with serving(close_at_once) as port:
        address = f"ray://127.0.0.1:{port}"
        program = f"import ray_config\nray_config.init_ray_with_smart_defaults()\n{PROGRAM}"
        info = run(program, fake_ray=True, env={"RAY_ADDRESS": address, "RAY_NAMESPACE": "ns"})

    assert (info["session_open"], info["connected"]) == (True, True)
    assert (info["session_address"], info["session_namespace"]) == (address, "ns")
    assert info["ray_version"] == "2.60.0"


@pytest.mark.parametrize(
    ("env", "key", "reason"),
    [
        ({}, "address", "not_configured"),
        ({"SEEDCORE_RAY_ROLE": "x"}, "role", "bad_value"),
        ({"RAY_SERVE_ADDRESS": "a b"}, "serve", "bad_value"),
        ({"RAY_AUTH_MODE": "token"}, "token", "token_missing"),
        ({"RAY_USE_TLS": "1"}, "tls", "tls"),
    ],
)
def test_what_is_wrong_is_told_and_not_raised(env: dict[str, str], key: str, reason: str) -> None:
    info = run(PROGRAM, env=env)

    assert info[key]["value"] is None
    assert info[key]["error"].startswith(f"{reason}: ")


def test_passwords_in_urls_are_never_told() -> None:
    env = {
        "RAY_DASHBOARD_ADDRESS": "http://admin:hunter2@dash:8265", "RAY_SERVE_ADDRESS": "http://h:8000?token=hunter2",
        "RAY_ADDRESS": "http://h:8265?token=hunter2", "RAY_HOST": "admin:hunter2@h",
    }  # fmt: skip
    info = run(PROGRAM, env=env)

    assert "hunter2" not in str(info)
    assert "a user and password are not allowed here" in info["dashboard"]["error"]


def test_a_dead_session_is_told_and_not_raised() -> None:
    with serving(close_at_once) as port:
        program = f"import ray_config, ray\nray_config.init_ray_with_smart_defaults()\nray.die()\n{PROGRAM}"
        info = run(program, fake_ray=True, env={"RAY_ADDRESS": f"ray://127.0.0.1:{port}"})

    assert (info["session_open"], info["connected"], info["session_namespace"]) == (True, False, None)
