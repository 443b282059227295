"""What may go wrong between a pod and Ray: a tree of errors, each with a stable reason, which is the metrics' label.

A message names the reason, the variable and its value, what is wrong or allowed, and the fix, on one line of ASCII.
Those about settings are ValueErrors and those about connecting ConnectionErrors, so that programs written for a bare
``ray.init`` still catch them.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

_QUOTED_LENGTH: Final = 200
_USER: Final = re.compile(r"(?<=//).*@|^(?!\w+://).*:.*@", re.DOTALL)
_QUERY: Final = re.compile(r"(?<=[?#]).+", re.DOTALL)


def mask(text: str) -> str:
    """The value `text` without what may be a secret in a URL: user, password, query."""
    return _QUERY.sub("***", _USER.sub("***@", text))


def quote(text: str) -> str:
    """`text` in double quotes and masked, in printable ASCII on one line, cut where it is long."""
    import json

    text = mask(text)
    return json.dumps(text if len(text) <= _QUOTED_LENGTH else text[:_QUOTED_LENGTH] + "...")


class RayConfigError(Exception):
    """Base of every error of this package.

    Attributes:
        reason: what went wrong, in one stable word.
        transient: whether trying again may help.
        exit_status: of ``python -m ray_config``.
        variable: where the value came from: a variable's name, or ``address`` and the like for an argument.
        value: what it was, masked.
        allowed: what it may be, where that can be said.
        fix: what to do.
    """

    reason: ClassVar[str] = "failed"
    transient: ClassVar[bool] = False
    exit_status: ClassVar[int] = 3

    def __init__(
        self,
        problem: str,
        *,
        fix: str,
        variable: str | None = None,
        value: str | None = None,
        allowed: str | None = None,
    ) -> None:
        """Make the one-line message; `value` is quoted and escaped, the other parts are our own words."""
        self.variable, self.allowed, self.fix = variable, allowed, fix
        self.value = None if value is None else mask(value)
        named = None if variable is None else f"{variable} is {'not set' if value is None else quote(value)}"
        parts = [named, problem, allowed and f"allowed: {allowed}", fix]
        self.message = "; ".join(part for part in parts if part)
        super().__init__(f"{self.reason}: {self.message}")


class ConfigurationError(RayConfigError, ValueError):
    """The environment or an argument can never lead to a connection."""

    exit_status = 2


class NotConfiguredError(ConfigurationError):
    """Nothing says where Ray is."""

    reason = "not_configured"


class BadValueError(ConfigurationError):
    """A variable or argument has a value that is not allowed."""

    reason = "bad_value"


class JobsOnlyError(ConfigurationError):
    """The address is that of the Jobs API, which cannot be connected to."""

    reason = "jobs_only"


class NoRayletError(ConfigurationError):
    """A direct address in a pod that is no Ray node."""

    reason = "no_raylet"


class RayMissingError(ConfigurationError):
    """Ray, or its client, is not installed."""

    reason = "ray_missing"


class SessionDiffersError(ConfigurationError):
    """This process is connected already, but not to what is asked for."""

    reason = "session_differs"


class TokenMissingError(ConfigurationError):
    """The cluster wants a token, or the environment promises one that is not there."""

    reason = "token_missing"


class TokenWrongError(ConfigurationError):
    """The cluster refuses the token."""

    reason = "token_wrong"


class TlsError(ConfigurationError):
    """No TLS connection can be made with these files, or to this port."""

    reason = "tls"


class RayVersionError(ConfigurationError):
    """The cluster runs another Ray."""

    reason = "ray_version"


class PythonVersionError(ConfigurationError):
    """The cluster runs another minor version of Python."""

    reason = "python_version"


class RejectedError(ConfigurationError):
    """Ray refuses what ``ray.init`` was called with."""

    reason = "rejected"


class ConnectError(RayConfigError, ConnectionError):
    """Ray cannot be reached."""

    transient = True


class DnsError(ConnectError):
    """The host's name has no address."""

    reason = "dns"


class RefusedError(ConnectError):
    """Nothing listens on the port."""

    reason = "refused"


class DroppedError(ConnectError):
    """Nothing answers at the address: packets are dropped, or the connection is never taken."""

    reason = "dropped"


class SilentError(ConnectError):
    """The port takes connections and says nothing."""

    reason = "silent"


class ClosedError(ConnectError):
    """The port takes connections and closes them."""

    reason = "closed"


class UnavailableError(ConnectError):
    """A proxy or a starting head answers, but Ray does not (yet)."""

    reason = "unavailable"


class NotRayClientError(ConnectError):
    """Something else than Ray Client listens on the port."""

    reason = "not_ray_client"
    transient = False


class NotDashboardError(ConnectError):
    """Something else than Ray's dashboard listens on the port."""

    reason = "not_dashboard"
    transient = False


class NoClusterError(ConnectError):
    """No Ray node runs beside this process (yet)."""

    reason = "no_cluster"


class DeadlineError(ConnectError):
    """Ray answers, but no session was there in time."""

    reason = "deadline"


class SessionError(ConnectError):
    """Ray answers, but the session failed."""

    reason = "session_failed"


def all_reasons(base: type[RayConfigError] = RayConfigError) -> list[str]:
    """Every reason, sorted."""
    found = {base.reason, *(reason for child in base.__subclasses__() for reason in all_reasons(child))}
    return sorted(found)
