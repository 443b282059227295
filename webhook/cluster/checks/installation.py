"""What is installed and how it is called: by the flags of the check, else as the Deployment tells its service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webhook import contract
from webhook.cluster.checks.objects import Item, dicts, part, texts
from webhook.cluster.names import Names

OBSERVE: Final = "observe"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What the flags say; what is empty is told by the Deployment, or has its usual name.

    Attributes:
        namespace: the webhook's own.
        trial_namespace: where pods are tried.
    """

    namespace: str = contract.WEBHOOK_NAMESPACE
    deployment: str = contract.WEBHOOK_SERVICE
    trial_namespace: str = ""
    service: str = ""
    configuration: str = ""
    secret: str = ""
    cluster_domain: str = ""
    mode: str = ""
    settings_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """What is looked at.

    Attributes:
        account: the service's ServiceAccount.
        observes: whether the service changes no pod.
        is_managed: whether the certificate looks after itself.
        secret: that with the certificate; empty where files are served that come from none.
    """

    namespace: str
    deployment: str
    account: str
    service: str
    configuration: str
    secret: str
    lease: str
    cluster_domain: str
    settings_names: tuple[str, ...]
    observes: bool
    is_managed: bool

    @property
    def names(self) -> Names:
        """The objects that the service itself reads."""
        return Names(
            namespace=self.namespace,
            service=self.service,
            secret=self.secret,
            lease=self.lease,
            configuration=self.configuration,
        )

    @property
    def user(self) -> str:
        """The ServiceAccount as the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.account}"

    @property
    def logs(self) -> str:
        """The command that shows what the replicas say."""
        return f"kubectl logs -n {self.namespace} deployment/{self.deployment} --all-pods"


def installation(given: Given, deployment: Item | None) -> Installation:
    """By the flags, the Deployment and the usual names, in this order."""
    spec = part(deployment and deployment.spec, dict, "template", "spec") or {}
    certificate = _last(spec, "tls-cert")
    return Installation(
        namespace=given.namespace,
        deployment=given.deployment,
        account=part(spec, str, "serviceAccountName") or given.deployment,
        service=given.service or _last(spec, "service") or contract.WEBHOOK_SERVICE,
        configuration=given.configuration or _last(spec, "webhook-configuration") or contract.WEBHOOK_CONFIGURATION,
        secret=given.secret
        or (_mounted(spec, certificate) if certificate else _last(spec, "tls-secret") or contract.TLS_SECRET),
        lease=_last(spec, "lease") or contract.LEASE,
        cluster_domain=given.cluster_domain or _last(spec, "cluster-domain") or contract.CLUSTER_DOMAIN,
        settings_names=given.settings_names or tuple(_told(spec, "settings-name")) or (contract.SETTINGS_NAME,),
        observes=(given.mode or _last(spec, "mode")) == OBSERVE,
        is_managed=not certificate and not _last(spec, "self-signed"),
    )


def service_container(spec: object) -> dict[str, object]:
    """Of a pod's spec the container that serves: the one with our flags, else the first."""
    containers = dicts(spec, "containers")
    return next((one for one in containers if "serve" in texts(one, "args")), containers[0] if containers else {})


def _last(spec: object, flag: str) -> str:
    return ([*_told(spec, flag)] or [""])[-1]


def _told(spec: object, flag: str) -> Sequence[str]:
    """The values that the service is told by ``--flag``, in one word or two; without one, its variable's."""
    container = service_container(spec)
    found = list(_arguments(texts(container, "args"), f"--{flag}"))
    if found:
        return found
    variable = f"RAY_WEBHOOK_{flag.upper().replace('-', '_')}"
    values = [str(entry.get("value") or "") for entry in dicts(container, "env") if entry.get("name") == variable]
    return values[-1].split() if values else []


def _arguments(words: Sequence[str], flag: str) -> Iterator[str]:
    for index, word in enumerate(words):
        if word == flag and index + 1 < len(words):
            yield words[index + 1]
        elif word.startswith(f"{flag}="):
            yield word.partition("=")[2]


def _mounted(spec: object, file: str) -> str:
    """The Secret whose volume a file of the service is in; empty for none."""
    mounts = [
        mount
        for mount in dicts(service_container(spec), "volumeMounts")
        if file.startswith(f"{mount.get('mountPath')}/")
    ]
    nearest = max(mounts, key=lambda mount: len(str(mount["mountPath"])), default=None)
    volumes = {volume.get("name"): volume for volume in dicts(spec, "volumes")}
    return part(volumes, str, str(nearest["name"]), "secret", "secretName") or "" if nearest else ""
