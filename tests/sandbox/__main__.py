"""`make cluster`: the cluster of this folder until Ctrl-C, with its kubeconfig where a reader finds it."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.errors import ControlPlaneError
from tests.control_plane.objects import send
from tests.sandbox.cluster import sandbox

KUBECONFIG: Final = Path(".cluster") / "kubeconfig"
"""In the current folder."""


def main() -> int:
    """Run it; the exit status is 0 after Ctrl-C, 2 where no control plane can be had."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with sandbox() as plane:
            write_kubeconfig(plane)
            print(told(plane), flush=True)
            stopping.wait()
            print("Ending", flush=True)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        KUBECONFIG.unlink(missing_ok=True)
    return 0


def write_kubeconfig(plane: ControlPlane) -> None:
    """A copy that names no file beside it."""
    flattened = plane.kubectl("config", "view", "--raw", "--flatten").stdout
    KUBECONFIG.parent.mkdir(exist_ok=True)
    KUBECONFIG.touch(mode=0o600)
    KUBECONFIG.write_text(flattened, encoding="utf-8")


def told(plane: ControlPlane) -> str:
    """What it is, and how to get at it."""
    version = send(plane.admin, "GET", "/version").checked()["gitVersion"]
    return (
        f"A Kubernetes {version} API server is ready. Pods are only shown as running; the webhook's run for real.\n"
        f"In other terminals:\n"
        f"  export KUBECONFIG={KUBECONFIG.resolve()}\n"
        "Ctrl-C ends it, with all that is in it."
    )


if __name__ == "__main__":
    sys.exit(main())
