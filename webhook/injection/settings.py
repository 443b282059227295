"""The settings of one level: the keys of a ConfigMap ``ray-settings`` or of a settings file, checked one by one.

Parsing never fails: what is wrong is told in :attr:`Settings.broken`, and whoever keeps the settings decides whether
an older, unbroken content stays in force instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from ray_config.address import is_host, is_http_url, parse_port
from webhook import contract
from webhook.errors import quote

UNREADABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]|\$\(")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DNS_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_SECRET_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_REFERENCE: Final = re.compile(r"([-a-z0-9*]+)\s*->\s*([-a-z0-9*]+)/([-a-z0-9.*]+)", re.ASCII)
_LINES: Final = re.compile(r"[\n\r;]+")

MAX_DNS_SUBDOMAIN: Final = 253
MAX_VALUE: Final = 1024
"""Characters of a value; each goes into every container of a namespace's pods."""
MAX_ALIASES: Final = 100
MAX_REFERENCES: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedReference:
    """One line of RAY_ALLOWED_REFERENCES; ``*`` in a part stands for any characters."""

    from_namespace: str
    to_namespace: str
    name: str

    def allows(self, from_namespace: str, to_namespace: str, name: str) -> bool:
        """Whether a pod of `from_namespace` may name `to_namespace`/`name`."""
        return (
            fnmatchcase(from_namespace, self.from_namespace)
            and fnmatchcase(to_namespace, self.to_namespace)
            and fnmatchcase(name, self.name)
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settings:
    """What one level says. Compared and hashed by identity: a change of settings is a new object.

    Attributes:
        source: where it stands, for people: ``ConfigMap team-a/ray-settings``, a file's path, ``built-in``.
        values: the valid ones of the connection's and the token's keys.
        broken: a key and what is wrong with it, for each key that is not valid.
        aliases: name of the alias to the variable it stands for.
        allowed_references: only a cluster-wide level has them.
        ignored: keys that look like settings and are none, with the reason.
    """

    source: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    broken: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    allowed_references: tuple[AllowedReference, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


BUILT_IN: Final = Settings(
    source="built-in",
    values=MappingProxyType(
        {contract.RAY_HOST: contract.BUILT_IN_HOST, contract.RAY_NAMESPACE: contract.BUILT_IN_NAMESPACE}
    ),
)
"""The last level."""


def is_readable(text: str) -> bool:
    """Whether `text` is a readable literal: not empty, no ``$(``, no blank, no control character."""
    return bool(text) and UNREADABLE.search(text) is None


def parse_settings(data: Mapping[str, str], *, source: str, cluster_wide: bool) -> Settings:
    """The settings that the keys of `data` make; unknown keys are nobody's business.

    Args:
        data: keys and values as the ConfigMap or file holds them; blanks around a value do not count.
        source: see :class:`Settings`.
        cluster_wide: whether RAY_ALLOWED_REFERENCES counts (the webhook's own namespace, or a settings file).
    """
    stripped = {key: value.strip() for key, value in data.items() if value.strip()}
    broken = {key: fault for key, check in _CHECKS.items() if key in stripped and (fault := check(stripped[key]))}
    values = {key: stripped[key] for key in _CHECKS if key in stripped and key not in broken}
    aliases, alias_fault = _parse_aliases(stripped.get(contract.RAY_ALIASES, ""))
    references, reference_fault = _parse_references(
        stripped.get(contract.RAY_ALLOWED_REFERENCES, "") if cluster_wide else ""
    )
    broken |= {contract.RAY_ALIASES: alias_fault} if alias_fault else {}
    broken |= {contract.RAY_ALLOWED_REFERENCES: reference_fault} if reference_fault else {}
    return Settings(
        source=source,
        values=MappingProxyType(values),
        broken=MappingProxyType(broken),
        aliases=MappingProxyType(aliases),
        allowed_references=tuple(references),
        ignored=MappingProxyType({key: why for key, why in _IGNORED.items() if key in data}),
    )


_IGNORED: Final = {contract.RAY_ADDRESS: "it is derived from RAY_HOST and RAY_PORT; take it out"}


def _text_fault(text: str) -> str | None:
    if len(text) > MAX_VALUE:
        return f"is {quote(text)}; allowed: at most {MAX_VALUE} characters"
    return None if is_readable(text) else f"is {quote(text)}; allowed: text without blanks, control characters or $("


def _checked(allowed: str, is_valid: Callable[[str], object]) -> Callable[[str], str | None]:
    def fault(text: str) -> str | None:
        return _text_fault(text) or (None if is_valid(text) else f"is {quote(text)}; allowed: {allowed}")

    return fault


def is_dns_subdomain(text: str) -> bool:
    """Whether `text` is a name that Kubernetes gives to most objects (RFC 1123 subdomain)."""
    return len(text) <= MAX_DNS_SUBDOMAIN and _DNS_SUBDOMAIN.fullmatch(text) is not None


_URL: Final = _checked("http://HOST[:PORT] or https://HOST[:PORT]", is_http_url)
_CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    contract.RAY_HOST: _checked("a DNS name or IP address without scheme or port", is_host),
    contract.RAY_PORT: _checked("a port of 1-65535", parse_port),
    contract.RAY_SERVE_URL: _URL,
    contract.RAY_DASHBOARD_URL: _URL,
    contract.RAY_NAMESPACE: _text_fault,
    contract.RAY_AUTH_SECRET: _checked("the name of a Secret", is_dns_subdomain),
    contract.RAY_AUTH_SECRET_KEY: _checked("a key of a Secret", _SECRET_KEY.fullmatch),
}


def _lines(text: str) -> list[str]:
    return [line for part in _LINES.split(text) if (line := part.strip())]


def _parse_aliases(text: str) -> tuple[dict[str, str], str | None]:
    """The good lines ``NAME=KEY`` of `text`, and what is wrong with the first bad one."""
    aliases: dict[str, str] = {}
    fault = None
    for line in _lines(text):
        name, _, key = (part.strip() for part in line.partition("="))
        if len(aliases) == MAX_ALIASES:
            return aliases, fault or f"has more lines; allowed: at most {MAX_ALIASES}"
        if wrong := _alias_fault(name, key, aliases):
            fault = fault or f"has the line {quote(line)}; {wrong}"
        else:
            aliases[name] = key
    return aliases, fault


def _alias_fault(name: str, key: str, aliases: Mapping[str, str]) -> str | None:
    if key not in contract.ROLE_VARIABLES:
        return f"allowed: NAME=KEY with KEY one of {', '.join(sorted(contract.ROLE_VARIABLES))}"
    if not _VARIABLE_NAME.fullmatch(name):
        return "allowed: NAME=KEY with NAME the name of an environment variable"
    if name in contract.ROLE_VARIABLES or is_kuberay_variable(name):
        return "allowed: a NAME that neither this webhook nor KubeRay sets itself"
    return "allowed: each NAME once" if aliases.get(name, key) != key else None


def is_kuberay_variable(name: str) -> bool:
    """Whether KubeRay writes the variable `name` into its pods."""
    return name in contract.KUBERAY_VARIABLES or name.startswith(contract.KUBERAY_VARIABLE_PREFIXES)


def _parse_references(text: str) -> tuple[list[AllowedReference], str | None]:
    """The good lines ``FROM -> TO/NAME`` of `text`, and what is wrong with the first bad one."""
    references: list[AllowedReference] = []
    fault = None
    for line in _lines(text):
        if len(references) == MAX_REFERENCES:
            return references, fault or f"has more lines; allowed: at most {MAX_REFERENCES}"
        if match := _REFERENCE.fullmatch(line):
            references.append(AllowedReference(from_namespace=match[1], to_namespace=match[2], name=match[3]))
        else:
            fault = fault or f"has the line {quote(line)}; allowed: FROM-NAMESPACE -> TO-NAMESPACE/NAME, * for any"
    return references, fault
