"""Where a RayCluster or RayService is reached, read from its spec alone, as KubeRay makes its Services from it.

Names and ports follow ray-operator/controllers/ray: common/service.go (``BuildServiceForHeadPod``,
``BuildServeService``, ``getServicePorts``), utils/util.go (``GenerateHeadServiceName``) and common/pod.go
(``SetContainerTokenAuthEnvVars``). A spec may be malformed anywhere: what is wrong counts as absent and is remarked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from ray_config.address import parse_port
from webhook import contract
from webhook.errors import quote
from webhook.injection.settings import is_dns_subdomain
from webhook.injection.snapshot import RayTarget, Reference, TargetKind, assumed_target, kuberay_name

_T = TypeVar("_T")
_Path = tuple[str | int, ...]

MAX_REMARKS: Final = 5
"""Of one spec; a hostile one has as many faults as fit into 1.5 MB."""
MAX_SERVICE_NAME: Final = 63
MAX_PORT: Final = 65535
_JSON_TYPES: Final[dict[type, str]] = {dict: "an object", list: "a list", str: "a string", int: "an integer"}
_INCREMENTAL: Final = "NewClusterWithIncrementalUpgrade"


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovered:
    """A target, and what is to be told about the spec that it was read from.

    Attributes:
        remarks: parts that are malformed, or that say something which a spec alone cannot answer.
    """

    target: RayTarget
    remarks: tuple[str, ...] = ()


def discover(reference: Reference, spec: object) -> Discovered:
    """The target `reference`, whose ``spec`` is decoded JSON of any shape; never raises."""
    read = _Spec(spec)
    read.get(dict)
    is_service = reference.kind is TargetKind.SERVICE
    cluster: _Path = ("rayClusterConfig",) if is_service else ()
    target = replace(
        assumed_target(reference),
        client_port=_port(read, cluster, "client", "ray-client-server-port", contract.CLIENT_PORT),
        dashboard_port=_port(read, cluster, "dashboard", "dashboard-port", contract.DASHBOARD_PORT),
        serve_port=_port(read, cluster, "serve", None, contract.SERVE_PORT),
        auth_secret=_auth_secret(read, cluster, reference),
    )
    return Discovered(target=_service(read, target) if is_service else _cluster(read, target), remarks=read.remarks)


def _cluster(read: _Spec, target: RayTarget) -> RayTarget:
    name = _name(read, "headGroupSpec", "headService", "metadata", "name")
    return replace(target, head_service=name or target.head_service)


def _service(read: _Spec, target: RayTarget) -> RayTarget:
    """A RayService's Services are its own; of their names only that of the one for Serve can be chosen."""
    if read.get(str, "upgradeStrategy", "type") == _INCREMENTAL:
        read.remark(f"spec.upgradeStrategy.type is {_INCREMENTAL}: Serve is reached by a Gateway that no spec names")
    name = _name(read, "serveService", "metadata", "name")
    return replace(target, serve_service=name or target.serve_service)


def _port(read: _Spec, cluster: _Path, name: str, parameter: str | None, default: int) -> int:
    """The port called `name`: the head container's own, the Service's, that of ``ray start``, else Ray's default.

    The head Service is headless by default, so a port that no Service lists is reached as well.
    """
    head = (*cluster, "headGroupSpec")
    containers = (*head, "template", "spec", "containers")
    declared = _named_ports(read, (*containers, 0, "ports"), "containerPort")
    if name in declared:
        return declared[name]
    services: list[_Path] = [(*head, "headService")] if declared else []
    services += [("serveService",)] if name == "serve" and cluster else []
    for service in services[::-1]:
        listed = _named_ports(read, (*service, "spec", "ports"), "port")
        if name in listed:
            return listed[name]
    return (_start_parameter(read, (*head, "rayStartParams", parameter)) if parameter else None) or default


def _named_ports(read: _Spec, path: _Path, key: str) -> dict[str, int]:
    """The ports of the list at `path` by name; one without a name is called as KubeRay calls it."""
    ports: dict[str, int] = {}
    for index in range(len(read.get(list, *path) or ())):
        number = read.get(int, *path, index, key)
        if number is None:
            continue
        if not 0 < number <= MAX_PORT:
            read.remark(f"{_spelled((*path, index, key))} is {number}; allowed: a port of 1-{MAX_PORT}")
            continue
        ports[read.get(str, *path, index, "name") or f"{number}-port"] = number
    return ports


def _start_parameter(read: _Spec, path: _Path) -> int | None:
    text = read.get(str, *path)
    if not text:
        return None
    port = parse_port(text)
    if port is None:
        read.remark(f"{_spelled(path)} is {quote(text)}; allowed: a port of 1-{MAX_PORT}")
    return port


def _name(read: _Spec, *path: str) -> str | None:
    """A Service's name at `path`, if one is there that a Service can have."""
    name = read.get(str, *path)
    if not name:
        return None
    if is_dns_subdomain(name) and "." not in name and len(name) <= MAX_SERVICE_NAME:
        return name
    read.remark(f"{_spelled(path)} is {quote(name)}; allowed: the name of a Service")
    return None


def _auth_secret(read: _Spec, cluster: _Path, reference: Reference) -> str | None:
    """The Secret of token authentication, unless it is off, Kubernetes' own, or of a name that no spec tells."""
    options = (*cluster, "authOptions")
    if read.get(str, *options, "mode") != "token" or read.get(bool, *options, "enableK8sTokenAuth"):
        return None
    name = read.get(str, *options, "secretName")
    if name and not is_dns_subdomain(name):
        read.remark(f"{_spelled((*options, 'secretName'))} is {quote(name)}; allowed: the name of a Secret")
        return None
    if name or reference.kind is TargetKind.CLUSTER:
        return name or kuberay_name(reference.name)
    read.remark(f"{_spelled((*options, 'secretName'))} is missing, so the token's Secret has another name each upgrade")
    return None


class _Spec:
    """A spec whose parts are asked for by path; one of a wrong type is remarked and counts as absent."""

    def __init__(self, root: object) -> None:
        """Take `root` as ``spec``."""
        self._root = root
        self._remarks: dict[str, None] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was remarked, each once."""
        return tuple(self._remarks)

    def remark(self, text: str) -> None:
        """Remember `text`."""
        if len(self._remarks) < MAX_REMARKS:
            self._remarks[text] = None

    def get(self, kind: type[_T], *path: str | int) -> _T | None:
        """The part at `path`, if it is there and a `kind`."""
        node = self._root
        for depth, step in enumerate(path):
            node = self._child(node, step, path[:depth])
        return self._checked(kind, node, path)

    def _child(self, node: object, step: str | int, path: _Path) -> object:
        if isinstance(step, int):
            items = self._checked(list, node, path)
            return items[step] if items and step < len(items) else None
        fields = self._checked(dict, node, path)
        return fields.get(step) if fields else None

    def _checked(self, kind: type[_T], node: object, path: _Path) -> _T | None:
        if type(node) is kind:
            return node
        if node is not None:
            allowed = _JSON_TYPES.get(kind, "true or false")
            self.remark(f"{_spelled(path)} is {_JSON_TYPES.get(type(node), 'a number or boolean')}; allowed: {allowed}")
        return None


def _spelled(path: Sequence[str | int]) -> str:
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
