"""The shipped ClusterRole: each of its rights is used, and nothing beyond them ever succeeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.control_plane.process import wait_for
from tests.e2e import installation, workloads
from tests.e2e.audit import AuditLog
from tests.e2e.installation import GROUPS, NAMESPACE, USER
from tests.e2e.rights import Right, every_right, granted, is_allowed, is_url_allowed, used
from tests.e2e.support import DRY_RUN, seconds_until, watch_states
from tests.service import RunningService

pytestmark = pytest.mark.e2e

EVENT = "ray-settings.ray-webhook"
NOBODY = ("system:serviceaccount:default:nobody", ("system:serviceaccounts", "system:authenticated"))
"""A ServiceAccount that nobody has granted anything."""


@pytest.fixture(scope="module")
def shipped(plane: ControlPlane) -> set[Right]:
    """Without those of the certificate that looks after itself, for the service here is given one."""
    return granted(installation.named(installation.rendered(plane), "ClusterRole", installation.NAME))


@pytest.fixture(scope="module")
def of_certificate(plane: ControlPlane) -> set[Right]:
    return installation.certificate_rights(installation.rendered(plane))


def test_the_shipped_rights_are_these(shipped: set[Right]) -> None:
    """Spelt out once more, so that a new one is a decision and no accident."""
    targets = {
        Right(verb=verb, group="ray.io", resource=resource)
        for verb in ("list", "watch")
        for resource in ("rayclusters", "rayservices")
    }
    settings = {Right(verb=verb, group="", resource="configmaps", name="ray-settings") for verb in ("list", "watch")}
    events = {Right(verb=verb, group="", resource="events", name=EVENT) for verb in ("create", "patch")}
    assert shipped == targets | settings | events


def test_all_verbs_on_all_resources_are_forbidden_but_the_shipped_ones(
    plane: ControlPlane, service: RunningService, shipped: set[Right], of_certificate: set[Right]
) -> None:
    """Besides what every ServiceAccount may, such as asking what it may."""
    shipped = shipped | of_certificate
    asked = {named for right in every_right(plane) for named in with_names(right, shipped)}
    assert len(asked) > 1000
    assert shipped <= asked
    allowed = {right for right in asked if is_allowed(plane, USER, GROUPS, right, namespace=NAMESPACE)}
    everybodys = {right for right in allowed - shipped if is_allowed(plane, *NOBODY, right, namespace=NAMESPACE)}
    assert allowed - everybodys == shipped
    assert {right.resource for right in everybodys} <= {
        "clustertrustbundles",
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "selfsubjectrulesreviews",
    }


def with_names(right: Right, shipped: set[Right]) -> set[Right]:
    """The right for all objects; for resources whose rights are limited to names, for those and for another one too."""
    same = (other for other in shipped if (other.group, other.resource) == (right.group, right.resource))
    names = {other.name for other in same if other.name}
    return {right} | {replace(right, name=name) for name in (names | {"another"} if names else ())}


@pytest.mark.parametrize("namespace", ["", "default", "kube-system"])
def test_the_shipped_rights_are_the_same_in_every_namespace(
    plane: ControlPlane, installed: str, shipped: set[Right], namespace: str
) -> None:
    assert all(is_allowed(plane, USER, GROUPS, right, namespace=namespace) for right in shipped)
    secrets = [Right(verb=verb, group="", resource="secrets") for verb in ("get", "list", "watch", "create", "patch")]
    assert not any(is_allowed(plane, USER, GROUPS, right, namespace=namespace) for right in secrets)


def test_no_path_beside_the_resources_is_allowed_but_everybodys(plane: ControlPlane, installed: str) -> None:
    urls = ["/metrics", "/logs", "/debug/pprof/", "/healthz", "/livez", "/readyz", "/version", "/openapi/v3", "/other"]
    allowed = {url for url in urls if is_url_allowed(plane, USER, GROUPS, url)}
    assert allowed == {url for url in urls if is_url_allowed(plane, *NOBODY, url)}
    assert {"/metrics", "/logs", "/debug/pprof/", "/other"}.isdisjoint(allowed)


def test_each_shipped_right_is_used_and_no_other_one_is_tried(
    plane: ControlPlane, service: RunningService, audit_log: AuditLog, shipped: set[Right]
) -> None:
    """By the API server's own record. An apply that created its object, answered 201, has used the right to create.

    An API server that has just started forbids for a moment what it will allow.
    """
    wait_for(lambda: watch_states(service).get("rayservices") == "watching", "RayServices are watched")
    namespace = plane.create_namespace("rights")
    path = f"/api/v1/namespaces/{namespace}/events/{EVENT}"
    for host, reason in (("a b", "RaySettingsBroken"), ("mended", "RaySettingsGood")):
        plane.apply([workloads.settings(namespace, RAY_HOST=host)])
        seconds_until(lambda: send(plane.admin, "GET", path).body.get("reason"), reason)

    def tried(*decisions: str) -> set[Right]:
        events = [event for event in audit_log.requests(USER) if event["userAgent"].startswith("ray-webhook/")]
        decided = [event for event in events if event["annotations"]["authorization.k8s.io/decision"] in decisions]
        return {right for event in decided for right in used(event)}

    seconds_until(lambda: tried("allow"), shipped)
    assert tried("allow", "forbid") == shipped


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/configmaps"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/ray-settings"),
        ("DELETE", f"/api/v1/namespaces/{NAMESPACE}/configmaps/ray-settings"),
        ("GET", "/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt"),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets"),
        ("GET", "/api/v1/namespaces"),
        ("GET", "/api/v1/pods"),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/ray-webhook/token"),
        ("GET", "/api/v1/namespaces/default/events"),
        ("POST", "/api/v1/namespaces/default/events"),
        ("DELETE", f"/api/v1/namespaces/default/events/{EVENT}"),
        ("GET", "/apis/ray.io/v1/namespaces/default/rayclusters/train"),
        ("GET", f"{installation.CONFIGURATIONS}/ray-webhook"),
        ("DELETE", f"{installation.CONFIGURATIONS}/ray-webhook"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ],
)
def test_what_is_not_granted_is_refused_to_the_token_itself(
    plane: ControlPlane, service: RunningService, method: str, path: str
) -> None:
    client = plane.client(plane.service_account_token(NAMESPACE, installation.NAME))
    url, _, query = path.partition("?")
    name, _, value = query.partition("=")
    asked = {name: value.replace("%3D", "=")} if name else {}
    answer = send(client, method, url, {} if method == "POST" else None, query=asked | DRY_RUN)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")


def test_settings_of_every_namespace_are_listed_by_their_name(plane: ControlPlane, service: RunningService) -> None:
    client = plane.client(plane.service_account_token(NAMESPACE, installation.NAME))
    selector = {"fieldSelector": "metadata.name=ray-settings"}
    listed = send(client, "GET", "/api/v1/configmaps", query=selector).checked()["items"]
    assert {item["metadata"]["name"] for item in listed} == {"ray-settings"}
    assert NAMESPACE in {item["metadata"]["namespace"] for item in listed}


def test_an_apply_that_creates_needs_the_right_to_create(plane: ControlPlane, installed: str) -> None:
    """Why the ClusterRole says create beside patch, although the service never sends a POST."""
    namespace = plane.create_namespace("rights-to-create")
    rules = [{"apiGroups": [""], "resources": ["events"], "resourceNames": [EVENT], "verbs": ["patch"]}]
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"}
    metadata = {"namespace": namespace, "name": "patcher"}
    version = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
    plane.apply(
        [
            {**version, "kind": "Role", "rules": rules},
            {**version, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
        ]
    )
    client = plane.client(plane.service_account_token(namespace, "default"))
    about = {"kind": "ConfigMap", "namespace": namespace, "name": "ray-settings"}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": namespace, "name": EVENT}}
    answer = send(
        client,
        "PATCH",
        f"/api/v1/namespaces/{namespace}/events/{EVENT}",
        event | {"involvedObject": about, "reason": "Test"},
        query={"fieldManager": "tests"},
        content_type="application/apply-patch+yaml",
    )
    assert (answer.status, 'cannot create resource "events"' in answer.body["message"]) == (403, True)
