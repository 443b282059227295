"""Files to be fixed, as short as they can be, and what became of them."""

from __future__ import annotations

import textwrap
from typing import Final

from webhook.injection.settings import Settings, parse_settings
from webhook.manifests.fix.fixing import Fix, fix
from webhook.manifests.lint.context import Context

HEAD: Final = "train-head-svc"
ADDRESS: Final = f"ray://{HEAD}:10001"


def settings(**values: str) -> Settings:
    """Cluster-wide settings."""
    return parse_settings(values, source="file settings.env", cluster_wide=True)


def fixed(files: dict[str, str], *, given: Settings | None = None, **more: object) -> Fix:
    """What becomes of `files`; a second run finds nothing to do."""
    texts = {path: textwrap.dedent(text) for path, text in files.items()}
    context = Context(settings=given, **more)  # type: ignore[arg-type]  # whatever the test says
    done = fix(texts, context)
    after = {path: done.texts.text(path) for path in texts}
    again = fix(after, context)
    assert again.changed == [], {path: again.texts.text(path) for path in again.changed}
    return done


def text(done: Fix, path: str) -> str:
    """A file afterwards."""
    return done.texts.text(path)


def left(done: Fix) -> set[tuple[str, str]]:
    """The codes of what is left out, with the files that it was about."""
    return {(why.code, act.file) for unit, why in done.last.left for act in unit.acts}


def deployment(*env: str, role: str | None = "client", name: str = "api", more: str = "", env_from: str = "") -> str:
    """A Deployment of one container with these lines in its env."""
    lines = ["apiVersion: apps/v1", "kind: Deployment", f"metadata: {{name: {name}}}", "spec:", "  template:"]
    lines += ["    metadata:", "      annotations:", f"        ray.seedcore.io/role: {role}"] if role else []
    lines += [f"        {more}"] if more else []
    lines += ["    spec:", "      containers:", "        - name: app", "          image: app:1"]
    lines += ["          envFrom:", f"            - configMapRef: {{name: {env_from}}}"] if env_from else []
    lines += ["          env:", *(f"            {line}" for line in env)] if env else []
    return "\n".join([*lines, "          ports:", "            - containerPort: 80", ""])


def literal(name: str, value: str) -> tuple[str, str]:
    """The lines of an entry."""
    return f"- name: {name}", f"  value: {value}"
