"""The API server's own record of who asked for what: our ServiceAccounts' requests, and creations of some pods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.installation import AUDITOR, USER

AUDITED_NAMESPACE: Final = "audited"
"""Creations of pods here are in the log as well."""

_POLICY: Final = f"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {{level: Metadata, users: ["{USER}", "{AUDITOR}"]}}
  - level: Metadata
    namespaces: ["{AUDITED_NAMESPACE}"]
    verbs: [create]
    resources: [{{group: "", resources: [pods]}}]
  - {{level: None}}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLog:
    """The log and the policy by which it is written; both are in `folder`."""

    folder: Path

    def flags(self) -> tuple[str, ...]:
        """The API server's flags; the policy is written now."""
        policy = self.folder / "audit-policy.yaml"
        policy.write_text(_POLICY, encoding="utf-8")
        return (f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")

    @property
    def _log(self) -> Path:
        return self.folder / "audit.log"

    def requests(self, user: str) -> Iterator[dict[str, Any]]:
        """The audit events of `user` so far; a watch has one when it begins and one when it ends."""
        whole, _, _being_written = self._log.read_text(encoding="utf-8").rpartition("\n")
        for line in whole.splitlines():
            event = json.loads(line)
            if event["user"]["username"] == user:
                yield event
