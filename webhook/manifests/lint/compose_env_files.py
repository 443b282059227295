"""The env files that services of Compose name, and the Ray settings in them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from webhook.contract import Role
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.compose.entries import is_interpolated
from webhook.manifests.compose.file import SERVICES
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.env_file import env_values
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.judge import settings_in
from webhook.manifests.lint.parts import Part


def env_file_paths(document: Part) -> frozenset[str]:
    """The paths of all files that the services of a Compose file name."""
    services = document.get(SERVICES)
    return frozenset(path for name in services for _, path in _named(document.at(SERVICES, name)))


def env_file_findings(service: Part, role: Role, context: Context, *, has_role: bool) -> Iterator[Finding]:
    """Settings that a service gets by its env_file: a client with a role gets its own ones, which beat them."""
    for part, path in _named(service):
        settings = settings_in(env_values(context.tree.read(path) or ""), role, context)
        if not settings or (has_role and role is Role.CLIENT):
            continue
        listed = ", ".join(f"{one.entry.name} {quote(one.entry.value or '')}" for one in settings)
        message = f"service {quote(str(service.path[-1]))} takes env_file {quote(path)}, which has {listed}"
        is_wrong = any(one.is_wrong_inside for one in settings)
        yield part.finding(LintCode.IN_ENV_FILE, Level.ERROR if is_wrong else Level.WARNING, message)


def _named(service: Part) -> Iterator[tuple[Part, str]]:
    """Each file that a service names, as a text, in a list or with its path, and its path from where the service is."""
    part = service.at("env_file")
    for item in [part.at(index) for index in range(len(part.value))] if isinstance(part.value, list) else [part]:
        found = item.at("path") if isinstance(item.value, dict) else item
        if isinstance(found.value, str) and not is_interpolated(found.value):
            yield found, posixpath.normpath(posixpath.join(posixpath.dirname(service.file.path), found.value))
