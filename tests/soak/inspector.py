"""Looks at every pod that is there at the end: none may have been missed, and none have anything but its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e.expected import client_env
from tests.e2e.support import env_of
from tests.e2e.workloads import PREFIX
from tests.soak.creator import Creator
from tests.soak.settings import Settings

Object = dict[str, Any]

PAGE = "500"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Names of pods.

    Attributes:
        missed: went past the webhook.
        wrong: have another env than the contract says, for the settings in force around their creation.
        lost: were answered with 201, but are not there.
    """

    missed: list[str]
    wrong: list[str]
    lost: list[str]


def inspect(plane: ControlPlane, namespace: str, creator: Creator, settings: Settings) -> Found:
    """Judge all pods of the namespace, those too whose creator was not told of them."""
    missed, wrong, seen = [], [], set()
    for pod in pods(plane, namespace):
        name = pod["metadata"]["name"]
        seen.add(name)
        if was_missed(pod):
            missed.append(name)
        elif env_of(pod) not in [client_env(host) for host in hosts(name, creator, settings)]:
            wrong.append(name)
    return Found(missed=missed, wrong=wrong, lost=sorted(creator.created.keys() - seen))


def pods(plane: ControlPlane, namespace: str) -> Iterator[Object]:
    """All pods, a page at a time."""
    query = {"limit": PAGE}
    while True:
        page = send(plane.admin, "GET", f"/api/v1/namespaces/{namespace}/pods", query=query).checked()
        yield from page["items"]
        if not (more := page["metadata"].get("continue")):
            return
        query["continue"] = more


def was_missed(pod: Object) -> bool:
    """Whether the webhook did not treat a client: it always leaves both its record and an address."""
    has_address = any(entry["name"] == "RAY_ADDRESS" for entry in env_of(pod))
    return not has_address or f"{PREFIX}status" not in pod["metadata"]["annotations"]


def hosts(name: str, creator: Creator, settings: Settings) -> set[str]:
    """What a pod's RAY_HOST may be; anything that was ever in force where its creator had no answer."""
    attempt = creator.created.get(name)
    return settings.in_force(attempt.begun, attempt.done) if attempt else settings.in_force(0, float("inf"))
