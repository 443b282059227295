"""Where Ray is, from an environment: pure rules, each answer with the source that it came from.

No rule guesses: none takes another host than the one told, and none makes a Kubernetes namespace of a Ray one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ray_config import variables
from ray_config.address import Form, RayAddress, client_address, is_host, is_http_url, lacks_host, parse_port, url_port
from ray_config.errors import BadValueError, NotConfiguredError, quote
from ray_config.role import Role, Standing, find_role

_LOOPBACK: Final = "127.0.0.1"
_ADDRESS_FORMS: Final = "ray://HOST:PORT, HOST:PORT, auto, http://HOST:PORT"
_ON_NODE: Final = frozenset({Form.AUTO, Form.DIRECT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A value and where it came from: a variable's name, an argument, or the rule that made it."""

    value: str
    source: str

    @property
    def named(self) -> dict[str, str]:
        """How an error names it."""
        return {"variable": self.source, "value": self.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Endpoint:
    """One of Ray's HTTP servers: the variables that name it in order, and Ray's own port."""

    name: str
    own: tuple[str, ...]
    port: int


SERVE: Final = _Endpoint(
    name="serve", own=(variables.RAY_SERVE_ADDRESS, variables.RAY_SERVE_URL), port=variables.SERVE_PORT
)
DASHBOARD: Final = _Endpoint(
    name="dashboard",
    own=(variables.RAY_DASHBOARD_ADDRESS, variables.RAY_API_SERVER_ADDRESS, variables.RAY_DASHBOARD_URL),
    port=variables.DASHBOARD_PORT,
)


def find_address(env: Mapping[str, str], argument: str | None = None) -> Setting:
    """The address for ``ray.init``: the argument, on a Ray node a direct one, else RAY_ADDRESS, else of RAY_HOST.

    Raises:
        BadValueError: a value is none that Ray understands.
        NotConfiguredError: nothing says where Ray is.
    """
    text = (argument or "").strip()
    if text:
        return _checked("argument address", text, allow_local=True)
    standing = find_role(env)
    text = env.get(variables.RAY_ADDRESS, "").strip()
    if standing.is_node:
        return _node_address(standing, text)
    if text and not lacks_host(text):
        return _checked(variables.RAY_ADDRESS, text)
    return _derived_address(env)


def is_polluted(env: Mapping[str, str]) -> bool:
    """Whether RAY_ADDRESS would send a driver on this Ray node astray, even one that says ``auto``."""
    text = env.get(variables.RAY_ADDRESS, "")
    return bool(text) and find_role(env).is_node and RayAddress.parse(text).form not in _ON_NODE


def _node_address(standing: Standing, text: str) -> Setting:
    if RayAddress.parse(text).form in _ON_NODE:
        return Setting(value=text, source=variables.RAY_ADDRESS)
    ignored = f" (not {variables.RAY_ADDRESS}, which is {quote(text)})" if text else ""
    return Setting(value="auto", source=f"role {standing.role}{ignored}")


def _checked(source: str, text: str, *, allow_local: bool = False) -> Setting:
    parsed = RayAddress.parse(text)
    whole = parsed.port is not None if parsed.form is Form.CLIENT else is_http_url(text)
    if parsed.form in _ON_NODE or whole or (allow_local and parsed.form is Form.LOCAL):
        return Setting(value=text, source=source)
    raise BadValueError(
        _problem(text, "Ray does not understand it")
        if parsed.form is not Form.LOCAL
        else "it starts a new cluster in this pod, which is done only where a program says so",
        variable=source,
        value=text,
        allowed=_ADDRESS_FORMS,
        fix=_address_fix(parsed),
    )


def _problem(text: str, otherwise: str) -> str:
    return "a user and password are not allowed here" if "@" in text else otherwise


def _address_fix(parsed: RayAddress) -> str:
    if parsed.form is Form.LOCAL:
        return 'call init_ray_with_smart_defaults(address="local") if that is meant'
    if parsed.form is Form.CLIENT and parsed.host:
        return f"write {client_address(parsed.host, variables.CLIENT_PORT)}"
    return "correct it, or remove it and let the webhook set it"


def _derived_address(env: Mapping[str, str]) -> Setting:
    host = _host_of_variable(env)
    if host is None:
        raise NotConfiguredError(
            f"{variables.RAY_HOST} is not set either",
            variable=variables.RAY_ADDRESS,
            allowed=_ADDRESS_FORMS,
            fix="annotate the pod with ray.seedcore.io/role: client, or set one of the two",
        )
    # A Service called `ray` makes Kubernetes set RAY_PORT=tcp://..., which is no port of ours.
    port = parse_port(env.get(variables.RAY_PORT, "").strip())
    source = f"{variables.RAY_HOST} and {variables.RAY_PORT}" if port else f"{variables.RAY_HOST} and Ray's own port"
    return Setting(value=client_address(host, port or variables.CLIENT_PORT), source=source)


def _host_of_variable(env: Mapping[str, str]) -> str | None:
    text = env.get(variables.RAY_HOST, "").strip()
    if text and not is_host(text):
        raise BadValueError(
            "it is no host",
            variable=variables.RAY_HOST,
            value=text,
            allowed="a DNS name, an IPv4 address, an IPv6 address in brackets",
            fix="write the host alone, without scheme or port",
        )
    return text or None


def find_namespace(env: Mapping[str, str], argument: str | None = None) -> Setting | None:
    """The Ray namespace: the argument, else RAY_NAMESPACE; None where neither has a text. Never an empty one."""
    sources = (("argument namespace", argument or ""), (variables.RAY_NAMESPACE, env.get(variables.RAY_NAMESPACE, "")))
    found = ((source, text.strip()) for source, text in sources)
    return next((Setting(value=text, source=source) for source, text in found if text), None)


def find_endpoint(env: Mapping[str, str], endpoint: _Endpoint, argument: str | None = None) -> Setting:
    """The base URL of `endpoint`, without a trailing slash.

    Args:
        env: what to read.
        endpoint: which server.
        argument: a URL or ``host:port`` that wins.

    Raises:
        BadValueError: a value is no http or https URL.
        NotConfiguredError: nothing says where the server is.
    """
    if argument and argument.strip():
        return _url(f"argument {endpoint.name} address", argument.strip())
    standing = find_role(env)
    if standing.role is Role.HEAD:
        return Setting(value=f"http://{_LOOPBACK}:{_local_port(env, endpoint)}", source=f"role {Role.HEAD}")
    for name in endpoint.own:
        if text := env.get(name, "").strip():
            return _url(name, text)
    for rule in (_endpoint_of_address, _endpoint_of_host):
        if (found := rule(env, endpoint)) is not None:
            return found
    raise NotConfiguredError(
        f"neither are {variables.RAY_HOST} and {variables.RAY_ADDRESS}",
        variable=endpoint.own[0],
        allowed="http://HOST:PORT",
        fix="annotate the pod with its ray.seedcore.io/role, or set one of them",
    )


def _local_port(env: Mapping[str, str], endpoint: _Endpoint) -> int:
    """The port on this head: that of the URL, if the URL is of the head's own name, else Ray's own."""
    host = env.get(variables.RAY_HOST, "").strip()
    text = env.get(endpoint.own[-1], "").strip()
    port = url_port(text)
    return port if port and text.startswith(f"http://{host}:") else endpoint.port


def _url(source: str, text: str) -> Setting:
    url = (text if "://" in text else f"http://{text}").rstrip("/")
    if not is_http_url(url) or any(mark in url for mark in "?#"):
        raise BadValueError(
            _problem(text, "it is no URL"),
            variable=source,
            value=text,
            allowed="http://HOST:PORT, https://HOST:PORT",
            fix="correct it, or remove it and let the webhook set it",
        )
    return Setting(value=url, source=source)


def _endpoint_of_address(env: Mapping[str, str], endpoint: _Endpoint) -> Setting | None:
    """A RAY_ADDRESS of the Jobs API is the dashboard's."""
    text = env.get(variables.RAY_ADDRESS, "").strip()
    if endpoint is not DASHBOARD or RayAddress.parse(text).form is not Form.HTTP or find_role(env).is_node:
        return None
    return _url(variables.RAY_ADDRESS, text)


def _endpoint_of_host(env: Mapping[str, str], endpoint: _Endpoint) -> Setting | None:
    for source, read in _HOSTS:
        if host := read(env):
            return Setting(value=f"http://{host}:{endpoint.port}", source=f"the host of {source}")
    return None


def _host_of_address(env: Mapping[str, str]) -> str | None:
    parsed = RayAddress.parse(env.get(variables.RAY_ADDRESS, "").strip())
    return None if find_role(env).is_node and parsed.form not in _ON_NODE else parsed.host


def _host_of_kuberay(env: Mapping[str, str]) -> str | None:
    text = env.get(variables.KUBERAY_HEAD_HOST, "").strip()
    return text if is_host(text) else None


_HOSTS: Final[tuple[tuple[str, Callable[[Mapping[str, str]], str | None]], ...]] = (
    (variables.RAY_HOST, _host_of_variable),
    (variables.KUBERAY_HEAD_HOST, _host_of_kuberay),
    (variables.RAY_ADDRESS, _host_of_address),
)


def join_path(base: str, path: str) -> str:
    """`base` followed by `path`, with one slash between them.

    Raises:
        BadValueError: `path` has blanks or characters that no URL has.
    """
    if not path:
        return base
    url = f"{base}/{path.lstrip('/')}"
    if not is_http_url(url) or "://" in path.partition("?")[0]:
        raise BadValueError(
            "it is no path, or has characters that no URL has",
            variable="argument path",
            value=path,
            allowed="printable ASCII without blanks, and no scheme",
            fix="leave scheme and host to the address, and escape the rest with urllib.parse.quote",
        )
    return url
