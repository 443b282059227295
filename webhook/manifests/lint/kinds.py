"""What a file is read as, by its name and its first line."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from webhook.manifests.lint.finding import FileKind

_NAMES: Final = (
    (FileKind.COMPOSE, re.compile(r"(?:docker-)?compose(?:[-.].*)?\.ya?ml")),
    (FileKind.YAML, re.compile(r".*\.(?:ya?ml|json|tpl)|Kustomization")),
    (FileKind.ENV, re.compile(r".*\.env|\.env\..*")),
    (FileKind.DOCKERFILE, re.compile(r"(?:.*[-.])?(?:Dockerfile|Containerfile)(?:[-.].*)?|.*\.dockerfile")),
    (FileKind.SHELL, re.compile(r".*\.(?:sh|bash|ksh)")),
    (FileKind.PYTHON, re.compile(r".*\.py")),
)
_INTERPRETERS: Final = (
    (FileKind.SHELL, re.compile(r"#!.*[/ ](?:ba|da|k|a)?sh\b")),
    (FileKind.PYTHON, re.compile(r"#!.*[/ ]python")),
)
_BACKUP: Final = re.compile(r".*(?:\.(?:bak|orig|old|rej|swp|swo)|~)|#.*#")


def kind_by_name(path: str) -> FileKind | None:
    """What a file called so is read as; None where its name does not tell."""
    name = posixpath.basename(path)
    return next((kind for kind, pattern in _NAMES if pattern.fullmatch(name)), None)


def kind_by_content(text: str) -> FileKind | None:
    """What a file that begins with `text` is read as, by the interpreter that its first line names."""
    line = text.partition("\n")[0]
    return next((kind for kind, pattern in _INTERPRETERS if pattern.match(line)), None)


def is_backup(path: str) -> bool:
    """Whether an editor or a merge left the file behind."""
    return _BACKUP.fullmatch(posixpath.basename(path)) is not None


def may_be_manifest(path: str, text: str) -> bool:
    """Whether a file of JSON may hold an object of Kubernetes, which most do not; any other YAML may."""
    return not path.endswith(".json") or '"kind"' in text
