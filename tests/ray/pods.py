"""The env of a container as the real service makes it, and as a kubelet would hand it to the process."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import jsonpatch

from tests.service import RunningService, client_pod, recorded

Object = dict[str, Any]
Review = dict[str, Any]

TOKEN: Final = "0123456789abcdef0123456789abcdef0123456789abcdef"  # noqa: S105  made up, and for loopback only
TOKEN_SECRET: Final = {"ray-token": {"auth_token": TOKEN}}
TOKEN_ENV: Final[list[Object]] = [
    {"name": "RAY_AUTH_MODE", "value": "token"},
    {"name": "RAY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": {"name": "ray-token", "key": "auth_token"}}},
]
_REFERENCE: Final = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def review_of(role: str) -> Review:
    """The review of a pod of `role`: recorded from a real API server where there is such a record.

    The head's and the worker's manifests are the seed's: they declare a ``ray://`` address. Their token is their own.
    """
    if role == "jobs":
        return client_pod({"ray.seedcore.io/connect": "jobs"})
    names = {
        "client": "deployment-client",
        "legacy client": "deployment-client-legacy-env",
        "head": "statefulset-head",
        "worker": "daemonset-worker-host-network",
    }
    review = recorded(names[role])
    if role in ("head", "worker"):
        container = review["request"]["object"]["spec"]["containers"][0]
        container["env"] = [*container["env"], *TOKEN_ENV]
    return review


def declared_env(review: Review, config_maps: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """The env of the first container as its manifest says: before the webhook."""
    return _env(review["request"]["object"], config_maps or {})


def injected_env(
    service: RunningService, review: Review, config_maps: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, str]:
    """The same after the webhook: the review is sent to `service` and its patch applied."""
    response = service.review(review)
    assert response["allowed"], response
    patch = json.loads(base64.b64decode(response["patch"]))
    return _env(jsonpatch.apply_patch(review["request"]["object"], patch), config_maps or {})


def _env(pod: Object, config_maps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """As the kubelet does it: envFrom first, then env in its order, each ``$(NAME)`` of what came before."""
    container = pod["spec"]["containers"][0]
    result: dict[str, str] = {}
    for source in container.get("envFrom", []):
        result |= config_maps.get(source["configMapRef"]["name"], {})
    for entry in container.get("env", []):
        result[entry["name"]] = _value(entry, result)
    return result


def _value(entry: Object, known: Mapping[str, str]) -> str:
    if "valueFrom" in entry:
        reference = entry["valueFrom"].get("secretKeyRef")
        return TOKEN_SECRET[reference["name"]][reference["key"]] if reference else "from-elsewhere"
    return _REFERENCE.sub(lambda match: known.get(match[1], match[0]), entry.get("value", ""))
