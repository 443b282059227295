"""What each role gets: the contract's role table as a list of wanted variables for one container.

A list depends on the container only where it has an envFrom, or where values that it declares are kept: derived values
then follow them. Everything that is decided about a single variable stands in its :class:`Wanted`; how it meets the
entries that are there is the business of :mod:`webhook.injection.environment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from ray_config.address import Form, RayAddress, client_address, lacks_host, parse_port, url_port
from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.injection.connection import Connection, TokenSecret, Value
from webhook.injection.review import EnvVar
from webhook.injection.settings import is_readable

Entry = dict[str, object]
"""An EnvVar as it is written: name and value, or name and valueFrom."""

_ROLE_SOURCE: Final = "role"
_DIRECT_FORMS: Final = frozenset({Form.EMPTY, Form.AUTO, Form.DIRECT})


class Accepts(StrEnum):
    """Which declared entries are right as they are."""

    EXACT = "exactly the wanted value"
    DIRECT_ADDRESS = "an address that is right inside Ray"
    ANYTHING = "anything"


class Wanted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One variable that a container is to have or not to have; a Struct, since a pod makes dozens of them.

    Attributes:
        add: the entry to add where the variable is not declared; None adds nothing.
        mend: the entry that replaces a wrong one; None removes it.
        accepts: which declared entry is right. ``EXACT`` compares with `mend`, where that is None nothing is right.
        keeps: a declared value stays, even a wrong one.
        denies: a wrong one refuses the pod.
        blank_is_absent: an empty value or a ``ray://`` without a host counts as absent.
        tidy: of duplicates of a right entry, the ones before the last are removed.
        source: where the value came from, for people.
    """

    name: str
    add: Entry | None
    mend: Entry | None
    accepts: Accepts = Accepts.EXACT
    keeps: bool = False
    denies: bool = False
    blank_is_absent: bool = False
    tidy: bool = True
    source: str = _ROLE_SOURCE


def literal(name: str, value: str) -> Entry:
    """The entry of a plain value."""
    return {"name": name, "value": value}


def is_blank(wanted: Wanted, entry: EnvVar) -> bool:
    """Whether the declared `entry` counts as absent."""
    return wanted.blank_is_absent and entry.value_from is None and (not entry.value or lacks_host(entry.value))


def is_direct_address(entry: EnvVar) -> bool:
    """Whether a RAY_ADDRESS is right inside Ray: ``auto``, ``host:port`` or empty; one with valueFrom never is."""
    return entry.value_from is None and RayAddress.parse(entry.value or "").form in _DIRECT_FORMS


class _Table:
    """The wanted variables of one container, in the order in which they are derived from each other."""

    def __init__(self, connection: Connection, mode: OnConflict, declared: Mapping[str, EnvVar]) -> None:
        self.connection = connection
        self.keeps = mode is OnConflict.KEEP
        self.denies = mode is OnConflict.DENY
        self.declared = declared
        self.wanted: dict[str, Wanted] = {}
        self.effective: dict[str, Value] = {}

    def set(self, name: str, value: Value, *, blank_is_absent: bool = False) -> Value:
        """Want `value`; returns what the variable will be for those that are derived from it."""
        entry = literal(name, value.text)
        self.wanted[name] = Wanted(
            name=name,
            add=entry,
            mend=entry,
            keeps=self.keeps or value.built_in,
            denies=self.denies and not value.built_in,
            blank_is_absent=blank_is_absent,
            source=value.source,
        )
        self.effective[name] = self._kept(self.wanted[name], value)
        return self.effective[name]

    def _kept(self, wanted: Wanted, value: Value) -> Value:
        """The declared value where it stays and can be read, else `value`."""
        name, declared = wanted.name, self.declared.get(wanted.name)
        if not wanted.keeps or declared is None or is_blank(wanted, declared):
            return value
        if declared.value_from is not None or not is_readable(declared.value or ""):
            return value
        text = declared.value or ""
        if text == value.text or (name == contract.RAY_PORT and parse_port(text) is None):
            return value
        return Value(text=text, source="manifest", built_in=value.built_in)

    def set_where_absent(self, name: str, entry: Entry, source: str = _ROLE_SOURCE) -> None:
        """Want `entry`, but leave any declared one as it is."""
        self.wanted[name] = Wanted(
            name=name, add=entry, mend=entry, accepts=Accepts.ANYTHING, tidy=False, source=source
        )

    def strip(self, name: str, explicit: Value | None) -> None:
        """Want no `name`; with an envFrom through which it may come in, `explicit` instead."""
        entry = None if explicit is None else literal(name, explicit.text)
        self.wanted[name] = Wanted(
            name=name,
            add=None if self.keeps else entry,
            mend=entry,
            keeps=self.keeps,
            denies=self.denies,
            source=_ROLE_SOURCE if explicit is None else explicit.source,
        )

    def set_direct_address(self, name: str, *, add: str | None, mend: str | None, tidy: bool = True) -> None:
        """Want a RAY_ADDRESS that is right inside Ray."""
        self.wanted[name] = Wanted(
            name=name,
            add=None if add is None else literal(name, add),
            mend=None if mend is None else literal(name, mend),
            accepts=Accepts.DIRECT_ADDRESS,
            keeps=self.keeps,
            denies=self.denies,
            tidy=tidy,
        )

    def set_connection(self, *keys: str) -> None:
        """Want those of the connection's `keys` that are known; URLs of the host follow a kept host."""
        for key in keys:
            value = self.connection.values.get(key)
            if value is None:
                continue
            port = self.connection.host_ports.get(key)
            host = self.effective.get(contract.RAY_HOST)
            if port is not None and host is not None:
                value = Value(text=f"http://{host.text}:{port}", source=value.source, built_in=value.built_in)
            self.set(key, value)

    def set_aliases(self, *, is_client: bool) -> None:
        """Want each alias as its key is wanted; one of RAY_ADDRESS is set for clients only."""
        for name, key in self.connection.aliases.items():
            of_key = self.wanted.get(key)
            if of_key is None:
                continue
            if key in self.effective:
                self.set(name, self.effective[key])
            elif key == contract.RAY_ADDRESS and not is_client:
                self.set_direct_address(name, add=None, mend=None)
            else:
                self.wanted[name] = _renamed(of_key, name)


def _renamed(wanted: Wanted, name: str) -> Wanted:
    add = None if wanted.add is None else {**wanted.add, "name": name}
    mend = None if wanted.mend is None else {**wanted.mend, "name": name}
    return msgspec.structs.replace(wanted, name=name, add=add, mend=mend)


def client_variables(
    connection: Connection,
    *,
    connect: Connect,
    mode: OnConflict,
    declared: Mapping[str, EnvVar],
    token: TokenSecret | None,
) -> tuple[Wanted, ...]:
    """What a client's container is to have; `token` is one that this pod may use."""
    table = _Table(connection, mode, declared)
    table.set_connection(*contract.CONNECTION_KEYS)
    table.set(contract.SEEDCORE_RAY_ROLE, Value(text=Role.CLIENT.value, source=_ROLE_SOURCE))
    _set_client_addresses(table, connect)
    if token is not None:
        table.set_where_absent(contract.RAY_AUTH_MODE, literal(contract.RAY_AUTH_MODE, "token"), token.source)
        reference = {"secretKeyRef": {"name": token.name, "key": token.key}}
        entry: Entry = {"name": contract.RAY_AUTH_TOKEN, "valueFrom": reference}
        table.set_where_absent(contract.RAY_AUTH_TOKEN, entry, token.source)
    table.set_aliases(is_client=True)
    return tuple(table.wanted.values())


def _set_client_addresses(table: _Table, connect: Connect) -> None:
    host, port = table.effective.get(contract.RAY_HOST), table.effective.get(contract.RAY_PORT)
    serve, dashboard = table.effective.get(contract.RAY_SERVE_URL), table.effective.get(contract.RAY_DASHBOARD_URL)
    if connect is Connect.JOBS and dashboard is not None:
        table.set(contract.RAY_ADDRESS, dashboard, blank_is_absent=True)
    elif connect is Connect.CLIENT and host is not None and port is not None:
        address = Value(text=client_address(host.text, port.text), source=host.source, built_in=host.built_in)
        table.set(contract.RAY_ADDRESS, address, blank_is_absent=True)
    if serve is not None:
        table.set(contract.RAY_SERVE_ADDRESS, serve)
    if dashboard is not None:
        table.set(contract.RAY_DASHBOARD_ADDRESS, dashboard)
        table.set(contract.RAY_API_SERVER_ADDRESS, dashboard)


def node_variables(
    connection: Connection,
    *,
    role: Role,
    mode: OnConflict,
    declared: Mapping[str, EnvVar],
    env_from: bool,
    kuberay_address: str | None = None,
    is_kuberay: bool = False,
) -> tuple[Wanted, ...]:
    """What a head's or worker's container is to have.

    Args:
        env_from: whether the container has an envFrom, through which any value may still come in.
        kuberay_address: on a KubeRay pod, KubeRay's own RAY_ADDRESS where it is known.
        is_kuberay: whether this is a KubeRay pod's Ray container.
    """
    table = _Table(connection, mode, declared)
    table.set_connection(contract.RAY_HOST, contract.RAY_SERVE_URL, contract.RAY_DASHBOARD_URL, contract.RAY_NAMESPACE)
    table.set(contract.SEEDCORE_RAY_ROLE, Value(text=role.value, source=_ROLE_SOURCE))
    explicit = kuberay_address if is_kuberay else "auto"
    always = role is Role.HEAD and not is_kuberay
    table.set_direct_address(
        contract.RAY_ADDRESS,
        add=explicit if (env_from and not table.keeps) or (always and not env_from) else None,
        mend=explicit if is_kuberay or always or env_from else None,
    )
    _strip_client_addresses(table, role, env_from=env_from)
    if role is Role.HEAD:
        name = contract.GRPC_ENABLE_FORK_SUPPORT
        table.set_where_absent(name, literal(name, "0"))
    table.set_aliases(is_client=False)
    return tuple(table.wanted.values())


def _strip_client_addresses(table: _Table, role: Role, *, env_from: bool) -> None:
    serve, dashboard = table.effective.get(contract.RAY_SERVE_URL), table.effective.get(contract.RAY_DASHBOARD_URL)
    nothing = Value(text="", source=_ROLE_SOURCE)
    if role is Role.HEAD:
        # The URL of a RayCluster is made of its spec, so the spec's port stands in it.
        port = url_port(dashboard.text) if dashboard else None
        dashboard = Value(text=f"http://127.0.0.1:{port or contract.DASHBOARD_PORT}", source=_ROLE_SOURCE)
    table.strip(contract.RAY_SERVE_ADDRESS, serve if env_from else None)
    table.strip(contract.RAY_DASHBOARD_ADDRESS, dashboard if env_from else None)
    table.strip(contract.RAY_API_SERVER_ADDRESS, nothing if env_from else None)


def address_alone(*, mode: OnConflict, mend: str | None) -> tuple[Wanted, ...]:
    """A wrong RAY_ADDRESS is replaced by `mend` or removed, and nothing else is touched.

    For a KubeRay pod that did not opt in, and for the copy of the template's env in ``wait-gcs-ready``.
    """
    table = _Table(_NO_CONNECTION, mode, {})
    table.set_direct_address(contract.RAY_ADDRESS, add=None, mend=mend, tidy=False)
    return tuple(table.wanted.values())


_NO_CONNECTION: Final = Connection(source="", values={}, broken={}, host_ports={}, token=None, aliases={})
