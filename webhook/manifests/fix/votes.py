"""The settings that files say without having them: what pods declare, where all of them agree.

A value has a vote where nothing that is known gives it: under known settings, what a pod declares counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ray_config.address import Form, RayAddress, is_http_url
from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.settings import is_readable
from webhook.injection.snapshot import kuberay_name
from webhook.manifests.fix.effect import Effect
from webhook.manifests.fix.world import Key, World
from webhook.manifests.workloads import value_at

KEY_OF: Final = {
    **{key: key for key in contract.CONNECTION_KEYS},
    contract.RAY_SERVE_ADDRESS: contract.RAY_SERVE_URL,
    contract.RAY_DASHBOARD_ADDRESS: contract.RAY_DASHBOARD_URL,
    contract.RAY_API_SERVER_ADDRESS: contract.RAY_DASHBOARD_URL,
}
"""A variable to the setting that gives it."""

_PORTS: Final = {contract.RAY_SERVE_URL: contract.SERVE_PORT, contract.RAY_DASHBOARD_URL: contract.DASHBOARD_PORT}


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """A setting as a pod declares it, by the variable `name` with `text`."""

    setting: str
    value: str
    key: Key
    container: str
    name: str
    text: str


@dataclass(kw_only=True, slots=True)
class Wanted:
    """The settings that a namespace's pods ask for.

    Attributes:
        values: what goes into the settings; empty where the pods do not agree about the host.
        disputed: what they do not agree about, with a vote for each value.
        stale: votes that do not count: for a host that nothing here makes, by a pod that is to follow the settings.
    """

    values: dict[str, str] = field(default_factory=dict)
    disputed: dict[str, list[Vote]] = field(default_factory=dict)
    stale: list[Vote] = field(default_factory=list)


def votes(key: Key, effect: Effect, *, is_client: bool) -> Iterator[Vote]:
    """What a pod declares that nothing known gives it."""
    if effect.mode is OnConflict.KEEP:
        return
    for container, declared in effect.declared.items():
        given = effect.given.get(container, frozenset()) if effect.source is not None else frozenset()
        for name, text in declared.items():
            for setting, value in _settings_of(name, text):
                is_known = effect.source is not None and (setting in given or setting != contract.RAY_NAMESPACE)
                if not is_known and (is_client or (effect.annotated and setting == contract.RAY_NAMESPACE)):
                    yield Vote(setting=setting, value=value, key=key, container=container, name=name, text=text)


def _settings_of(name: str, text: str) -> Iterator[tuple[str, str]]:
    """The settings that a variable's value comes from."""
    if name == contract.RAY_ADDRESS:
        address = RayAddress.parse(text)
        if address.form is Form.CLIENT and address.host:
            yield contract.RAY_HOST, address.host
            yield contract.RAY_PORT, str(address.port or contract.CLIENT_PORT)
        elif address.form is Form.HTTP:
            yield contract.RAY_DASHBOARD_URL, text
    elif (setting := KEY_OF.get(name)) and is_readable(text) and (setting not in _PORTS or is_http_url(text)):
        yield setting, text


def count(given: Iterable[Vote], effects: Mapping[Key, Effect], made: frozenset[str]) -> Wanted:
    """What the votes of one namespace come to.

    Args:
        made: the Services that the files make, by their names.
    """
    all_votes = list(given)
    wanted = Wanted(stale=list(_stale(all_votes, effects, made)))
    counted = [vote for vote in all_votes if vote not in wanted.stale]
    for setting in contract.CONNECTION_KEYS:
        by_value = {vote.value: vote for vote in reversed(counted) if vote.setting == setting}
        if len(by_value) > 1:
            wanted.disputed[setting] = list(reversed(by_value.values()))
        elif by_value:
            (wanted.values[setting],) = by_value
    if contract.RAY_HOST in wanted.values:
        wanted.values = _completed(wanted.values, wanted.disputed)
    elif contract.RAY_HOST in wanted.disputed or any(key != contract.RAY_NAMESPACE for key in wanted.values):
        wanted.values = {}
    return wanted


def _completed(values: Mapping[str, str], disputed: Mapping[str, Any]) -> dict[str, str]:
    """With the siblings of the host, as the webhook fills them in."""
    host = values[contract.RAY_HOST]
    filled = {contract.RAY_PORT: str(contract.CLIENT_PORT)}
    filled |= {key: f"http://{host}:{port}" for key, port in _PORTS.items()}
    found = {key: value for key, value in filled.items() if key not in disputed} | dict(values)
    return {key: found[key] for key in contract.CONNECTION_KEYS if key in found}


def _stale(given: list[Vote], effects: Mapping[Key, Effect], made: frozenset[str]) -> Iterator[Vote]:
    """Copies of a name that nothing here makes, beside one that something makes.

    Only of pods that say themselves that they are clients, and not that they keep what they declare: such a value the
    webhook replaces as soon as there are settings, and these are what is being written.
    """
    hosts = {vote.value for vote in given if vote.setting == contract.RAY_HOST}
    if not any(host.partition(".")[0] in made for host in hosts):
        return
    gone = {host for host in hosts if "." not in host and host not in made}
    for vote in given:
        effect = effects[vote.key]
        follows = effect.annotated and effect.role is Role.CLIENT and effect.mode in (None, OnConflict.OVERRIDE)
        if follows and host_in(vote.text) in gone:
            yield vote


def host_in(text: str) -> str | None:
    """The host of an address or URL, or the text itself where it is neither."""
    _, separator, rest = text.partition("://")
    return rest.partition("/")[0].rpartition(":")[0] or rest if separator else text


def made_services(world: World) -> frozenset[str]:
    """The Services that the files make: their own, and those that KubeRay makes of its kinds."""
    found: set[str] = set()
    for group in world.groups:
        for placed in group.objects:
            if placed.kind == "Service":
                found.add(placed.name)
            elif placed.kind in ("RayCluster", "RayService", "RayJob"):
                found |= {kuberay_name(f"{placed.name}-{what}-svc") for what in ("head", "serve")}
                named = value_at(placed.value, ("spec", "headGroupSpec", "headService", "metadata", "name"))
                found |= {str(named)} if named else set()
    return frozenset(found)
