"""From a mounted Secret of one's own (the component own-certificate) to the default, as certs/README.md says."""

from __future__ import annotations

import signal
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Document, send
from tests.control_plane.process import wait_for
from tests.e2e.certificates.fleet import CONFIGURATION, LEASE, SECRET, Fleet, served
from tests.e2e.certificates.test_healing import JSON_PATCH
from tests.e2e.certificates.test_rotation import Watching
from tests.e2e.installation import NAMESPACE, SERVICE_NAME
from tests.e2e.support import next_host
from tests.service import RunningService, running_service
from webhook.certificates.authority import KeyPair, issue_authority, issue_serving

pytestmark = pytest.mark.e2e

LAME_DUCK: Final = ("--lame-duck", "2")


def bring_ones_own(plane: ControlPlane, fleet: Fleet, folder: Path) -> tuple[str, ...]:
    """A cluster in which somebody else has issued the certificate; gives the flags by which it is served."""
    for replica in list(fleet.replicas):
        fleet.kill(replica)
    send(plane.admin, "DELETE", LEASE).checked()
    send(plane.admin, "DELETE", SECRET).checked()
    now = datetime.now(UTC)
    authority = issue_authority(now)
    pair = issue_serving(authority, [SERVICE_NAME], now)
    plane.apply([secret(pair)])
    bundle = b64encode(authority.certificate).decode()
    trust: list[Document] = [
        {"op": "add", "path": f"/webhooks/{n}/clientConfig/caBundle", "value": bundle} for n in (0, 1)
    ]
    send(plane.admin, "PATCH", CONFIGURATION, trust, content_type=JSON_PATCH).checked()
    certificate, key = folder / "own.crt", folder / "own.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    return "--tls-cert", str(certificate), "--tls-key", str(key)


def secret(pair: KeyPair) -> dict[str, object]:
    """As ``kubectl create secret tls`` makes it."""
    data = {"tls.crt": b64encode(pair.certificate).decode(), "tls.key": b64encode(pair.key).decode()}
    metadata = {"name": SECRET.rpartition("/")[2], "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def start_uncalled(fleet: Fleet) -> RunningService:
    """A new pod, which is in the Service when it is ready."""
    flags = ("--kubeconfig", str(fleet.kubeconfig))
    return fleet.stack.enter_context(running_service(fleet.folder, *flags, settings=None, self_signed=False))


def is_ready(replica: RunningService) -> bool:
    return replica.ops("/readyz")[0] == 200


def test_no_pod_is_missed_on_the_way_to_a_certificate_that_looks_after_itself(
    plane: ControlPlane, fleet: Fleet, tmp_path: Path
) -> None:
    own = bring_ones_own(plane, fleet, tmp_path)
    old = [fleet.start(*own, *LAME_DUCK) for _ in range(2)]
    fleet.await_ready()
    wait_for(lambda: next_host(plane, "default") == "wide", "the API server trusts the own certificate")

    with Watching(plane, fleet) as watching:
        new = [start_uncalled(fleet) for _ in range(2)]
        wait_for(lambda: any(one.events("the Secret is left alone") for one in new), "the fix is told")
        assert not any(map(is_ready, new))
        send(plane.admin, "DELETE", SECRET).checked()
        wait_for(lambda: all(map(is_ready, new)), "the new ones are ready")
        for replica, successor in zip(old, new, strict=True):
            fleet.replicas.append(successor)
            fleet.replicas.remove(replica)
            fleet._call()
            shaken = watching.handshakes
            wait_for(lambda: watching.handshakes >= shaken + 2, "nobody shakes hands with the old one any more")  # noqa: B023
            replica.process.send_signal(signal.SIGTERM)
            replica.process.wait(timeout=20)
        seen = watching.pods
        wait_for(lambda: watching.pods >= seen + 20, "pods are created after it")

    assert watching.misses == []
    assert served(new[0]) == served(new[1]) != ""
