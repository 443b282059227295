"""What is noise by default: notes with codes of their own, for tests and for addresses of the machine itself."""

from __future__ import annotations

import re
from typing import Final

from webhook.injection.findings import LintCode
from webhook.manifests.lint.finding import File, Level

_TEST: Final = re.compile(r"(?:^|/)(?:(?:tests?|testing)/|(?:conftest\.py|test_[^/]*|[^/]*_tests?\.\w+)$)")


def is_test(file: File) -> bool:
    """Whether the file is a test, by its name or a folder's."""
    return _TEST.search(file.path.removeprefix(file.root)) is not None


def settled(code: LintCode, level: Level, *, loopback: bool, test: bool) -> tuple[LintCode, Level]:
    """The code and level of a finding, by where it is found."""
    if test:
        return LintCode.IN_TEST, Level.NOTE
    if loopback and level is not Level.ERROR:
        return LintCode.LOOPBACK, Level.NOTE
    return code, level
