"""Findings for programs: a JSON document of our own, and SARIF 2.1.0."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote as quote_url

import msgspec

from webhook import __version__
from webhook.cli.lint_report import Report
from webhook.injection.codes import ReasonCode
from webhook.manifests.lint.finding import Finding, Level

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_json(report: Report) -> str:
    """The report as JSON: ``version`` rises where a key changes its meaning or goes; new keys may come."""
    counts = report.counts
    document = {
        "version": 1,
        "files": report.files,
        "counts": {level.value: counts[level] for level in Level},
        "findings": [_finding(finding) for finding in report.findings],
    }
    return _formatted(document)


def _finding(finding: Finding) -> dict[str, Any]:
    declared = finding.declared
    return {
        "code": finding.code,
        "level": finding.level,
        "file": finding.path.encode(errors="backslashreplace").decode(),  # names need not be UTF-8
        "line": finding.line,
        "column": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
        "message": finding.message,
        "fix": finding.fix,
        "variable": declared.name if declared else None,
        "value": declared.value if declared else None,
        "role": declared.role if declared else None,
        "workload": declared.workload if declared else None,
        "container": declared.container if declared else None,
    }


def as_sarif(report: Report) -> str:
    """The report as SARIF (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning and editors."""
    found = list(report.findings)
    codes = sorted({finding.code for finding in found})
    driver = {"name": "ray-webhook", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes) for finding in found],
    }
    return _formatted({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: ReasonCode) -> dict[str, Any]:
    return {
        "id": code,
        "name": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.meaning},
        "help": {"text": code.fix},
    }


def _result(finding: Finding, codes: Sequence[ReasonCode]) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    place = {"artifactLocation": {"uri": _uri(finding.path)}, "region": region}
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.level,
        "message": {"text": f"{finding.message}; {finding.fix}"},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: str) -> str:
    written = quote_url(path.encode(errors="surrogateescape"))
    return f"file://{written}" if posixpath.isabs(path) else written


def _formatted(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document)).decode()
