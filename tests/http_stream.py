"""For senders that cost little: HTTP answers read from a stream that is kept, over TLS that trusts anybody."""

from __future__ import annotations

import asyncio
import ssl


def trusting() -> ssl.SSLContext:
    """TLS that does not look at who answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def length_of(head: bytes) -> int:
    """How long the body is that follows `head`; each of the service's answers says so."""
    return int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r")[0])


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the head, in lower case, of the next answer; its body is read, too."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(length_of(head))
    return int(head.split(maxsplit=2)[1]), head
