"""deploy/kustomize/base in a cluster without a network: these very files, their Service aside."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.control_plane import objects
from tests.control_plane.cluster import ControlPlane
from tests.e2e.rights import Right, granted

Object = dict[str, Any]

BASE: Final = Path(__file__).parents[2] / "deploy" / "kustomize" / "base"
NAMESPACE: Final = "ray-webhook-system"
NAME: Final = "ray-webhook"
SERVICE_NAME: Final = f"{NAME}.{NAMESPACE}.svc"
"""By which the API server calls the webhook."""
USER: Final = f"system:serviceaccount:{NAMESPACE}:{NAME}"
AUDITOR: Final = f"{USER}-audit"
"""The ServiceAccount of the component audit."""
GROUPS: Final = ("system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated")
CONFIGURATIONS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


def rendered(plane: ControlPlane, folder: Path = BASE) -> list[Object]:
    """The objects of a kustomization, in the order in which kubectl applies and deletes them."""
    return list(documents(plane.kubectl("kustomize", str(folder)).stdout))


def documents(text: str) -> Iterator[Object]:
    """The documents of a YAML text, as plain dicts."""
    yield from yaml.safe_load_all(text)


def by_kind(rendered_objects: list[Object], kind: str) -> Object:
    """The one object of a kind, a copy that may be changed."""
    (found,) = [item for item in rendered_objects if item["kind"] == kind]
    return copy.deepcopy(found)


def named(rendered_objects: list[Object], kind: str, name: str) -> Object:
    """The object of a kind and a name."""
    return by_kind([item for item in rendered_objects if item["metadata"]["name"] == name], kind)


def certificate_rights(rendered_objects: list[Object]) -> set[Right]:
    """What the certificate that looks after itself needs: in the webhook's namespace, and the configuration."""
    roles = (named(rendered_objects, kind, f"{NAME}-certificate") for kind in ("Role", "ClusterRole"))
    return {right for role in roles for right in granted(role)}


def install(plane: ControlPlane) -> str:
    """Apply the base as its users do; returns what kubectl said on stderr, warnings above all."""
    return plane.kubectl("apply", "--server-side", "-k", str(BASE)).stderr


def connect(plane: ControlPlane, port: int, authority: bytes) -> None:
    """Let the API server call ``port`` on this machine where it would call the Service, and trust `authority`."""
    path = f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}"
    objects.send(plane.admin, "DELETE", path).checked()
    configuration = objects.with_service_port(by_kind(rendered(plane), "MutatingWebhookConfiguration"), port)
    for webhook in configuration["webhooks"]:
        webhook["clientConfig"]["caBundle"] = base64.b64encode(authority).decode()
    plane.apply([objects.loopback_service(NAMESPACE, NAME, port), configuration])


def flags(plane: ControlPlane, certificates: Path) -> list[str]:
    """Flags of ``serve`` as in the Deployment; the kubeconfig stands for the files that a pod is given."""
    kubeconfig = plane.service_account_kubeconfig(NAMESPACE, NAME)
    pair = ["--tls-cert", str(certificates / "tls.crt"), "--tls-key", str(certificates / "tls.key")]
    return ["--kubeconfig", str(kubeconfig), *pair]
