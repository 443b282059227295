"""Each selected container gets what it is treated as; what there is to tell about it becomes warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec

from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.errors import quote
from webhook.injection.connection import Connection, TokenSecret
from webhook.injection.environment import Conflict, Edit, edit, last_declared
from webhook.injection.kuberay import KubeRayPod
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.review import EnvVar
from webhook.injection.selection import Selected, Treatment
from webhook.injection.settings import BUILT_IN
from webhook.injection.variables import Wanted, address_alone, client_variables, node_variables


class Treated(msgspec.Struct, frozen=True, kw_only=True):
    """A selected container with what it is to have and what changes."""

    selected: Selected
    wanted: Sequence[Wanted]
    edit: Edit


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all containers of one pod."""

    role: Role
    connection: Connection
    connect: Connect
    mode: OnConflict
    token: TokenSecret | None
    kuberay: KubeRayPod | None

    def treat(self, selected: Iterable[Selected]) -> list[Treated]:
        """Treat each container."""
        wanted_by = self._wanted if self._follows_declared else self._shared
        treated = []
        for item in selected:
            wanted = wanted_by(item)
            treated.append(Treated(selected=item, wanted=wanted, edit=edit(item.container.env, wanted, item.path)))
        return treated

    @property
    def _follows_declared(self) -> bool:
        """Whether derived values depend on what a container declares."""
        return self.mode is OnConflict.KEEP or self.connection.source == BUILT_IN.source

    def _shared(self, item: Selected) -> tuple[Wanted, ...]:
        """What most containers get: it depends on nothing that they declare."""
        return _shared_wanted(self, item.treatment, env_from=bool(item.container.env_from))

    def _wanted(self, item: Selected) -> tuple[Wanted, ...]:
        return self.wanted(item.treatment, last_declared(item.container.env), env_from=bool(item.container.env_from))

    def wanted(self, treatment: Treatment, declared: Mapping[str, EnvVar], *, env_from: bool) -> tuple[Wanted, ...]:
        """The variables of a container that is treated so, and declares that."""
        match treatment:
            case Treatment.CLIENT:
                return client_variables(
                    self.connection, connect=self.connect, mode=self.mode, declared=declared, token=self.token
                )
            case Treatment.NODE | Treatment.KUBERAY_NODE:
                return self._node(declared, env_from=env_from)
            case Treatment.KUBERAY_ADDRESS:
                return address_alone(mode=self.mode, mend=self.kuberay.address if self.kuberay else None)
            case Treatment.KUBERAY_WAIT:
                return address_alone(mode=self.mode, mend=None)

    def _node(self, declared: Mapping[str, EnvVar], *, env_from: bool) -> tuple[Wanted, ...]:
        return node_variables(
            self.connection,
            role=self.role,
            mode=self.mode,
            declared=declared,
            env_from=env_from,
            kuberay_address=self.kuberay.address if self.kuberay else None,
            is_kuberay=self.kuberay is not None,
        )

    def warnings(self, treated: Sequence[Treated], namespace: str) -> Iterator[DecisionWarning]:
        """What there is to tell about the connection and the containers; `namespace` is the pod's."""
        users = [item for item in treated if item.selected.treatment in _CONNECTED]
        if users:
            yield from _connection_warnings(self.connection)
        clients = [item for item in users if item.selected.treatment is Treatment.CLIENT]
        yield from _token_warnings(self.connection.token, clients, namespace)
        if self.mode is not OnConflict.OVERRIDE:
            beaten = [item for item in clients if item.edit.added and item.selected.container.env_from]
            yield from _told(Code.ENV_FROM_BEATEN, "explicit values beat what envFrom brings", _names(beaten))
        yield from _edit_warnings(treated, appended_by_operator=self.kuberay is not None)


@lru_cache(maxsize=256)
def _shared_wanted(plan: Plan, treatment: Treatment, *, env_from: bool) -> tuple[Wanted, ...]:
    """Cached, since the pods of a namespace have few plans: it takes half of a decision's time."""
    return plan.wanted(treatment, {}, env_from=env_from)


_CONNECTED = frozenset({Treatment.CLIENT, Treatment.NODE, Treatment.KUBERAY_NODE})


def _connection_warnings(connection: Connection) -> Iterator[DecisionWarning]:
    if connection.source == BUILT_IN.source:
        host = quote(contract.BUILT_IN_HOST)
        text = f"no settings name a host, so the built-in {contract.RAY_HOST}={host} is used; {Code.BUILT_IN.advice}"
        yield DecisionWarning(Code.BUILT_IN, text)
    if connection.assumed is not None:
        host = connection.values[contract.RAY_HOST].text
        text = f"{connection.assumed} is not known (yet); {quote(host)} and the usual ports are assumed"
        yield DecisionWarning(Code.UNKNOWN_CLUSTER, text)


def _token_warnings(token: TokenSecret | None, clients: Sequence[Treated], namespace: str) -> Iterator[DecisionWarning]:
    if token is None or token.namespace in (None, namespace):
        return
    lacking = [item for item in clients if not _has_token(item.selected.container.env)]
    secret = f"Secret {token.namespace}/{token.name} (key {token.key})"
    text = f"{token.source} wants a token: copy {secret} to {namespace}, set RAY_AUTH_MODE and RAY_AUTH_TOKEN from it"
    yield from _told(Code.TOKEN_ELSEWHERE, text, _names(lacking))


def _has_token(env: Sequence[EnvVar] | None) -> bool:
    return any(entry.name in (contract.RAY_AUTH_TOKEN, "RAY_AUTH_TOKEN_PATH") for entry in env or ())


def _edit_warnings(treated: Sequence[Treated], *, appended_by_operator: bool) -> Iterator[DecisionWarning]:
    kinds = (
        (Code.EMPTY_ADDRESS, "blank", "is empty, or ray:// without a host, and counted as absent"),
        (Code.DANGLING_REFERENCE, "dangling", "is removed, but a $(NAME) that refers to it is left behind"),
        (Code.AFTER_REFERRER, "after_referrer", "stands after the entry that refers to it as $(NAME)"),
    )
    for code, attribute, what in kinds:
        if code is Code.AFTER_REFERRER and appended_by_operator:
            continue
        by_name: dict[str, list[str]] = {}
        for item in treated:
            for name in getattr(item.edit, attribute):
                by_name.setdefault(name, []).append(item.selected.container.name)
        for name, containers in by_name.items():
            yield from _told(code, f"{name} {what}", containers)


def _names(treated: Iterable[Treated]) -> list[str]:
    return [item.selected.container.name for item in treated]


def _told(code: Code, text: str, containers: Sequence[str]) -> Iterator[DecisionWarning]:
    """One warning about all of `containers`, or none where there are none."""
    if containers:
        yield DecisionWarning(code, f"{text}, in container {', '.join(map(quote, containers))}")


def conflict_text(treated: Sequence[Treated]) -> str | None:
    """The denial where a container declares what it must not, naming container, variable, value and what is wanted."""
    conflicts = [(item.selected.container.name, conflict) for item in treated for conflict in item.edit.conflicts]
    if not conflicts:
        return None
    name, first = conflicts[0]
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    return f"{_conflict(name, first)}{more}; {Code.CONFLICT.advice}"


def _conflict(container: str, conflict: Conflict) -> str:
    value = "a valueFrom, which cannot be read" if conflict.value is None else quote(conflict.value)
    wanted = "no such variable" if conflict.wanted is None else quote(str(conflict.wanted["value"]))
    return (
        f"annotation {contract.ON_CONFLICT} is deny, and {conflict.name} of container {quote(container)} is {value}; "
        f"allowed: {wanted}"
    )
