"""The service's application of the TLS port, called as uvicorn calls it, without a socket in between.

Nothing of it stands in for the real: the application, its state, its metrics and its log are those of ``serve``.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.fuzz.oracles import check_answer, check_log, check_repeated, patched_review, require
from webhook import contract
from webhook.injection.snapshot import Snapshot
from webhook.server.app import AdmissionApp
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.state import Mode, State

PATHS: Final = (contract.MUTATE_PATH, contract.DEFAULT_CLIENT_PATH)
_HEADERS: Final = [(b"content-type", b"application/json")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer with the log lines that were written meanwhile."""

    status: int
    json: Any
    lines: Sequence[bytes]


class InProcess:
    """The application with what it knows; `state.snapshot` may be replaced, as a change of the settings does."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Start with `snapshot`."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  as long as the application
        self._loop = asyncio.new_event_loop()  # a Runner would set its signal handlers at each call
        log = Log(self._log.fileno(), LogFormat.JSON)
        self.state = State(mode=Mode.ENFORCE, metrics=Metrics(Mode.ENFORCE), log=log, snapshot=snapshot)
        self._app = AdmissionApp(self.state)

    def close(self) -> None:
        """Give back what the operating system lent."""
        self._loop.close()
        self._log.close()

    def post(self, content: bytes, path: str) -> Reply:
        """POST `content`; a body of an odd length comes in two pieces."""
        pieces = [content[: len(content) // 2], content[len(content) // 2 :]] if len(content) % 2 else [content]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": _HEADERS}
        self._loop.run_until_complete(self._app(scope, receive, send))
        start, body = sent
        require(dict(start["headers"])[b"content-length"] == b"%d" % len(body["body"]), "content-length is wrong")
        return Reply(status=start["status"], json=json.loads(body["body"]), lines=self._taken_lines())

    def _taken_lines(self) -> list[bytes]:
        self._log.seek(0)
        lines = self._log.readlines()
        self._log.seek(0)
        self._log.truncate()
        return lines

    def check(self, content: bytes, path: str, aliases: Iterable[str] = ()) -> Any:
        """POST `content`, and the pod as it was patched once more; returns the first AdmissionResponse, if any.

        Raises:
            Violation: a promise was broken.
        """
        faults = self._count_faults()
        reply = self.post(content, path)
        response = check_answer(reply.status, reply.json, content)
        check_log(reply.lines, content)
        require(len(reply.lines) == (reply.status == 200), f"{len(reply.lines)} log lines of one answer")
        again = patched_review(content, response, aliases) if response else None
        if again is not None:
            repeated = self.post(again, path)
            check_repeated(repeated.status, repeated.json)
        require(self._count_faults() == faults, "a fault is counted")
        require((self.state.in_flight, self.state.budget.held) == (0, 0), "a request or its body is still held")
        return response

    def _count_faults(self) -> float:
        return sum(sample.value for metric in self.state.metrics.faults.collect() for sample in metric.samples)
