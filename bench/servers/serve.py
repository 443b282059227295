"""``python serve.py MODULE CERTIFICATE KEY``: `app` of that module, on uvicorn as fast as it goes, with TLS.

Prints the port that it listens on.
"""

from __future__ import annotations

import socket
import sys
from importlib import import_module
from pathlib import Path

import uvicorn


def main(module: str, certificate: str, key: str) -> None:
    """Serve until SIGTERM."""
    sys.path.insert(0, str(Path(__file__).parent))
    app = import_module(module).app
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=120,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
