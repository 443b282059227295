"""A cluster on this machine to try the webhook on: a real control plane, and what stands for nodes and network.

Nothing is installed in it but the kinds of KubeRay: whoever uses it installs the webhook as on any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.control_plane.build import find_assets
from tests.control_plane.cluster import ControlPlane
from tests.e2e import targets
from tests.e2e.balancer import balancing
from tests.sandbox.network import Network
from tests.sandbox.nodes import Nodes


@contextmanager
def sandbox() -> Iterator[ControlPlane]:
    """The cluster, while the block runs; its files are in a folder of its own, with a short path for its socket.

    Raises:
        ControlPlaneError: the control plane could not be built or started.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ray-webhook-")))
        network = Network(folder)
        stack.enter_context(balancing(network))
        plane = ControlPlane(find_assets(), folder, api_server_flags=network.api_server_flags())
        stack.enter_context(plane)
        plane.apply([*targets.definitions(), targets.definition("RayJob")])
        stack.enter_context(Nodes(plane, network, folder).running())
        yield plane
