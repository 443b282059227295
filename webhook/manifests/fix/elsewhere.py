"""Env files that something else reads as well, whose readers are not judged here, so that they stay as they are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from webhook.manifests.fix.kustomization import env_paths, kustomizations
from webhook.manifests.fix.references import mappings
from webhook.manifests.fix.texts import Texts


def read_elsewhere(texts: Texts) -> dict[str, str]:
    """The env files that Secret generators and Compose services read, each with who does."""
    found = {}
    for kustomization in kustomizations(texts).values():
        for _, generator in kustomization.mappings("secretGenerator"):
            for path in env_paths(generator, kustomization):
                found[path] = f"is read by a secretGenerator of {kustomization.path} as well"
    for file in texts.paths:
        for value in texts.values(file):
            for path in _env_files(value):
                joined = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
                found[joined] = f"is read by a Compose service of {file} as well"
    return found


def _env_files(value: Any) -> Iterator[str]:
    """What the services of a Compose file name: a path, paths, or mappings with a path."""
    services = value.get("services") if isinstance(value, dict) else None
    for service in mappings(list(services.values())) if isinstance(services, dict) else ():
        named = service.get("env_file")
        for item in named if isinstance(named, list) else [named]:
            path = item.get("path") if isinstance(item, dict) else item
            if isinstance(path, str):
                yield path
