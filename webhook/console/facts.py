"""What the console shows of the process and of what is around it; whoever runs it gathers this for each page anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from webhook.injection.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """The serving certificate; times are UTC."""

    subject: str
    issuer: str
    names: Sequence[str]
    not_before: datetime
    not_after: datetime
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A watch: how it fares, the resource version seen last, and for how many seconds it has brought nothing."""

    resource: str
    state: str
    failures: int
    version: str
    quiet: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """One of the processes that look after the certificate together; `silent` is for how many seconds."""

    name: str
    version: str
    silent: float
    is_leader: bool
    is_own: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Leadership:
    """The Lease: who holds it, renewed how many seconds ago, and who takes part."""

    holder: str
    renewed: float
    replicas: Sequence[Replica]


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenKey:
    """A settings key that is not in force as written."""

    source: str
    key: str
    fault: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """What is known of the cluster; no leadership where the certificate is given by others."""

    config_maps: int
    targets: int
    broken: Sequence[BrokenKey]
    watches: Sequence[Watch]
    leadership: Leadership | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All of it.

    Attributes:
        faults: what is broken and was not put into force, by what it is about.
        snapshot: what decisions are made by; None before it was read for the first time.
        cluster: None where settings come from a file.
        limits: what each is about, and how much it is.
    """

    version: str
    mode: str
    is_ready: bool
    snapshot: Snapshot | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None
    cluster: Cluster | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
