"""What stands for the cluster's network between the API server and the webhook's pods.

Where nodes are in a network of their own, the API server reaches Services through a proxy that it asks to CONNECT (an
``EgressSelectorConfiguration``). So it does here, and what is installed is the shipped Service and configuration.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

from tests.e2e.balancer import Balancer

_LONGEST: Final = 100
"""Of a UNIX socket's path; the kernel has room for 107 characters."""


class Network(Balancer):
    """Leads whatever address the API server asks for to `targets`: the webhook's is the only Service it calls."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._socket = folder / "network"
        assert len(str(self._socket)) < _LONGEST, f"the path of the socket is too long: {self._socket}"

    def api_server_flags(self) -> list[str]:
        """Flags by which the API server takes this way; the file is written beside the socket."""
        transport = {"uds": {"udsName": str(self._socket)}}
        connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
        content = {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": connection}],
        }
        file = self._socket.with_name("egress.json")
        file.write_text(json.dumps(content), encoding="utf-8")
        return [f"--egress-selector-config-file={file}"]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._serve, self._socket)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await super()._serve(reader, writer)
