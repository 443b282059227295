"""The reviews that are sent: recorded ones of each role, and larger ones made from them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.service import FIXTURES, client_pod, recorded

_NUMBER = "########"
_numbers = itertools.count()
ROLES = {
    "client": "deployment-client",
    "client that declares all": "deployment-client-legacy-env",
    "head": "statefulset-head",
    "worker": "daemonset-worker-host-network",
    "KubeRay head": "kuberay-head",
    "KubeRay worker": "kuberay-worker",
}
"""What people call it, and the file's name."""


def of_role(role: str) -> bytes:
    return (FIXTURES / "reviews" / f"{ROLES[role]}.json").read_bytes()


def unlike(body: bytes) -> bytes:
    """The review of a pod that :func:`numbered` makes unlike any other, whatever is kept of those before."""
    review = json.loads(body)
    review["request"]["object"]["spec"]["containers"][0]["name"] = f"app-{_NUMBER}"
    return encoded(review)


def numbered(request: bytes) -> bytes:
    """The next one of its kind; one that is not of :func:`unlike` stays as it is."""
    return request.replace(_NUMBER.encode(), b"%08d" % next(_numbers))


def of_each_kind() -> dict[str, bytes]:
    """Those that costs are compared for, by what they are."""
    roles = {role: of_role(role) for role in ROLES}
    return roles | {"client unlike any before": unlike(roles["client"]), "12 KB": of_12_kilobytes()}


def of_12_kilobytes() -> bytes:
    """3 containers of 15 variables each, in a recorded review."""
    review = recorded("deployment-client")
    spec: dict[str, Any] = review["request"]["object"]["spec"]
    env = [{"name": f"SETTING_{index}", "value": f"a value of some length, number {index}"} for index in range(15)]
    first = spec["containers"][0]
    spec["containers"] = [{**first, "name": f"c{index}", "env": env} for index in range(3)]
    body = encoded(review)
    pad = 12_600 - len(body)
    if pad > 0:
        review["request"]["object"]["metadata"]["annotations"]["example.com/notes"] = "x" * pad
    return encoded(review)


def of_3_megabytes() -> bytes:
    """48 containers of 1,000 variables each."""
    review = client_pod()
    env = [{"name": f"VARIABLE_{index}", "value": "a value of some length, 29 B."} for index in range(1000)]
    containers = [{"name": f"c{index}", "image": "busybox", "env": env} for index in range(48)]
    review["request"]["object"]["spec"]["containers"] = containers
    return encoded(review)


def encoded(review: dict[str, Any]) -> bytes:
    """As the API server writes it, without a blank."""
    return json.dumps(review, separators=(",", ":")).encode()
