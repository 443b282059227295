"""The hot path: an AdmissionReview's bytes in, the answer's bytes out, without an await in between.

:meth:`Admission.respond` is called by the protocol itself for a body that came whole with its header, as nearly every
review does (:mod:`webhook.server.protocol`); for any other the same object is a raw ASGI endpoint that reads the body.
Either way it is decided at once, or waits for its turn where there is too much to do (:mod:`webhook.server.turns`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any, Final

import msgspec

from webhook.contract import Role
from webhook.errors import MethodError, NotReadyError, RequestError
from webhook.injection.decision import Skip, decide
from webhook.injection.excerpt import excerpt
from webhook.injection.reasons import Code, DecisionWarning
from webhook.injection.review import AdmissionRequest, parse_review
from webhook.injection.snapshot import Snapshot
from webhook.server.answers import Verdict, verdict_of
from webhook.server.decision_log import decided, names_in
from webhook.server.limits import Headers, Receive, declared_length, error_body, read_body
from webhook.server.protocol import Answer, Deliver
from webhook.server.state import Mode, State
from webhook.server.turns import Review
from webhook.server.verdicts import Verdicts

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


_FAULT: Final = Skip(
    code=Code.FAULT,
    warnings=(DecisionWarning(Code.FAULT, "internal fault of the webhook; the pod was left as it is"),),
)
_JSON: Final = ((b"content-type", b"application/json"),)
_CLOSE: Final = ((b"connection", b"close"),)
_RETRY: Final = ((b"retry-after", b"1"),)


class Admission:
    """One admission path.

    Args:
        state: shared with the other parts.
        default_role: what the path says of the namespace, or None.
    """

    def __init__(self, state: State, default_role: Role | None) -> None:
        """See the class."""
        self._state = state
        self._verdicts = Verdicts()
        self._default_role = default_role

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            _check_method(scope["method"])
            self._snapshot()
            body = await self._read(scope["headers"], receive)
            answer = await self._in_turn(scope["headers"], body, receive)
        except RequestError as error:
            answer = self._refusal(error)
        start = [*_JSON, (b"content-length", b"%d" % len(answer.body)), *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": start})
        await send({"type": "http.response.body", "body": answer.body})

    def respond(self, headers: Headers, body: bytes, deliver: Deliver, is_gone: Callable[[], bool]) -> None:
        """Answer a POST whose body is there, at once or in a later turn, where its sender is not gone by then."""
        turns = self._state.turns
        if turns.is_free:
            began = perf_counter()
            deliver(self._decided(headers, body))
            turns.spend(perf_counter() - began)
            return
        review = Review(
            size=len(body),
            decide=lambda: deliver(self._decided(headers, body)),
            # The connection stays: a new one would cost more than many a review, and the whole body was read.
            refuse=lambda error: deliver(self._refusal(error, connection=())),
            is_gone=is_gone,
        )
        turns.wait(review)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        self._state.reading += 1
        try:
            return await read_body(headers, receive, self._state.budget)
        finally:
            self._state.reading -= 1

    async def _in_turn(self, headers: Headers, body: bytes, receive: Receive) -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        # After the whole body nothing can come but that its sender is gone.
        gone = asyncio.ensure_future(receive())
        try:
            self.respond(headers, body, answered.set_result, gone.done)
            return await answered
        finally:
            gone.cancel()

    def _decided(self, headers: Headers, body: bytes) -> Answer:
        try:
            snapshot = self._snapshot()
            declared_length(headers)
            return Answer(200, self._answer(body, snapshot))
        except RequestError as error:
            return self._refusal(error)

    def _refusal(self, error: RequestError, connection: Headers = _CLOSE) -> Answer:
        """The error's status and a JSON body; counted, and the connection is closed, unless `connection` is empty."""
        self._state.metrics.refused.labels(error.code).inc()
        retry = _RETRY if error.status == NotReadyError.status else ()
        return Answer(error.status, error_body(error), (*retry, *connection))

    def _snapshot(self) -> Snapshot:
        """The snapshot to decide by, if there is one."""
        if self._state.snapshot is None:
            raise NotReadyError("settings are not there yet", fix="try again in a second")
        return self._state.snapshot

    def _answer(self, body: bytes, snapshot: Snapshot) -> bytes:
        started = perf_counter()
        request = parse_review(body)
        seen = excerpt(request, commands=self._default_role is not None)
        verdict = self._verdict(request, snapshot) if seen is None else self._kept(request, seen[0], snapshot)
        answer = verdict.answer(request.uid)
        seconds = perf_counter() - started
        self._state.metrics.duration.observe(seconds)
        self._state.metrics.count_decision(verdict, request.operation)
        names = seen[1] if seen else names_in(request.object)
        fields = decided(request, names, verdict, seconds)
        self._state.log.write_later("info", "decision", fields)
        self._state.decided(fields, verdict.told)
        return answer

    def _kept(self, request: AdmissionRequest, read: bytes, snapshot: Snapshot) -> Verdict:
        """The verdict about all pods of which the rules would `read` the same."""
        key = (request.namespace or "", read)
        found = self._verdicts.find(key, snapshot)
        if found is None:
            request.object = msgspec.Raw(read)
            found = self._verdict(request, snapshot)
            if found.code not in _FAULTS:
                self._verdicts.keep(key, found)
        return found

    def _verdict(self, request: AdmissionRequest, snapshot: Snapshot) -> Verdict:
        try:
            decision = decide(request, snapshot, default_role=self._default_role)
        except Exception as error:  # noqa: BLE001  whatever goes wrong in the rules, the pod is let through
            self._state.log.fault("fault", error, uid=request.uid, code=Code.FAULT)
            decision = _FAULT
        if decision.code.value in _FAULTS:
            self._state.metrics.faults.labels(decision.code.value).inc()
        observes = self._state.mode is Mode.OBSERVE
        return verdict_of(decision, observes=observes, told=self._state.tell(decision))


def _check_method(method: str) -> None:
    if method != "POST":
        raise MethodError("method", value=method, allowed="POST", fix="send an AdmissionReview")


_FAULTS: Final = frozenset({Code.FAULT.value, Code.PATCH_REFUSED.value})
