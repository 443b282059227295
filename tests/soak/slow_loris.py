"""``python -m tests.soak.slow_loris SECONDS PORT...``: holds many connections, and says next to nothing."""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress

from tests.http_stream import trusting

EACH = 300
"""Of each kind, to each port: together more than the 1,024 that a replica holds."""
HELLO = bytes.fromhex("1603010200010001fc0303")
HEADER = b"POST /mutate HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"


async def hold(port: int, tls: ssl.SSLContext | None, first: bytes) -> None:
    """Open a connection, say `first` and then a byte now and again; once more when it is closed."""
    while True:
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, ssl_handshake_timeout=60)
            writer.write(first)
            with suppress(TimeoutError):
                while not reader.at_eof():
                    await asyncio.wait_for(reader.read(1024), 1)
                    break
            for _ in range(60):
                if reader.at_eof() or writer.is_closing():
                    break
                if tls:
                    writer.write(b" ")
                await asyncio.sleep(0.5)
            writer.transport.abort()
        await asyncio.sleep(0.2)


async def main(seconds: float, ports: list[int]) -> None:
    """All of them for so long."""
    tls = trusting()
    kinds = [(None, b""), (None, HELLO), (tls, HEADER), (tls, BODY)]
    tasks = [
        asyncio.create_task(hold(port, used, first)) for port in ports for used, first in kinds for _ in range(EACH)
    ]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
