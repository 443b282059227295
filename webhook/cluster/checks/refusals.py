"""How the API server refuses for want of a right."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from webhook.cluster.checks.shipped import Right
from webhook.errors import ClusterError

_REFUSED: Final = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>[a-z]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)"| at the cluster scope)?'
)
"""The words of its RBAC, tried on 1.36."""


def refused(message: str) -> tuple[str, Right] | None:
    """Who lacks which right, by the API server's `message`; None where it refuses for another reason."""
    found = _REFUSED.search(message)
    if found is None:
        return None
    user, namespace = found["user"], found["namespace"] or ""
    return user, Right(verb=found["verb"], group=found["group"], resource=found["resource"], namespace=namespace)


def is_missing_right(error: ClusterError) -> bool:
    """Whether the API server refuses for want of a right, and not by a policy, a quota or a webhook."""
    return error.status == HTTPStatus.FORBIDDEN and refused(error.said) is not None
