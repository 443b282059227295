"""Which pods are sent, and where to; tests/e2e/test_audit.py compares it with what the API server does."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.contract import Role
from webhook.injection.routing import Route, is_followed, route

ROLE = {"ray.seedcore.io/role": "client"}
KUBERAY = {"ray.io/node-type": "head", "app.kubernetes.io/created-by": "kuberay-operator"}
DEFAULT = {"ray.seedcore.io/default-role": "client"}
MIRROR = {"kubernetes.io/config.mirror": "abc"}


@pytest.mark.parametrize(
    ("namespace", "labels", "followed"),
    [
        ("apps", {}, True),
        ("apps", {"ray.seedcore.io/injection": "enabled"}, True),
        ("apps", {"ray.seedcore.io/injection": "disabled"}, False),
        ("kube-system", {}, False),
        ("kube-node-lease", DEFAULT, False),
        ("own", DEFAULT, False),
    ],
)
def test_a_namespace_is_followed_unless_it_is_the_systems_our_own_or_says_no(
    namespace: str, labels: dict[str, Any], followed: bool
) -> None:
    assert is_followed(namespace, labels, webhook_namespace="own") is followed


@pytest.mark.parametrize(
    ("labels", "annotations", "namespace_labels", "sent"),
    [
        ({}, {}, {}, None),
        ({}, ROLE, {}, Route(default_role=None)),
        ({}, {"ray.seedcore.io/role": "bad"}, {}, Route(default_role=None)),
        ({}, ROLE, DEFAULT, Route(default_role=None)),
        ({}, {}, DEFAULT, Route(default_role=Role.CLIENT)),
        ({}, {}, {"ray.seedcore.io/default-role": "worker"}, None),
        (KUBERAY, {}, {}, Route(default_role=None)),
        (KUBERAY, {}, DEFAULT, Route(default_role=None)),
        ({"ray.io/node-type": "head"}, {}, {}, None),
        ({"ray.io/node-type": "head"}, {}, DEFAULT, Route(default_role=Role.CLIENT)),
        ({"app.kubernetes.io/created-by": "kuberay-operator"}, {}, {}, None),
        ({}, ROLE | MIRROR, DEFAULT, None),
    ],
)
def test_a_pod_is_sent_by_its_role_by_kuberays_labels_or_by_its_namespaces_default(
    labels: dict[str, Any], annotations: dict[str, Any], namespace_labels: dict[str, Any], sent: Route | None
) -> None:
    assert route(labels, annotations, namespace_labels=namespace_labels) == sent
