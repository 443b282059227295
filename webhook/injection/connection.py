"""Where the connection comes from: the highest level that names a host gives it whole.

The levels, from the highest: the RayCluster or RayService that the pod names or belongs to, the settings of the pod's
namespace, the cluster-wide settings, what is built in. A level without a host overrides single keys of those below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from webhook import contract
from webhook.injection.settings import BUILT_IN, Settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, assumed_target


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A value with the level it came from, as people read it; built-in ones never replace what a manifest declares."""

    text: str
    source: str
    built_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenSecret:
    """The Secret that holds the token; it is never looked at.

    Attributes:
        namespace: where it is; None stands for the pod's own, as settings mean it.
    """

    namespace: str | None
    name: str
    key: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Connection:
    """One pod's connection.

    Attributes:
        source: the level that named the host.
        values: those of the five keys that are known; RAY_NAMESPACE may be missing.
        broken: keys that a level has, but broken: they never fall through to a lower level.
        host_ports: a URL's key to its port, for those URLs that are made of RAY_HOST and follow it.
        token: where token authentication is on.
        aliases: name to the variable it stands for.
        assumed: the reference whose target is not known, so that names and ports were assumed.
    """

    source: str
    values: Mapping[str, Value]
    broken: Mapping[str, str]
    host_ports: Mapping[str, int]
    token: TokenSecret | None
    aliases: Mapping[str, str]
    assumed: Reference | None = None


_KEPT: Final = 256
"""Connections of each kind that are kept: most pods get one of a few, and what is derived from it is kept with it."""
_URL_PORTS: Final = {
    contract.RAY_SERVE_URL: contract.SERVE_PORT,
    contract.RAY_DASHBOARD_URL: contract.DASHBOARD_PORT,
}


def resolve(
    snapshot: Snapshot,
    namespace: str,
    *,
    reference: Reference | None = None,
    head_host: str | None = None,
    ray_namespace: str | None = None,
) -> Connection:
    """The connection of a pod of `namespace`.

    Args:
        reference: the RayCluster or RayService that it names or belongs to.
        head_host: the host to assume where `reference` is not known (a KubeRay worker's own FQ_RAY_IP).
        ray_namespace: what the annotation says, which beats every level.
    """
    own, wide = snapshot.namespaces.get(namespace), snapshot.cluster_wide
    if reference is None:
        connection = _from_settings(own, wide)
    else:
        known = snapshot.targets.get(reference)
        host = None if known else head_host
        connection = _from_target(reference, known, host, own, wide, snapshot.cluster_domain)
    return connection if ray_namespace is None else _with_ray_namespace(connection, ray_namespace)


@lru_cache(maxsize=_KEPT)
def _with_ray_namespace(connection: Connection, ray_namespace: str) -> Connection:
    value = Value(text=ray_namespace, source=f"annotation {contract.RAY_NAMESPACE_ANNOTATION}")
    return replace(
        connection,
        values={**connection.values, contract.RAY_NAMESPACE: value},
        broken={key: fault for key, fault in connection.broken.items() if key != contract.RAY_NAMESPACE},
    )


@lru_cache(maxsize=_KEPT)
def _from_settings(own: Settings | None, wide: Settings | None) -> Connection:
    """The connection that the settings give."""
    levels = [level for level in (own, wide, BUILT_IN) if level is not None]
    named = next(i for i, level in enumerate(levels) if _has(level, contract.RAY_HOST))
    used = levels[: named + 1]
    values, broken = _merge(used, contract.CONNECTION_KEYS)
    base = used[-1]
    host_ports = _fill(values, broken, base)
    return Connection(
        source=base.source,
        values=MappingProxyType(values),
        broken=MappingProxyType(broken | _merge(used, contract.AUTH_KEYS)[1]),
        host_ports=MappingProxyType(host_ports),
        token=_token(used),
        aliases=MappingProxyType(_aliases(own, wide)),
    )


def _has(level: Settings, key: str) -> bool:
    return key in level.values or key in level.broken


def _merge(levels: Sequence[Settings], keys: Sequence[str]) -> tuple[dict[str, Value], dict[str, str]]:
    """For each key the value, or the fault, of the highest of `levels` that has it."""
    values: dict[str, Value] = {}
    broken: dict[str, str] = {}
    for key in keys:
        level = next((level for level in levels if _has(level, key)), None)
        if level is None:
            continue
        if key in level.broken:
            broken[key] = f"{key} of {level.source} {level.broken[key]}"
        else:
            values[key] = Value(text=level.values[key], source=level.source, built_in=level is BUILT_IN)
    return values, broken


def _fill(values: dict[str, Value], broken: Mapping[str, str], base: Settings) -> dict[str, int]:
    """Add the port and the URLs that no level gives; returns the ports of those URLs that follow the host."""
    if contract.RAY_PORT not in values and contract.RAY_PORT not in broken:
        values[contract.RAY_PORT] = Value(text=str(contract.CLIENT_PORT), source=base.source, built_in=base is BUILT_IN)
    host = values.get(contract.RAY_HOST)
    missing = {key: port for key, port in _URL_PORTS.items() if key not in values and key not in broken}
    if host is None:
        return {}
    for key, port in missing.items():
        values[key] = replace(host, text=f"http://{host.text}:{port}")
    return missing


def _token(levels: Sequence[Settings]) -> TokenSecret | None:
    values, _ = _merge(levels, contract.AUTH_KEYS)
    name = values.get(contract.RAY_AUTH_SECRET)
    if name is None:
        return None
    key = values.get(contract.RAY_AUTH_SECRET_KEY)
    return TokenSecret(
        namespace=None, name=name.text, key=key.text if key else contract.AUTH_TOKEN_KEY, source=name.source
    )


def _aliases(own: Settings | None, wide: Settings | None) -> dict[str, str]:
    return {**(wide.aliases if wide else {}), **(own.aliases if own else {})}


@lru_cache(maxsize=_KEPT)
def _from_target(
    reference: Reference,
    known: RayTarget | None,
    head_host: str | None,
    own: Settings | None,
    wide: Settings | None,
    cluster_domain: str,
) -> Connection:
    """The connection of a RayCluster or RayService; only RAY_NAMESPACE comes from the namespace's settings."""
    target = known or assumed_target(reference)
    values, broken = _merge([own], (contract.RAY_NAMESPACE,)) if own else ({}, {})
    values = _target_values(reference, target, head_host, cluster_domain) | values
    ports = {contract.RAY_SERVE_URL: target.serve_port, contract.RAY_DASHBOARD_URL: target.dashboard_port}
    if target.serve_service is not None:
        del ports[contract.RAY_SERVE_URL]
    return Connection(
        source=str(reference),
        values=values,
        broken=broken,
        host_ports=ports,
        token=_target_token(reference, target),
        aliases=_aliases(own, wide),
        assumed=None if known else reference,
    )


def _target_values(
    reference: Reference, target: RayTarget, head_host: str | None, cluster_domain: str
) -> dict[str, Value]:
    suffix = f"{reference.namespace}.svc.{cluster_domain}"
    host = head_host or f"{target.head_service}.{suffix}"
    serve_host = f"{target.serve_service}.{suffix}" if target.serve_service else host
    texts = {
        contract.RAY_HOST: host,
        contract.RAY_PORT: str(target.client_port),
        contract.RAY_SERVE_URL: f"http://{serve_host}:{target.serve_port}",
        contract.RAY_DASHBOARD_URL: f"http://{host}:{target.dashboard_port}",
    }
    return {key: Value(text=text, source=str(reference)) for key, text in texts.items()}


def _target_token(reference: Reference, target: RayTarget) -> TokenSecret | None:
    if target.auth_secret is None:
        return None
    return TokenSecret(
        namespace=reference.namespace, name=target.auth_secret, key=target.auth_key, source=str(reference)
    )
