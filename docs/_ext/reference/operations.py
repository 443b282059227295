"""Metrics, Events, rights and ports: what runs beside the rules, read from the code and the manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml
from prometheus_client import Metric

from docs._ext.reference.markdown import code, codes, page, prose, table
from ray_config import metrics as ray_config_metrics
from webhook.cli.cluster_mode import register
from webhook.cli.managed_certificate import KeeperCollector
from webhook.cluster.events import Reason, event_name
from webhook.cluster.keeper import Figures
from webhook.cluster.source import Statistics
from webhook.contract import SETTINGS_NAME
from webhook.injection.settings import parse_settings
from webhook.server.app import AdmissionApp, operations_app
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.state import Mode, State

DEPLOY = Path(__file__).parents[3] / "deploy" / "kustomize"
BASE = DEPLOY / "base"
RIGHTS: Mapping[Path, str] = {
    BASE / "rbac.yaml": "The service",
    BASE / "certificate-rbac.yaml": "The certificate that looks after itself",
    DEPLOY / "components" / "audit" / "rbac.yaml": "The component audit",
}
_EVENTS: Mapping[Reason, str] = {
    Reason.BROKEN: "Keys are broken; the message names each with its fault, and what is in force meanwhile.",
    Reason.KEY_IGNORED: "A key looks like a setting and is none; the message says why.",
    Reason.GOOD: "What was broken or ignored before is mended.",
}


def pages() -> Iterator[tuple[str, str]]:
    """Each page's name, below the reference, and its text."""
    yield "metrics", _metrics()
    yield "events", _events()
    yield "rights", _rights()
    yield "ports", _ports()


def service_metrics() -> list[Metric]:
    """All that the service may show, with the labels of an example."""
    metrics = Metrics("enforce")
    broken = parse_settings({"RAY_PORT": "no"}, source="", cluster_wide=False)
    watch = SimpleNamespace(resource="configmaps", state="watching", failures=0)
    statistics = Statistics(config_maps=1, broken={("team-a", SETTINGS_NAME): broken}, targets=0, watches=())
    figures = Figures(
        is_leader=True, authority_expiry=0, written={"issued": 1}, bundles_written=0, failures=0, seconds_ahead=0
    )
    source = SimpleNamespace(statistics=lambda: statistics)
    keeper = SimpleNamespace(figures=lambda: figures, watches=lambda: [watch])
    register(cast("Any", source), metrics.registry, cast("Any", keeper))
    metrics.registry.register(KeeperCollector(cast("Any", keeper)))
    metrics.decisions.labels("RAY101", "client", "CREATE")
    for port in (metrics.connections, metrics.evicted_connections):
        port.labels("admission")
    return sorted(metrics.registry.collect(), key=lambda metric: metric.name)


def _metrics() -> str:
    own = [_row(metric) for metric in service_metrics() if metric.name.startswith("ray_webhook_")]
    process = [_row(metric) for metric in service_metrics() if not metric.name.startswith("ray_webhook_")]
    library = [[code(name), prose(text)] for name, text in ray_config_metrics.DESCRIPTIONS.items()]
    return page(
        "Metrics",
        "On port 8080 at `/metrics`, in Prometheus' text format. Codes are the [reason codes](reasons/index.md). The "
        "component `monitoring` brings a PodMonitor, alerts and a dashboard.",
        table(["metric", "type", "labels", "what it tells"], own),
        "## Of the process",
        table(["metric", "type", "labels", "what it tells"], process),
        "## Of applications that use ray\\_config",
        "In Prometheus' default registry and OpenTelemetry's meter `ray_config`, where their libraries are installed.",
        table(["metric", "what it tells"], library),
    )


def _row(metric: Metric) -> list[str]:
    labels = {label: None for sample in metric.samples for label in sample.labels if label != "le"}
    name = metric.name + ("_total" if metric.type == "counter" else "_info" if metric.type == "info" else "")
    return [code(name), metric.type, codes(labels), prose(metric.documentation)]


def _events() -> str:
    rows = [[code(one), "Warning" if one.is_warning else "Normal", text] for one, text in _EVENTS.items()]
    return page(
        "Events",
        "The service writes Events about ConfigMaps with settings, one for each, beside it and of the name "
        f"{code(event_name(SETTINGS_NAME))}: `kubectl describe configmap {SETTINGS_NAME}` shows it. Its reason is the "
        "ConfigMap's present state. The API server forgets an Event after an hour; one that still holds is renewed.",
        table(["reason", "type", "what it tells"], [rows[list(_EVENTS).index(one)] for one in Reason]),
    )


def rules(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each rule of the roles in `file`, with its role's kind and name."""
    for document in yaml.safe_load_all(file.read_text()):
        for rule in document.get("rules", ()):
            yield f"{document['kind']} {document['metadata']['name']}", rule


def _rights() -> str:
    parts = [
        (
            "Exactly those that are used: a test with a real API server finds each of them in its audit log, no other. "
            "`ray-webhook check` says which one is missing."
        )
    ]
    for file, title in RIGHTS.items():
        shown = file.relative_to(DEPLOY.parents[1])
        parts += [f"## {title}", f"In [{shown}](../../{shown}):"]
        parts += [table(["role", "API group", "resources", "names", "verbs"], [_rule(*one) for one in rules(file)])]
    return page("Rights", *parts)


def _rule(role: str, rule: dict[str, Any]) -> list[str]:
    groups = codes(group or "core" for group in rule["apiGroups"])
    names = codes(rule.get("resourceNames", ())) or "any"
    return [prose(role), groups, codes(rule["resources"]), names, codes(rule["verbs"])]


def _ports() -> str:
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(1, LogFormat.JSON))
    return page(
        "Ports and paths",
        "The Service `ray-webhook` forwards port 443 to the first one.",
        "## 8443, TLS: the API server calls it",
        table(["method", "path", "what it is"], list(_paths(AdmissionApp(state)))),
        "`/openapi.json` describes them. `serve --client-ca` asks for a client certificate.",
        "## 8080, plain: probes and Prometheus",
        table(["method", "path", "what it is"], list(_paths(operations_app(state)))),
    )


def _paths(app: Any) -> Iterator[list[str]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield [method.upper(), code(path), prose(operation["summary"])]
