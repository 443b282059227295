"""Group "before": what has to be so for an installation, which nothing of is there yet."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import msgspec

from webhook.cluster.checks.cluster import kubernetes_version, listed, without
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import Item, dicts, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.cluster.checks.shipped import Right, installer_rights, service_rights
from webhook.cluster.names import ADMISSION
from webhook.errors import ClusterError
from webhook.injection.check_codes import CheckCode

_NAME_LABEL: Final = "app.kubernetes.io/name"
_OURS: Final = ("ray-webhook", "ray-webhook-audit")
_KUBERAY: Final = ("rayclusters", "rayservices")


class _Resource(msgspec.Struct):
    name: str


class _Resources(msgspec.Struct):
    resources: list[_Resource] = []


class _GroupVersion(msgspec.Struct):
    version: str


class _ApiGroup(msgspec.Struct):
    name: str
    versions: list[_GroupVersion] = []


class _ApiGroups(msgspec.Struct):
    groups: list[_ApiGroup] = []


def admission_policies(context: Context) -> Iterator[Outcome]:
    """Whether the components that are policies can be used."""
    served = {resource.name for resource in context.api.get(ADMISSION, {}, _Resources).resources}
    if "validatingadmissionpolicies" not in served:
        yield Warned(
            CheckCode.NO_POLICIES,
            "the API server does not serve ValidatingAdmissionPolicy v1",
            "leave the components guard, guard-warn, manifest-policy and manifest-policy-deny out of the overlay",
        )
    elif "mutatingadmissionpolicies" not in served:
        yield Passed("for guard and manifest-policy; MutatingAdmissionPolicy comes with Kubernetes 1.36")
    else:
        yield Passed("for guard and manifest-policy; MutatingAdmissionPolicy as well")


def can_install(context: Context) -> Iterator[Outcome]:
    """Whether whoever runs this may create each object; roles can be made by those only who hold what they grant."""
    installed, user = context.installation, context.user
    missing = without(context, installer_rights(installed.namespace), user=user)
    escalating = Right(verb="escalate", group="rbac.authorization.k8s.io", resource="clusterroles")
    if without(context, [escalating], user=user):
        missing += without(context, service_rights(installed), user=user)
    if missing:
        yield Failed(
            CheckCode.CANNOT_INSTALL,
            f"{user} may not {listed(missing)}",
            f"let a cluster administrator install, or have it granted: kubectl create clusterrolebinding "
            f"ray-webhook-installer --clusterrole=cluster-admin --user={shlex.quote(user)}",
        )
    else:
        yield Passed(user)


def names_are_free(context: Context) -> Iterator[Outcome]:
    """Whether applying would overwrite what somebody else has made."""
    installed = context.installation
    for kind, item in (
        ("mutatingwebhookconfiguration", context.configuration),
        ("deployment", context.deployment),
    ):
        if item is not None and item.labels.get(_NAME_LABEL) not in _OURS:
            place = f" -n {item.metadata.namespace}" if item.metadata.namespace else ""
            yield Failed(
                CheckCode.NAME_TAKEN,
                f"the {kind} {item.name} is there, and is not labelled as ours",
                f"remove it, kubectl delete {kind} {item.metadata.name}{place}, or install with another namePrefix",
            )
    if context.configuration is not None and context.deployment is None:
        yield Warned(
            CheckCode.NAME_TAKEN,
            f"the mutatingwebhookconfiguration {installed.configuration} is there without its Deployment",
            f"where it is left over: kubectl delete mutatingwebhookconfiguration {installed.configuration}",
        )


def namespace_is_fit(context: Context) -> Iterator[Outcome]:
    """Whether the webhook's own namespace can be its own."""
    own = context.installation.namespace
    found = context.find("/api/v1/namespaces", own)
    if found is None:
        yield Passed(f"{own} is not there yet")
    elif found.metadata.deletion_timestamp is not None or part(found.status, str, "phase") == "Terminating":
        yield Failed(
            CheckCode.UNFIT_NAMESPACE,
            f"the namespace {own} is being deleted",
            f"wait until it is gone: kubectl wait --for=delete namespace/{own} --timeout=5m",
        )
    else:
        yield from _others_in(context, own)


def _others_in(context: Context, own: str) -> Iterator[Outcome]:
    pods = context.items(f"/api/v1/namespaces/{own}/pods")
    others = [pod.metadata.name for pod in pods if pod.labels.get(_NAME_LABEL) not in _OURS]
    if others:
        yield Failed(
            CheckCode.UNFIT_NAMESPACE,
            f"the namespace {own} has pods of others, which would never be treated: {listed(others)}",
            "install into a namespace of its own: deploy/kustomize/base has ray-webhook-system",
        )


def kuberay(context: Context) -> Iterator[Outcome]:
    """Whether KubeRay, where it is installed, speaks the version that is read."""
    groups = context.api.get("/apis", {}, _ApiGroups).groups
    versions = [version.version for group in groups if group.name == "ray.io" for version in group.versions]
    if not versions:
        yield Skipped("KubeRay is not installed: its definitions are not there; settings name Ray's host then")
    elif "v1" not in versions or (missing := _missing_kinds(context)):
        what = "ray.io/v1" if "v1" not in versions else f"ray.io/v1 {listed(missing)}"
        yield Failed(
            CheckCode.KUBERAY_VERSION,
            f"KubeRay's definitions are of {listed(versions)}, without {what}",
            "upgrade KubeRay: helm upgrade kuberay-operator kuberay/kuberay-operator, and its definitions with it",
        )
    else:
        yield Passed(f"ray.io {listed(versions)}{_operator(context)}")


def _missing_kinds(context: Context) -> list[str]:
    served = {resource.name for resource in context.api.get("/apis/ray.io/v1", {}, _Resources).resources}
    return [kind for kind in _KUBERAY if kind not in served]


def _operator(context: Context) -> str:
    """The operator's image, where it can be found: a word for people, nothing depends on it."""
    try:
        found = context.items("/apis/apps/v1/deployments", labels={_NAME_LABEL: "kuberay-operator"})
    except ClusterError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return ""
    images = [image for item in found for image in _images(item)]
    return f", operator {listed(images)}" if images else ", no operator found"


def _images(item: Item) -> list[str]:
    containers = dicts(item.spec, "template", "spec", "containers")
    return [str(container.get("image")) for container in containers]


CHECKS: Final = (
    Check(
        group=Group.BEFORE,
        name="kubernetes-version",
        title="Kubernetes is 1.30 or newer",
        run=kubernetes_version,
    ),
    Check(
        group=Group.BEFORE,
        name="admission-policies",
        title="admission policies are served",
        run=admission_policies,
    ),
    Check(
        group=Group.BEFORE,
        name="installer-rights",
        title="you may create every object",
        run=can_install,
        needs=("kubernetes-version",),
    ),
    Check(group=Group.BEFORE, name="free-names", title="no name is taken by others", run=names_are_free),
    Check(group=Group.BEFORE, name="namespace", title="the namespace can be the webhook's own", run=namespace_is_fit),
    Check(group=Group.BEFORE, name="kuberay", title="KubeRay serves ray.io/v1", run=kuberay),
)
