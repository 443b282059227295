"""What one sender may take: bytes of header and body, seconds for either and to take the answer, requests at a time.

uvicorn bounds none of these by itself (measured with 0.54). Its ``limit_concurrency`` is not used: it answers the
newest with a 503 that has no Retry-After, so that whoever holds connections locks the API server out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from webhook.errors import (
    BodyTooLargeError,
    DisconnectedError,
    MediaTypeError,
    OverloadedError,
    RequestError,
    SlowBodyError,
)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = Iterable[tuple[bytes, bytes]]

MAX_BODY: Final = 8 * 1024 * 1024 + 64 * 1024
"""Bytes: 8 MiB of object and oldObject (the API server accepts requests of 3 MiB) and their envelope."""
BODY_SECONDS: Final = 5.0
"""For the whole body; the API server gives up after timeoutSeconds, 3 as shipped."""
HEADER_SECONDS: Final = 5.0
MAX_HEADER: Final = 64 * 1024
"""Bytes; the API server's is under 1 KiB."""
ANSWER_SECONDS: Final = 5.0
"""To take an answer that is larger than what the kernel and the transport (64 KiB) hold."""
MAX_BUFFERED: Final = 64 * 1024 * 1024
"""Bytes of all bodies that are being read at a time: eight of the largest, or ten thousand usual ones."""

_TOO_LARGE: Final = {"allowed": f"at most {MAX_BODY} bytes", "fix": "send the pod that the API server sends"}


def error_body(error: RequestError) -> bytes:
    """The JSON body of an error's answer: its code and its message."""
    return msgspec.json.encode({"code": error.code, "message": error.message})


def declared_length(headers: Headers) -> int:
    """The body's length as declared, 0 where it is not; checks that the body is declared to be plain JSON.

    Raises:
        MediaTypeError: it is something else.
    """
    media_type, length = b"", b"0"
    for name, value in headers:
        if name == b"content-type":
            media_type = value
        elif name == b"content-length":
            length = value
        elif name == b"content-encoding" and value != b"identity":
            raise MediaTypeError(
                "Content-Encoding", value=value.decode("latin-1"), allowed="none", fix="send the body as it is"
            )
    if media_type != b"application/json" and media_type.partition(b";")[0].strip().lower() != b"application/json":
        raise MediaTypeError(
            "Content-Type", value=media_type.decode("latin-1"), allowed="application/json", fix="send JSON"
        )
    return int(length) if length.isdigit() else 0


@dataclass(eq=False, slots=True)
class Reader:
    """Who waits for a body.

    Attributes:
        held: bytes of it that are there.
        patience: how long it is waited for; set while that goes on.
        is_displaced: whether the body had to give way to another.
    """

    held: int = 0
    patience: asyncio.Timeout | None = None
    is_displaced: bool = False


class BodyBudget:
    """How many bytes of bodies are being held, of :data:`MAX_BUFFERED`.

    While bodies come, bytes are what is scarce, and not requests: a sender that is slow holds only what it has sent.
    Where they are too many, the body that has been waited for longest gives way and not the newest, for an API server's
    is there at once. A body that is there is not held here any more, nor is one that comes in one piece; what waits for
    its turn has bounds of its own (:mod:`webhook.server.turns`).
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.held = 0
        self._readers: dict[Reader, None] = {}

    def take(self, reader: Reader, count: int) -> None:
        """Hold `count` bytes more; raises OverloadedError where this body has to give way itself."""
        self._readers[reader] = None
        reader.held += count
        self.held += count
        while self.held > MAX_BUFFERED:
            self._displace(next(iter(self._readers)))
        if reader.is_displaced:
            raise _overloaded()

    def release(self, reader: Reader) -> None:
        """Hold nothing more of this body."""
        self._readers.pop(reader, None)
        self.held -= reader.held
        reader.held = 0

    def _displace(self, reader: Reader) -> None:
        self.release(reader)
        reader.is_displaced = True
        if reader.patience is not None:
            reader.patience.reschedule(0)


def _overloaded() -> OverloadedError:
    return OverloadedError(f"{MAX_BUFFERED} bytes of bodies are being read", fix="try again in a second")


async def read_body(headers: Headers, receive: Receive, budget: BodyBudget) -> bytes:
    """The whole body.

    Raises:
        MediaTypeError: it is not declared as JSON.
        BodyTooLargeError: it is, or is declared to be, longer than :data:`MAX_BODY`.
        SlowBodyError: it did not arrive within :data:`BODY_SECONDS`.
        DisconnectedError: the sender went away.
        OverloadedError: the bodies of all requests together are too much for `budget`.
    """
    length = declared_length(headers)
    if length > MAX_BODY:
        raise BodyTooLargeError("Content-Length", value=str(length), **_TOO_LARGE)
    reader = Reader()
    try:
        async with asyncio.timeout(BODY_SECONDS) as reader.patience:
            return await _collect(receive, budget, reader)
    except TimeoutError:
        if reader.is_displaced:
            raise _overloaded() from None
        raise SlowBodyError(
            "the body is not there", allowed=f"{BODY_SECONDS:g} seconds for all of it", fix="send it at once"
        ) from None
    finally:
        budget.release(reader)


async def _collect(receive: Receive, budget: BodyBudget, reader: Reader) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while True:
        chunk, more = await _next_chunk(receive)
        if not chunks and not more:
            return chunk
        chunks.append(chunk)
        total += len(chunk)
        budget.take(reader, len(chunk))
        if total > MAX_BODY:
            raise BodyTooLargeError("the body's length", value=f"over {MAX_BODY}", **_TOO_LARGE)
        if not more:
            return b"".join(chunks)


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    """A piece of the body, and whether more is to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError("the sender is gone", fix="nothing: there is nobody to answer")
    return message.get("body", b""), bool(message.get("more_body", False))
