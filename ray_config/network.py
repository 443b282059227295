"""Names and TCP: the first steps of every probe."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ray_config import variables
from ray_config.bounded import Call, Deadline
from ray_config.credentials import Token
from ray_config.errors import (
    ConnectError,
    DnsError,
    DroppedError,
    RayConfigError,
    RefusedError,
    TokenMissingError,
    TokenWrongError,
)
from ray_config.resolve import Setting

_LEAST: Final = 0.05
"""Seconds that a connection gets where no time is left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One host and port, and the setting that named them."""

    host: str
    port: int
    setting: Setting

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def refused_token(env: Mapping[str, str], token: Token | None, target: Target) -> RayConfigError:
    """The error where `target` wants a token and `token` was sent, or none."""
    if token is None:
        return TokenMissingError(
            f"{target} wants a token, and none was sent",
            variable=variables.RAY_AUTH_MODE,
            value=env.get(variables.RAY_AUTH_MODE),
            allowed="token, together with RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
            fix="set both, or RAY_AUTH_SECRET in the webhook's settings",
        )
    return TokenWrongError(
        f"{target} refuses the token of {token.source}", fix="take the Secret of this cluster; tokens differ by cluster"
    )


def reach(target: Target, deadline: Deadline) -> None:
    """Resolve the name and open a TCP connection to the first of its addresses that takes one.

    Raises:
        DnsError: the name has no address, or no name server answers.
        RefusedError: nothing listens there.
        DroppedError: nothing answers there.
    """
    addresses = _addresses(target, deadline)
    failures = []
    for count, address in enumerate(addresses):
        share = max(deadline.left() / (len(addresses) - count), _LEAST)
        try:
            socket.create_connection((address, target.port), timeout=share).close()
        except OSError as error:
            failures.append((address, error))
        else:
            return
    raise _unreached(target, failures)


def _unreached(target: Target, failures: Sequence[tuple[str, OSError]]) -> ConnectError:
    named = target.setting.named
    reasons = ", ".join(f"{address}: {error.strerror or 'no answer in time'}" for address, error in failures)
    if any(isinstance(error, ConnectionRefusedError) for _, error in failures):
        return RefusedError(
            f"nothing listens at {target} ({reasons})", fix="start the head, or correct host and port", **named
        )
    return DroppedError(
        f"nothing answers at {target} ({reasons})", fix="see NetworkPolicies and whether the head's pod runs", **named
    )


def _addresses(target: Target, deadline: Deadline) -> list[str]:
    def resolve() -> list[str]:
        found = socket.getaddrinfo(target.host.strip("[]"), target.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    try:
        return Call(resolve, "dns").result(deadline.left())
    except (OSError, UnicodeError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "strerror", None)
        raise DnsError(
            f"the host {target.host} has no address ({reason or 'no DNS name'})",
            **target.setting.named,
            fix="write <service>.<namespace> where the Service is in another namespace, and see that it exists",
        ) from None
