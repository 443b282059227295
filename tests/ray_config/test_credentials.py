"""Token and TLS files, as Ray reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ray_config import credentials
from ray_config.credentials import Token, read_tls, read_token
from ray_config.errors import TlsError, TokenMissingError

MODE = {"RAY_AUTH_MODE": "token"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("of a file\n")
    return path


@pytest.mark.parametrize("mode", [{}, {"RAY_AUTH_MODE": ""}, {"RAY_AUTH_MODE": "disabled"}])
def test_without_the_mode_ray_sends_no_token(mode: dict[str, str]) -> None:
    assert read_token(mode | {"RAY_AUTH_TOKEN": "t"}) is None


def test_the_variable_comes_before_the_file(token_file: Path) -> None:
    path = {"RAY_AUTH_TOKEN_PATH": str(token_file)}
    own, filed = read_token(MODE | path | {"RAY_AUTH_TOKEN": " t "}), read_token(MODE | path)

    assert own == Token(text="t", source="RAY_AUTH_TOKEN")
    assert filed == Token(text="of a file", source="RAY_AUTH_TOKEN_PATH")


def test_a_rotated_token_is_read_anew(token_file: Path) -> None:
    env = MODE | {"RAY_AUTH_TOKEN_PATH": str(token_file)}
    read_token(env)
    token_file.write_text("rotated")

    assert read_token(env) == Token(text="rotated", source="RAY_AUTH_TOKEN_PATH")


def test_kubernetes_and_home_hold_one_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = tmp_path / "mounted"
    monkeypatch.setattr(credentials, "KUBERNETES_TOKEN", str(mounted))
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("of home")
    env = MODE | {"HOME": str(tmp_path), "RAY_ENABLE_K8S_TOKEN_AUTH": "true"}

    home = read_token(env)
    mounted.write_text("of kubernetes")
    kubernetes = read_token(env)

    assert home == Token(text="of home", source="~/.ray/auth_token")
    assert kubernetes == Token(text="of kubernetes", source="RAY_ENABLE_K8S_TOKEN_AUTH")


@pytest.mark.parametrize("env", [{}, {"RAY_AUTH_TOKEN": " "}, {"HOME": "/nonexistent"}])
def test_a_promised_token_that_is_not_there(env: dict[str, str]) -> None:
    with pytest.raises(TokenMissingError, match=r"RAY_AUTH_TOKEN is not set; RAY_AUTH_MODE is token"):
        read_token(MODE | env)


def test_a_named_file_that_is_not_there() -> None:
    with pytest.raises(TokenMissingError, match='RAY_AUTH_TOKEN_PATH is "/nonexistent"'):
        read_token(MODE | {"RAY_AUTH_TOKEN_PATH": "/nonexistent"})


@pytest.mark.parametrize("text", ["a\nb", "a\u00e9", "a\x00"])
def test_what_no_header_can_carry_is_no_token_and_is_not_quoted(text: str) -> None:
    with pytest.raises(TokenMissingError, match="what RAY_AUTH_TOKEN holds is no token; allowed: printable") as raised:
        read_token(MODE | {"RAY_AUTH_TOKEN": text})

    assert text not in str(raised.value)


def test_a_token_is_in_no_representation() -> None:
    assert "secret" not in repr(read_token(MODE | {"RAY_AUTH_TOKEN": "secret"}))


def test_tls_files_are_read_where_tls_is_on(tmp_path: Path) -> None:
    names = ("RAY_TLS_CA_CERT", "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY")
    for name in names:
        (tmp_path / name).write_text(name)
    env = {name: str(tmp_path / name) for name in names}

    files = read_tls(env | {"RAY_USE_TLS": "1"})

    assert files
    assert (files.authority, files.certificate, files.key) == tuple(name.encode() for name in names)
    assert read_tls(env) is None
    assert read_tls(env | {"RAY_USE_TLS": "0"}) is None


@pytest.mark.parametrize("path", [None, "/nonexistent"])
def test_a_tls_file_that_is_not_there(path: str | None) -> None:
    with pytest.raises(TlsError, match="RAY_TLS_CA_CERT is"):
        read_tls({"RAY_USE_TLS": "true"} | ({"RAY_TLS_CA_CERT": path} if path else {}))
