"""An application that uses ray_config and serves its metrics: ``application.py PORT FOLDER_OF_THE_FAKE_RAY``.

Ray is not installed here, so the fake of ray_config's own tests stands for it: the sessions are not real, and last no
time worth measuring. All else is: ray_config's public functions, which find that a port refuses and that an address is
wrong, lose a session, connect anew, and count it. The process ends with the one that started it.
"""

from __future__ import annotations

import select
import socketserver
import sys
import threading
from contextlib import suppress
from typing import Final

from prometheus_client import start_http_server

from ray_config import RayConfigError, init_ray_with_smart_defaults, is_connected, wait_ready

REFUSED: Final = "ray://127.0.0.1:1"
"""Nobody listens there."""
BAD: Final = "ray://"
_PAUSE: Final = 0.3


def main() -> None:
    """Serve the metrics, and make them move."""
    port, fake_ray = sys.argv[1:]
    sys.path.insert(0, fake_ray)
    # The fake is none for gRPC, by which a probe would ask further.
    sys.modules["grpc"] = None  # type: ignore[assignment]
    start_http_server(int(port), addr="127.0.0.1")
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as head:
        threading.Thread(target=head.serve_forever, daemon=True).start()
        while not select.select([sys.stdin], [], [], _PAUSE)[0]:
            connect_in_every_way(f"ray://127.0.0.1:{head.server_address[1]}")


def connect_in_every_way(address: str) -> None:
    """One round; it ends without a session."""
    import ray

    for wrong in (REFUSED, BAD):
        with suppress(RayConfigError):
            init_ray_with_smart_defaults(wrong, retry=0)
    init_ray_with_smart_defaults(address)
    ray.die()
    is_connected()
    wait_ready()
    ray.shutdown()


if __name__ == "__main__":
    main()
