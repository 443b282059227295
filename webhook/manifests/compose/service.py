"""A Compose service as the pod that the rule book knows: its labels are the annotations, its one container its env."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from webhook import contract
from webhook.injection.decision import Decision, decide
from webhook.injection.review import AdmissionRequest
from webhook.manifests.compose.entries import Entries, env_var, is_interpolated, read_entries, unescaped
from webhook.manifests.compose.file import SERVICES, ComposeFile, pairs_of
from webhook.manifests.outcomes import Given
from webhook.manifests.source import key_at, node_at
from webhook.manifests.workloads import Path

IDLE_LABELS: Final = (contract.CONTAINERS, contract.SKIP_CONTAINERS)
"""A service has one container, so there is nothing to choose."""
EXTENDS: Final = "the service extends another, which is not looked at"
INCLUDE: Final = "include"
_TERMS: Final = (
    (re.compile(r"\bannotation(s?) (?=[\w.-]*seedcore\.io/)"), r"label\1 "),
    (re.compile(r"\benvFrom\b"), "env_file"),
)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of a file.

    Attributes:
        environment, labels: their entries.
    """

    file: ComposeFile
    name: str
    environment: Entries
    labels: Entries

    @classmethod
    def of(cls, file: ComposeFile, name: str) -> Service:
        """The service called `name`.

        Raises:
            ShapeError: its environment or its labels are none.
        """
        parts = pairs_of(node_at(file.root, [SERVICES, name]))
        environment, labels = read_entries(parts.get("environment")), read_entries(parts.get("labels"))
        return cls(file=file, name=name, environment=environment, labels=labels)

    @property
    def path(self) -> Path:
        """The way to it."""
        return (SERVICES, self.name)

    @cached_property
    def value(self) -> dict[str, Any]:
        """All of it."""
        service: dict[str, Any] = self.file.value[SERVICES][self.name]
        return service

    @cached_property
    def written(self) -> dict[str, str]:
        """Those of its labels that are ours, which stand for a pod's annotations."""
        texts = {item["name"]: item.get("value", "") for item in self.labels.items}
        ours = {key: text for key, text in texts.items() if key.startswith(contract.PREFIX)}
        return {key: text if is_interpolated(text) else unescaped(text) for key, text in ours.items()}

    @property
    def has_role(self) -> bool:
        """Whether it says what it is to Ray."""
        return contract.ROLE in self.written

    @property
    def is_extension(self) -> bool:
        """Whether it extends another service, of which more may come in: environment as well as labels."""
        return self.value.get("extends") is not None

    @property
    def is_uncertain(self) -> bool:
        """Whether it matters that it is an extension: it, or the other service, may have a role."""
        return self.is_extension and uses_roles(self.file)

    def pod(self) -> dict[str, Any]:
        """The pod; an env_file, or another service that it extends, is like an envFrom: what is declared beats it."""
        annotations = {key: text for key, text in self.written.items() if key not in IDLE_LABELS}
        container: dict[str, Any] = {
            "name": self.name,
            "env": [env_var(item) for item in self.environment.items],
            "command": _words(self.value.get("entrypoint")),
            "args": _words(self.value.get("command")),
        }
        if self.value.get("env_file") or self.is_extension:
            container["envFrom"] = [{}]
        return {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}


def _words(command: object) -> list[str]:
    """The words of a command line, which may be one text."""
    if isinstance(command, list):
        return [word for word in command if isinstance(word, str)]
    try:
        return shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        return str(command).split()


def uses_roles(file: ComposeFile) -> bool:
    """Whether anything in the file is ours."""
    return contract.PREFIX in file.text


def decide_service(service: Service, given: Given) -> Decision:
    """Decide about the service's pod. Compose has no namespaces, so there is no default role."""
    pod = msgspec.Raw(msgspec.json.encode(service.pod()))
    request = AdmissionRequest(uid="compose", operation="CREATE", namespace=given.namespace, object=pod)
    return decide(request, given.snapshot, default_role=None)


def in_compose_terms(text: str) -> str:
    """What the rule book says of pods, said of services."""
    for pattern, term in _TERMS:
        text = pattern.sub(term, text)
    return text


def line_of(file: ComposeFile, name: str) -> int:
    """The line on which the service begins; of one that is merged in, where that stands."""
    return file.place(key_at(file.root, [SERVICES, name]).start_mark.index)[0]
