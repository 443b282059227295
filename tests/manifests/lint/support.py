"""Files that say themselves what is to be found in them: ``#! RAY604 RAY616`` at the end of a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from webhook.injection.envfile import good_settings
from webhook.injection.settings import Settings
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, FileKind, Finding
from webhook.manifests.lint.indexing import index_of
from webhook.manifests.lint.kinds import kind_by_name
from webhook.manifests.lint.registry import findings

_EXPECTED = re.compile(r"#!((?: RAY\d{3})+)$")
SETTINGS = """\
RAY_HOST=head.ray
RAY_NAMESPACE=prod
RAY_ALIASES=SERVE_GATEWAY=RAY_SERVE_URL
"""


class Files:
    """A tree of these files and no others."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def exists(self, path: str) -> bool:
        return any(file == path or file.startswith(f"{path}/") for file in self._files)

    def read(self, path: str) -> str | None:
        return self._files.get(path)


def settings(text: str = SETTINGS) -> Settings:
    """The settings that a user gives."""
    return good_settings(text, name="settings", source="file ray.env")


def lint(files: Mapping[str, str], context: Context | None = None) -> list[Finding]:
    """What is found in the files, which are linted together."""
    listed = [File(path=path, text=text, kind=kind_by_name(path) or FileKind.ENV) for path, text in files.items()]
    tree = Files(files)
    indexed = (file for file in listed if file.kind in (FileKind.YAML, FileKind.COMPOSE))
    index = index_of(indexed, tree.read)
    context = replace(context or Context(), tree=tree, index=index)
    return [finding for file in listed for finding in findings(file, context)]


def lint_one(text: str, path: str = "app.yaml", context: Context | None = None) -> list[Finding]:
    """What is found in one file."""
    return lint({path: text}, context)


def found(text: str, path: str = "app.yaml", context: Context | None = None) -> Finding:
    """The one finding in a file."""
    (finding,) = lint_one(text, path, context)
    return finding


def check(files: Mapping[str, str] | str, context: Context | None = None) -> None:
    """The files have the findings that they say, on those lines, and no others."""
    given = {"app.yaml": files} if isinstance(files, str) else files
    expected = sorted(
        (path, number, code)
        for path, text in given.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := _EXPECTED.search(line))
        for code in match[1].split()
    )
    assert sorted((one.path, one.line, str(one.code)) for one in lint(given, context)) == expected


def deployment(env: str = "", annotations: str = "ray.seedcore.io/role: client", more: str = "") -> str:
    """A Deployment whose container ``api`` has an env of these lines."""
    lines = "".join(f"            {line}\n" for line in env.splitlines())
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: shop}}
spec:
  template:
    metadata:
      annotations: {{{annotations}}}
    spec:
      containers:
        - name: api
          {more or "image: api:1"}
          env:
{lines}"""
