"""All faults, in the order in which one run lives through them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tests.soak import certificates, peers, planes, processes
from tests.soak.stage import Fault

HOUR: Final = timedelta(hours=1)

ALL: Final = (
    Fault(name="etcd paused", act=planes.etcd_paused, interrupts=True),
    Fault(name="API server restarted", act=planes.api_server_restart, interrupts=True),
    Fault(name="settings flapping", act=peers.flapping_settings),
    Fault(name="slow and half-open clients", act=peers.slow_clients),
    Fault(name="overload, 5 times", act=peers.overload, refused_seconds=60),
    Fault(name="caBundle broken", act=certificates.broken_bundle, refused_seconds=2),
    Fault(name="caBundle removed", act=certificates.removed_bundle, refused_seconds=2),
    Fault(name="rotation", act=certificates.rotation),
    Fault(name="Secret deleted", act=certificates.deleted_secret),
    Fault(name="leader's clock 1 h fast", act=certificates.issuing_with_clock(HOUR)),
    Fault(name="leader's clock 1 h slow", act=certificates.issuing_with_clock(-HOUR)),
    Fault(name="log's disk full", act=processes.full_disk),
    Fault(name="rolling restart", act=processes.rolling_restart),
    Fault(name="leader killed", act=processes.kill_the_leader, refused_seconds=3),
)
"""The last one at the end: a rotation waits for minutes for a replica that has not said goodbye."""

_SLOW: Final = (certificates.rotation, certificates.deleted_secret)
FEW: Final = tuple(fault for fault in ALL if fault.act not in _SLOW and "clock" not in fault.name)
"""Without rotations, which have tests of their own (tests/e2e/certificates), and without libfaketime, under
which a Python that starts may crash (SIGSEGV, seen)."""
