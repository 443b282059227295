"""What KubeRay's pods are, and what the operator wrote into them.

Read from the ray-operator's source (after v1.7.0): it writes RAY_ADDRESS only where the template declares none, and the
start command of its Ray container into KUBERAY_GEN_RAY_START_CMD, from which its own address can be told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from ray_config.address import Form, RayAddress, is_host, parse_port
from webhook import contract
from webhook.contract import Role
from webhook.injection.review import AnyPod, Container
from webhook.injection.settings import is_dns_subdomain, is_readable

_NODE_ROLES: Final = {"head": Role.HEAD, "worker": Role.WORKER}
PORT_FLAG: Final = re.compile(r"(?:^|\s)--port[=\s]\s*(\S+)")
ADDRESS_FLAG: Final = re.compile(r"(?:^|\s)--address[=\s]\s*(\S+)")


class KubeRayPod(msgspec.Struct, frozen=True, kw_only=True):
    """A head or worker pod that the operator made.

    Attributes:
        role: head or worker, by the label.
        container: index of the Ray container among the pod's containers.
        address: KubeRay's own RAY_ADDRESS, or None where it cannot be told.
        cluster: name of the pod's RayCluster, or None without the label.
        head_host: the head Service's full name as the operator gave it to a worker, or None.
    """

    role: Role
    container: int
    address: str | None
    cluster: str | None
    head_host: str | None


def node_role(labels: Mapping[str, str | None]) -> Role | None:
    """The role that KubeRay's label claims; the label alone proves nothing."""
    return _NODE_ROLES.get(labels.get(contract.KUBERAY_NODE_TYPE) or "")


def is_redis_cleanup(labels: Mapping[str, str | None]) -> bool:
    """Whether the labels are those of a redis clean-up pod."""
    return labels.get(contract.KUBERAY_NODE_TYPE) == contract.KUBERAY_REDIS_CLEANUP


def is_submitter(labels: Mapping[str, str | None], pod: AnyPod) -> bool:
    """Whether the pod submits the job of a RayJob: three labels and the container, all of them."""
    return (
        labels.get(contract.KUBERAY_ORIGIN_KIND) == "RayJob"
        and labels.get(contract.KUBERAY_CREATED_BY) == contract.KUBERAY_OPERATOR
        and labels.get(contract.KUBERAY_ORIGIN_NAME) is not None
        and any(container.name == contract.KUBERAY_SUBMITTER for container in containers_of(pod))
    )


def containers_of(pod: AnyPod) -> list[Container]:
    """The pod's regular containers; none where it has no spec."""
    return list(pod.spec.containers or ()) if pod.spec else []


def recognise(labels: Mapping[str, str | None], pod: AnyPod) -> KubeRayPod | None:
    """The KubeRay pod that `pod` is, or None: the label must be there and a container with the start command."""
    role = node_role(labels)
    if role is None:
        return None
    for index, container in enumerate(containers_of(pod)):
        if any(entry.name == contract.KUBERAY_START_COMMAND for entry in container.env or ()):
            return KubeRayPod(
                role=role,
                container=index,
                address=_own_address(role, _literal(container, contract.KUBERAY_START_COMMAND)),
                cluster=_cluster(labels),
                head_host=_head_host(container) if role is Role.WORKER else None,
            )
    return None


def _cluster(labels: Mapping[str, str | None]) -> str | None:
    """The label's RayCluster; a pod arrives before it is validated, so the label may hold anything."""
    name = labels.get(contract.KUBERAY_CLUSTER)
    return name if name and is_dns_subdomain(name) else None


def _literal(container: Container, name: str) -> str:
    """The value of the last entry called `name`; empty where it has none that can be read."""
    entries = [entry for entry in container.env or () if entry.name == name]
    return (entries[-1].value or "") if entries and entries[-1].value_from is None else ""


def _own_address(role: Role, command: str) -> str | None:
    """The address that KubeRay would have written: ``127.0.0.1:<port>`` on a head, the worker's ``--address=``."""
    if role is Role.WORKER:
        match = ADDRESS_FLAG.search(command)
        return match[1] if match and RayAddress.parse(match[1]).form is Form.DIRECT else None
    match = PORT_FLAG.search(command)
    port = parse_port(match[1]) if match else contract.GCS_PORT
    return f"127.0.0.1:{port}" if command and port else None


def _head_host(container: Container) -> str | None:
    host = _literal(container, contract.KUBERAY_HEAD_HOST)
    return host if is_readable(host) and is_host(host) else None
