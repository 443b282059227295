"""``python -m ray_config``, without Ray."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from time import monotonic

import pytest

from ray_config.__main__ import main
from tests.ray_config.support import answer, close_at_once, dashboard, free_port, serving, silent


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("RAY_", "SEEDCORE_", "KUBERAY_", "FQ_RAY"))]:
        monkeypatch.delenv(name)
    for module in ("grpc", "ray"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("ray_config.__main__.find_spec", lambda _: object())


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with serving(close_at_once) as port:
        monkeypatch.setenv("RAY_ADDRESS", f"ray://127.0.0.1:{port}")
        monkeypatch.setenv("RAY_NAMESPACE", "ns")
        yield port


def test_it_says_what_the_pod_is_where_everything_came_from_and_whether_it_works(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[:3] == [
        "role       client  (default: nothing says that Ray runs here)",
        f"address    ray://127.0.0.1:{port}  (RAY_ADDRESS)",
        "namespace  ns  (RAY_NAMESPACE)",
    ]
    assert lines[-1].startswith(f"works      yes, 127.0.0.1:{port} takes connections")


@pytest.mark.usefixtures("port")
def test_a_value_that_is_no_plain_text_stays_on_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_NAMESPACE", "a\nb")
    main([])

    assert 'namespace  "a\\nb"  (RAY_NAMESPACE)' in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("port")
def test_check_says_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    captured = capsys.readouterr()

    assert captured.out.startswith("yes, 127.0.0.1:")
    assert captured.out.count("\n") == 1
    assert captured.err == ""


@pytest.mark.parametrize(
    ("env", "status", "reason"),
    [
        ({}, 2, "not_configured"),
        ({"SEEDCORE_RAY_ROLE": "x"}, 2, "bad_value"),
        ({"RAY_ADDRESS": "ray://127.0.0.1:{closed}"}, 3, "refused"),
    ],
)
def test_a_failure_has_its_reason_and_its_exit_status(
    env: dict[str, str], status: int, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value.format(closed=free_port()))

    assert main(["--check"]) == status
    assert capsys.readouterr().out.startswith(f"no, {reason}: ")
    assert main(["--json"]) == status
    assert json.loads(capsys.readouterr().out)["reason"] == reason


def test_json_is_everything(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["works"] is True
    assert told["address"] == {"value": f"ray://127.0.0.1:{port}", "source": "RAY_ADDRESS", "error": None}


def test_wait_ends_when_it_works(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wait", "30"]) == 0
    assert capsys.readouterr().out.startswith("yes, ")


def test_wait_tells_each_reason_once_and_ends_after_its_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"ray://127.0.0.1:{free_port()}")
    monkeypatch.setattr("ray_config.__main__._PAUSE", 0.05)

    assert main(["--wait", "0.3"]) == 3
    captured = capsys.readouterr()
    assert captured.out.startswith("no, refused: ")
    assert captured.err.count("waiting, refused: ") == 1


def test_wait_does_not_wait_for_what_waiting_cannot_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wait", "600"]) == 2
    assert capsys.readouterr().out.startswith("no, not_configured: ")


@pytest.mark.parametrize("arguments", [["--wait", "0"], ["--wait", "x"], ["--check", "--json"], ["--unknown"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)

    assert raised.value.code == 2
    assert "usage: python -m ray_config" in capsys.readouterr().err


def test_wrong_seconds_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--wait", "x"])

    assert "x is no number of seconds above 0" in capsys.readouterr().err


def test_wait_bounds_its_last_probe_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started = monotonic()
    with silent() as port:
        monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{port}")
        assert main(["--wait", "0.2"]) == 3

    assert monotonic() - started < 1


@pytest.mark.parametrize("missing", ["ray", "grpc"])
@pytest.mark.usefixtures("port")
def test_without_ray_or_its_client_it_does_not_work(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ray_config.__main__.find_spec", lambda name: None if name == missing else object())

    assert main(["--check"]) == 2
    assert capsys.readouterr().out.startswith(f"no, ray_missing: {missing} cannot be imported; install ray[client]")


def test_the_jobs_api_needs_no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray_config.__main__.find_spec", lambda _: None)
    with serving(dashboard("2.60.0")) as port:
        monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{port}")
        assert main(["--check"]) == 0


def test_wait_goes_on_while_a_proxy_says_that_ray_is_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ray_config.__main__._PAUSE", 0.5)
    with serving(answer(503, "no healthy upstream")) as port:
        monkeypatch.setenv("RAY_ADDRESS", f"http://127.0.0.1:{port}")
        assert main(["--wait", "0.9"]) == 3

    captured = capsys.readouterr()
    assert captured.err.startswith("waiting, unavailable: ")
    assert "answered 503" in captured.out


def test_another_version_does_not_work(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray_config.__main__.ray_version", lambda: "2.60.0")
    with serving(dashboard("2.61.0")) as other:
        monkeypatch.setenv("RAY_DASHBOARD_URL", f"http://127.0.0.1:{other}")
        assert main(["--check"]) == 2
