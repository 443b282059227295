"""Rights as RBAC knows them: what a ClusterRole grants, and what the API server says of a ServiceAccount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send

OTHER_VERBS: Final = {"impersonate", "bind", "escalate", "approve", "sign", "attest", "use", "proxy"}
"""Verbs that no discovery document lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """A verb on a resource (``RESOURCE/SUBRESOURCE``) of a group; `name` limits it to objects of that name."""

    verb: str
    group: str
    resource: str
    name: str = ""


def granted(role: Mapping[str, Any]) -> set[Right]:
    """The rights of a Role or ClusterRole, one by one."""
    return {
        Right(verb=verb, group=group, resource=resource, name=name)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


def used(event: Mapping[str, Any]) -> set[Right]:
    """The rights that a request in the audit log used; one answered 201 has created its object."""
    asked = event["objectRef"]
    resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
    right = Right(verb=event["verb"], group=asked.get("apiGroup", ""), resource=resource, name=asked.get("name", ""))
    return {right, replace(right, verb="create")} if event["responseStatus"]["code"] == 201 else {right}


def every_right(plane: ControlPlane) -> Iterator[Right]:
    """All verbs on all resources that the API server serves, without a name."""
    resources = dict(_resources(plane))
    verbs = OTHER_VERBS.union(*resources.values())
    for group, resource in sorted(resources):
        for verb in sorted(verbs):
            yield Right(verb=verb, group=group, resource=resource)


def _resources(plane: ControlPlane) -> Iterator[tuple[tuple[str, str], list[str]]]:
    groups = send(plane.admin, "GET", "/apis").checked()["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    for version in ("v1", *versions):
        group = version.rpartition("/")[0]
        listed = send(plane.admin, "GET", f"/apis/{version}" if group else "/api/v1").checked()["resources"]
        for resource in listed:
            yield (resource.get("group", group) if group else "", resource["name"]), resource["verbs"]


def is_allowed(plane: ControlPlane, user: str, groups: Sequence[str], right: Right, *, namespace: str) -> bool:
    """Whether the API server's authorizer allows it; `namespace` counts for namespaced resources."""
    resource, _, subresource = right.resource.partition("/")
    asked = {"verb": right.verb, "group": right.group, "resource": resource, "namespace": namespace}
    asked |= {"subresource": subresource, "name": right.name}
    return _ask(plane, user, groups, {"resourceAttributes": asked})


def is_url_allowed(plane: ControlPlane, user: str, groups: Sequence[str], url: str) -> bool:
    """Whether a GET of `url`, which is none of a resource, is allowed."""
    return _ask(plane, user, groups, {"nonResourceAttributes": {"verb": "get", "path": url}})


def _ask(plane: ControlPlane, user: str, groups: Sequence[str], asked: Mapping[str, Any]) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": list(groups), **asked},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    allowed: bool = send(plane.admin, "POST", path, review).checked()["status"]["allowed"]
    return allowed
