"""Token and TLS files, read as Ray reads them: each time anew, since Kubernetes rotates them in place.

Sources: ``ray/_private/authentication`` and ``ray/_common/tls_utils.py`` of ray 2.60, and the strings of its core.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ray_config import variables
from ray_config.errors import TlsError, TokenMissingError

KUBERNETES_TOKEN: Final = "/var/run/secrets/ray.io/serviceaccount/token"  # noqa: S105  a path, KubeRay's mount
_TRUE: Final = frozenset({"1", "true"})


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Token:
    """What Ray sends as a bearer token, and where it came from; its text is in no representation."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TlsFiles:
    """The contents of the PEM files for mutual TLS."""

    authority: bytes
    certificate: bytes
    key: bytes


def uses_token(env: Mapping[str, str]) -> bool:
    """Whether Ray's clients send a token at all; one that is set without the mode is ignored by Ray."""
    return env.get(variables.RAY_AUTH_MODE, "").strip().lower() == "token"


def read_token(env: Mapping[str, str]) -> Token | None:
    """The token that Ray sends, or None where it sends none.

    Raises:
        TokenMissingError: RAY_AUTH_MODE says that there is one, but there is none.
    """
    if not uses_token(env):
        return None
    if text := env.get(variables.RAY_AUTH_TOKEN, "").strip():
        return _token(text, variables.RAY_AUTH_TOKEN)
    if (named := env.get(variables.RAY_AUTH_TOKEN_PATH)) and not _content(named):
        raise TokenMissingError(
            "the file cannot be read, or is empty",
            variable=variables.RAY_AUTH_TOKEN_PATH,
            value=named,
            fix="mount the Secret there, or set RAY_AUTH_TOKEN by secretKeyRef",
        )
    for source, path in _token_files(env):
        if text := _content(path):
            return _token(text, source)
    raise TokenMissingError(
        "RAY_AUTH_MODE is token, but there is no token",
        variable=variables.RAY_AUTH_TOKEN,
        fix="set it by secretKeyRef, or let RAY_AUTH_TOKEN_PATH name a file with it",
    )


def _token(text: str, source: str) -> Token:
    if not text.isascii() or not text.isprintable():
        raise TokenMissingError(
            f"what {source} holds is no token",
            allowed="printable ASCII on one line",
            fix="take the key of the cluster's Secret as it is",
        )
    return Token(text=text, source=source)


def _token_files(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if named := env.get(variables.RAY_AUTH_TOKEN_PATH):
        yield variables.RAY_AUTH_TOKEN_PATH, named
    if env.get(variables.RAY_ENABLE_K8S_TOKEN_AUTH, "").lower() in _TRUE:
        yield variables.RAY_ENABLE_K8S_TOKEN_AUTH, KUBERNETES_TOKEN
    if home := env.get("HOME"):
        yield "~/.ray/auth_token", f"{home}/.ray/auth_token"


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def read_tls(env: Mapping[str, str]) -> TlsFiles | None:
    """The files of Ray's mutual TLS, or None where it is off.

    Raises:
        TlsError: one of them is not set or cannot be read.
    """
    if env.get(variables.RAY_USE_TLS, "0").lower() not in _TRUE:
        return None
    names = (variables.RAY_TLS_CA_CERT, variables.RAY_TLS_SERVER_CERT, variables.RAY_TLS_SERVER_KEY)
    authority, certificate, key = (_pem(name, env.get(name)) for name in names)
    return TlsFiles(authority=authority, certificate=certificate, key=key)


def _pem(name: str, path: str | None) -> bytes:
    try:
        return Path(path or "").read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise TlsError(
            f"RAY_USE_TLS is on, but the file cannot be read ({reason})",
            variable=name,
            value=path,
            fix="mount the Secret with the certificate there, or set RAY_USE_TLS=0",
        ) from None
