"""What each kind of container is to have, asked of the rule book and written as rows of text for CEL.

Nothing is decided here. Where a value follows what a pod or a container says, the rule book is asked with a mark in
that place, and the mark becomes ``$(NAME)``, which no setting may hold: the policy fills it in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.injection.connection import Connection, Value
from webhook.injection.review import EnvVar
from webhook.injection.variables import Accepts, Wanted, address_alone, client_variables, node_variables

ANNOTATED: Final = "$(ray-namespace)"
"""Stands for what the annotation of that name says, else the settings."""
KUBERAYS: Final = "$(kuberay)"
"""Stands for KubeRay's own RAY_ADDRESS."""

FOLLOWED: Final = (
    contract.RAY_ADDRESS,
    contract.RAY_SERVE_ADDRESS,
    contract.RAY_DASHBOARD_ADDRESS,
    contract.RAY_API_SERVER_ADDRESS,
    contract.SEEDCORE_RAY_ROLE,
    contract.RAY_SERVE_URL,
    contract.RAY_DASHBOARD_URL,
    contract.RAY_NAMESPACE,
    contract.RAY_HOST,
    contract.RAY_PORT,
)
"""Variables whose kept values others follow, each before those that it may itself follow."""

_MARK: Final = "\ue000"  # of the private use area: readable to the rules, and in nobody's settings


class Row(NamedTuple):
    """One wanted variable: :class:`~webhook.injection.variables.Wanted`, a word for each of its attributes.

    Attributes:
        value: the text to write, with ``$(NAME)`` for what is known later.
        missing: ``add`` or ``leave``, where the variable is not declared.
        wrong: ``replace``, ``remove`` or ``leave``, where it is declared otherwise.
        right: which declared value is right: ``same``, ``direct`` or ``any``.
        blank: ``absent`` where an empty value or a ``ray://`` without a host counts as absent, else ``declared``.
        others: ``go`` or ``stay``: the earlier ones of duplicates.
    """

    name: str
    value: str
    missing: str
    wrong: str
    right: str
    blank: str
    others: str


_RIGHT: Final = {Accepts.EXACT: "same", Accepts.DIRECT_ADDRESS: "direct", Accepts.ANYTHING: "any"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """Everything that a policy is told about one connection.

    Attributes:
        rows: for each kind of container its rows; the kinds are those of :func:`kind`.
        ray_namespace: the settings' RAY_NAMESPACE, or empty.
        secret: name and key of the Secret with the token, where token authentication is on.
    """

    rows: Mapping[str, tuple[Row, ...]]
    ray_namespace: str
    secret: tuple[str, str] | None

    def only(self, *treatments: str) -> Tables:
        """Those for some :func:`kind` alone."""
        return replace(self, rows={kind: rows for kind, rows in self.rows.items() if kind.split()[0] in treatments})

    @property
    def names(self) -> list[str]:
        """All variables that the policy may touch."""
        return list(dict.fromkeys(row.name for rows in self.rows.values() for row in rows))


def tables(connection: Connection) -> Tables:
    """The tables of a `connection` that the settings give."""
    ray_namespace = connection.values.get(contract.RAY_NAMESPACE)
    marked = Value(text=ANNOTATED, source=connection.source)
    asked = _Asked(replace(connection, values={**connection.values, contract.RAY_NAMESPACE: marked}))
    token = connection.token
    return Tables(
        rows={kind: tuple(map(asked.row, wanted)) for kind, wanted in asked.kinds()},
        ray_namespace=ray_namespace.text if ray_namespace else "",
        secret=(token.name, token.key) if token else None,
    )


def kind(treatment: str, *, env_from: bool = False, keeps: bool = False) -> str:
    """What to call a kind of container: its role, or of a client the form of its address, and what its rows hang on."""
    return " ".join([treatment, *(["envFrom"] if env_from else []), *(["keep"] if keeps else [])])


KUBERAY: Final = "kuberay"
KUBERAY_WAIT: Final = "kuberay-wait"
"""A KubeRay pod's Ray container, and a container of it whose wrong RAY_ADDRESS goes without another."""


def _marks(connection: Connection) -> dict[str, str]:
    """For each variable that others follow a declared value that can be told from all that the settings say."""
    texts = [value.text for value in connection.values.values()]
    port = next(port for port in map(str, range(10_000, 65_536)) if not any(port in text for text in texts))
    return {name: port if name == contract.RAY_PORT else f"{_MARK}{name}{_MARK}" for name in FOLLOWED}


class _Asked:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.marks = _marks(connection)
        self.declared = {name: EnvVar(name=name, value=mark) for name, mark in self.marks.items()}

    def kinds(self) -> Iterator[tuple[str, Sequence[Wanted]]]:
        for mode in (OnConflict.OVERRIDE, OnConflict.KEEP):
            keeps = mode is OnConflict.KEEP
            declared = self.declared if keeps else {}
            for connect in Connect:
                wanted = client_variables(
                    self.connection, connect=connect, mode=mode, declared=declared, token=self.connection.token
                )
                yield kind(connect, keeps=keeps), wanted
            for role in (Role.HEAD, Role.WORKER):
                for env_from in (False, True):
                    wanted = node_variables(self.connection, role=role, mode=mode, declared=declared, env_from=env_from)
                    yield kind(role, env_from=env_from, keeps=keeps), wanted
            yield kind(KUBERAY, keeps=keeps), address_alone(mode=mode, mend=KUBERAYS)
            yield kind(KUBERAY_WAIT, keeps=keeps), address_alone(mode=mode, mend=None)

    def row(self, wanted: Wanted) -> Row:
        entry = wanted.mend or wanted.add or {}
        return Row(
            name=wanted.name,
            value=self._unmarked(str(entry.get("value") or "")),
            missing="leave" if wanted.add is None else "add",
            wrong="leave" if wanted.keeps else "remove" if wanted.mend is None else "replace",
            right=_RIGHT[wanted.accepts],
            blank="absent" if wanted.blank_is_absent else "declared",
            others="go" if wanted.tidy and not wanted.keeps else "stay",
        )

    def _unmarked(self, text: str) -> str:
        for name, mark in self.marks.items():
            text = text.replace(mark, f"$({name})")
        return text
