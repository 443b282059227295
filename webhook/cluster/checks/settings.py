"""Group "settings": they are found and valid, and the hosts that they name mean something where they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from webhook import contract
from webhook.cluster.checks.cluster import listed
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Warned
from webhook.contract import Role
from webhook.injection.check_codes import CheckCode
from webhook.injection.findings import FindingCode, ManifestCode
from webhook.injection.settings import Settings

_KUBERNETES: Final = "kube-"
"""How the namespaces begin that Kubernetes keeps for itself; nobody's clients are there."""
_HOSTS: Final = (contract.RAY_HOST, contract.RAY_SERVE_URL, contract.RAY_DASHBOARD_URL)
_MEANT: Final = {contract.DEFAULT_ROLE: Role.CLIENT.value, contract.INJECTION: contract.DISABLED}


def are_found(context: Context) -> Iterator[Outcome]:
    """Whether somebody has said where Ray is."""
    installed, reading = context.installation, context.reading
    name = installed.settings_names[0]
    wide = reading.snapshot.cluster_wide
    if wide is None or not _names_host(wide):
        fault = "has no RAY_HOST" if wide else "is not there"
        verb = "create configmap" if wide is None else "patch configmap"
        what = (
            "--from-literal=RAY_HOST=SERVICE.NAMESPACE"
            if wide is None
            else """--type merge -p '{"data":{"RAY_HOST":"SERVICE.NAMESPACE"}}'"""
        )
        yield Warned(
            CheckCode.NO_SETTINGS,
            f"the ConfigMap {installed.namespace}/{name} {fault}, so {contract.BUILT_IN_HOST} holds",
            f"kubectl {verb} {name} -n {installed.namespace} {what}",
        )
    count = len(reading.settings)
    yield Passed(f"{count} ConfigMap{'' if count == 1 else 's'}")


def _names_host(settings: Settings | None) -> bool:
    return settings is not None and (contract.RAY_HOST in settings.values or contract.RAY_HOST in settings.broken)


def are_valid(context: Context) -> Iterator[Outcome]:
    """Whether each key means what it was written for."""
    for namespace, settings in context.reading.settings:
        name = settings.source.rpartition("/")[2]
        edit = f"kubectl edit configmap {name} -n {namespace}"
        for key, fault in settings.broken.items():
            yield Failed(FindingCode.BROKEN_SETTINGS, f"{settings.source}: {key} {fault}", edit)
        for key, why in settings.ignored.items():
            remove = f"""kubectl patch configmap {name} -n {namespace} --type merge -p '{{"data":{{"{key}":null}}}}'"""
            yield Warned(FindingCode.IGNORED_SETTING, f"{settings.source}: {key} is ignored: {why}", remove)


def hosts_resolve(context: Context) -> Iterator[Outcome]:
    """Whether bare names mean a Service in each namespace where they hold; what says more is looked at with Ray."""
    snapshot = context.reading.snapshot
    if snapshot.cluster_wide is not None:
        for key, host in _bare_hosts(snapshot.cluster_wide).items():
            there = {item.metadata.namespace for item in context.items("/api/v1/services", name=host)}
            where = [name for name in _governed(context, key) if name not in there]
            if where:
                yield _bare(snapshot.cluster_wide, key, host, where, sorted(there))
    for namespace, settings in snapshot.namespaces.items():
        for key, host in _bare_hosts(settings).items():
            if context.find(f"/api/v1/namespaces/{namespace}/services", host) is None:
                yield _bare(settings, key, host, [namespace], [])


def _bare_hosts(settings: Settings) -> dict[str, str]:
    """Of the keys that name a host those that name a Service without its namespace."""
    hosts = {key: _host(settings.values[key]) for key in _HOSTS if key in settings.values}
    return {key: host for key, host in hosts.items() if host and "." not in host and ":" not in host}


def _host(value: str) -> str:
    return (urlsplit(value).hostname or "") if "://" in value else value


def _governed(context: Context, key: str) -> list[str]:
    """The namespaces where the cluster-wide value of a key holds: those of its clients by default come first."""
    own = context.reading.snapshot.namespaces

    def is_overridden(name: str) -> bool:
        return name in own and (key in own[name].values or _names_host(own[name]))

    names = [name for name in context.followed if not name.startswith(_KUBERNETES) and not is_overridden(name)]
    return sorted(names, key=lambda name: (name not in context.default_clients, name))


def _bare(settings: Settings, key: str, host: str, where: list[str], there: list[str]) -> Warned:
    namespace, _, name = settings.source.removeprefix("ConfigMap ").partition("/")
    full = f"{host}.{there[0] if there else 'NAMESPACE'}"
    value = settings.values[key].replace(host, full, 1) if "://" in settings.values[key] else full
    return Warned(
        CheckCode.BARE_HOST,
        f"{settings.source}: {key} names the Service {host}, which is not in {listed(where)}",
        f"""kubectl patch configmap {name} -n {namespace} --type merge -p '{{"data":{{"{key}":"{value}"}}}}'""",
    )


def clients_have_settings(context: Context) -> Iterator[Outcome]:
    """Whether the namespaces that make their pods clients say, or are told, where Ray is."""
    snapshot, name = context.reading.snapshot, context.installation.settings_names[0]
    labelled = context.default_clients
    if not _names_host(snapshot.cluster_wide):
        for namespace in labelled:
            if not _names_host(snapshot.namespaces.get(namespace)):
                yield Warned(
                    CheckCode.UNSETTLED,
                    f"{namespace} makes its pods clients, and no settings name a host for them",
                    f"kubectl create configmap {name} -n {namespace} --from-literal=RAY_HOST=SERVICE.NAMESPACE",
                )
    yield Passed(f"{len(labelled)} namespace{'' if len(labelled) == 1 else 's'} of clients by default")


def labels_mean_something(context: Context) -> Iterator[Outcome]:
    """Whether a label of ours on a namespace has a value that does something."""
    for namespace, labels in context.namespaces.items():
        for key, meant in _MEANT.items():
            if key in labels and labels[key] != meant:
                yield Warned(
                    ManifestCode.IDLE_LABEL,
                    f"the namespace {namespace} has the label {key}={labels[key]}; allowed: {meant}",
                    f"kubectl label namespace {namespace} {key}={meant} --overwrite, or remove it: {key}-",
                )


CHECKS: Final = (
    Check(group=Group.SETTINGS, name="settings", title="settings are found", run=are_found),
    Check(group=Group.SETTINGS, name="settings-valid", title="they are valid", run=are_valid),
    Check(
        group=Group.SETTINGS, name="bare-hosts", title="bare hosts mean a Service where they hold", run=hosts_resolve
    ),
    Check(
        group=Group.SETTINGS,
        name="default-clients",
        title="clients by default have settings",
        run=clients_have_settings,
    ),
    Check(
        group=Group.SETTINGS,
        name="namespace-labels",
        title="the namespaces' labels mean something",
        run=labels_mean_something,
    ),
)
