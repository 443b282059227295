"""The files that are linted: those that were named, and those in the folders that were named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.cli.output import read_input
from webhook.cli.staging import leads_out
from webhook.errors import InputError
from webhook.manifests.lint.finding import FileKind
from webhook.manifests.lint.kinds import is_backup, kind_by_content, kind_by_name

MAX_LINTED: Final = 8 * 1024 * 1024
"""Bytes of one file; as many of YAML take some 25 s and 400 MB. etcd takes no object of more than 1.5 MiB."""
STANDARD_INPUT: Final = "-"
_HEAD: Final = 8192
_SKIPPED_FOLDERS: Final = frozenset({"node_modules", "__pycache__", "site-packages"})
_VIRTUALENV: Final = "pyvenv.cfg"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A file that may be linted.

    Attributes:
        path: with ``/`` between its parts and nothing to leave out.
        kind: what it is read as; None where its name and its first line do not tell.
        is_named: whether the user named it, so that it is looked at whatever it is.
        root: what of the path says nothing about the file, as it is but where the folder that was given lies.
        is_outside: whether it is behind a symbolic link that leads out of the folder in which it was found.
        fault: why nothing is known of it: it is a folder that cannot be listed.
    """

    path: str
    kind: FileKind | None
    is_named: bool
    root: str = ""
    is_outside: bool = False
    fault: str | None = None


class FileTree:
    """The files of this machine, as :class:`~webhook.manifests.lint.context.Tree` asks for them."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder at `path`."""
        return _holds(Path(path).exists)

    def read(self, path: str) -> str | None:
        """The text of the file at `path`, or None where there is none that can be read."""
        try:
            return read_input(path, limit=MAX_LINTED)
        except (InputError, ValueError):  # a path out of a file may hold what no path can
            return None


def candidates_in(names: Iterable[str]) -> Iterator[Candidate]:
    """The files behind `names`, each once, in the order of the names and of their paths."""
    seen: set[str] = set()
    for name in names:
        for candidate in _behind(name):
            if candidate.path not in seen:
                seen.add(candidate.path)
                yield candidate


def _behind(name: str) -> Iterator[Candidate]:
    if name == STANDARD_INPUT:
        yield Candidate(path=name, kind=FileKind.YAML, is_named=True)
    elif _holds(Path(name).is_dir):
        yield from _in_folder(name)
    else:
        path = _normal(name)
        kind = kind_by_name(path) or _kind_by_content(path) or FileKind.YAML
        yield Candidate(path=path, kind=kind, is_named=True, root=_root(str(Path(name).parent)))


def _in_folder(name: str) -> Iterator[Candidate]:
    faults: list[OSError] = []
    root = _root(name)
    for folder, folders, files in os.walk(name, onerror=faults.append):
        folders[:] = sorted(one for one in folders if not _is_skipped(folder, one))
        for file in sorted(files):
            path = _normal(str(Path(folder, file)))
            if is_backup(path) or not _holds(Path(path).is_file):  # no pipe or device that would never end
                continue
            kind = kind_by_name(path)
            if kind is None and not Path(path).suffix:
                kind = _kind_by_content(path)
            is_outside = leads_out(Path(path), Path(name))
            yield Candidate(path=path, kind=kind, is_named=False, root=root, is_outside=is_outside)
    for error in faults:
        told = f"the folder cannot be listed ({error.strerror})"
        yield Candidate(path=_normal(str(error.filename)), kind=FileKind.YAML, is_named=True, fault=told)


def _root(folder: str) -> str:
    """What of an absolute path is not asked about: the working directory, or else the `folder` that was given."""
    given, here = Path(os.path.normpath(folder)), Path.cwd()
    if not given.is_absolute():
        return ""
    return f"{(here if given.is_relative_to(here) else given).as_posix()}/"


def _is_skipped(folder: str, name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED_FOLDERS or _holds(Path(folder, name, _VIRTUALENV).exists)


def _holds(question: Callable[[], bool]) -> bool:
    """Whether it holds; of what cannot be a path, or be asked about, nothing does."""
    try:
        return question()
    except (OSError, ValueError):
        return False


def _normal(path: str) -> str:
    return Path(os.path.normpath(path)).as_posix()


def _kind_by_content(path: str) -> FileKind | None:
    return kind_by_content(_head(path).decode(errors="replace"))


def is_binary(path: str) -> bool:
    """Whether the file at `path` is no text at all."""
    return b"\0" in _head(path)


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""
