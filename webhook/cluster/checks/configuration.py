"""Group "configuration": the webhook configuration sends the pods that it should, to a Service that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from webhook.cluster.bundle import bundle_fault, decoded
from webhook.cluster.checks.cluster import INSTALL
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import Item, dicts, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Warned
from webhook.cluster.checks.shipped import HANDLING, SELECTING, entries
from webhook.cluster.selectors import LabelSelector
from webhook.errors import quote
from webhook.injection.check_codes import CheckCode

Entry = Mapping[str, Any]
_HTTPS: Final = 443
_SHOWN: Final = 200
"""Characters of a value that are told; a whole condition is longer."""


def is_there(context: Context) -> Iterator[Outcome]:
    """Whether there is a configuration at all."""
    name = context.installation.configuration
    if context.configuration is None:
        yield Failed(
            CheckCode.NO_CONFIGURATION,
            f"there is no MutatingWebhookConfiguration {name}",
            f"install it: {INSTALL}; or give its name with --webhook-configuration",
        )
    else:
        yield Passed(name)


def entries_of(context: Context) -> dict[str, Entry]:
    """The entries of the configuration that are ours, by name."""
    found = dicts(context.configuration and context.configuration.webhooks)
    shipped = entries(context.installation.namespace)
    return {str(entry.get("name")): entry for entry in found if entry.get("name") in shipped}


def selects_as_shipped(context: Context) -> Iterator[Outcome]:
    """Whether the entries are there, and send the pods that the rules are made for."""
    found = entries_of(context)
    for name, shipped in entries(context.installation.namespace).items():
        if name not in found:
            yield Failed(
                CheckCode.NO_ENTRY,
                f"{context.installation.configuration} has no entry {name}",
                f"apply the shipped configuration again: {INSTALL}",
            )
            continue
        for field in (*SELECTING, "path"):
            told = _path(found[name]) if field == "path" else found[name].get(field)
            if _plain(told or {}) != _plain(shipped[field]):
                yield Failed(
                    CheckCode.OTHER_SELECTION,
                    f"{name}: {field} is {_shown(told)}; shipped: {_shown(shipped[field])}",
                    f"apply the shipped configuration again: {INSTALL}",
                )


def calls_as_shipped(context: Context) -> Iterator[Outcome]:
    """Whether failures have the consequences that the documentation tells."""
    for name, entry in entries_of(context).items():
        for field, shipped in HANDLING.items():
            if _plain(entry.get(field)) != _plain(shipped):
                yield Warned(
                    CheckCode.OTHER_HANDLING,
                    f"{name}: {field} is {_shown(entry.get(field))}; shipped: {_shown(shipped)}",
                    f"apply the shipped configuration again, unless this is what you want: {INSTALL}",
                )


def _path(entry: Entry) -> str:
    return part(entry, str, "clientConfig", "service", "path") or ""


def _plain(value: Any) -> Any:
    """`value` without what does not count: blanks between the words of an expression."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN and text.isascii() else quote(text, limit=_SHOWN)


def bundle_of(entry: Entry) -> bytes:
    """The caBundle of an entry; empty where there is none that is base64."""
    return decoded(part(entry, str, "clientConfig", "caBundle"))


def has_bundles(context: Context) -> Iterator[Outcome]:
    """Whether the API server can trust whom it calls."""
    installed = context.installation
    for name, entry in entries_of(context).items():
        fault = bundle_fault(bundle_of(entry))
        if fault:
            yield Failed(
                CheckCode.NO_BUNDLE,
                f"{name}: {fault}",
                f"see why the leading replica has not written it: {installed.logs}"
                if installed.is_managed
                else f"apply the overlay again, which writes it: {INSTALL}",
            )


def calls_the_service(context: Context) -> Iterator[Outcome]:
    """Whether what the entries call is there, and leads to the webhook's pods."""
    installed = context.installation
    service = context.find(f"/api/v1/namespaces/{installed.namespace}/services", installed.service)
    fault = _service_fault(context, service)
    for namespace, name, port in sorted({called(entry) for entry in entries_of(context).values()}):
        if (namespace, name) != (installed.namespace, installed.service):
            own = f"{installed.namespace}/{installed.service}"
            fault = f"the configuration calls the Service {namespace}/{name}; installed: {own}"
        elif service is not None and port not in _ports(service):
            fault = f"the configuration calls port {port} of the Service {name}, which has {_ports(service)}"
    if fault:
        yield Failed(CheckCode.NO_SERVICE, fault, f"apply the shipped Service and configuration again: {INSTALL}")
    else:
        yield Passed(f"{installed.namespace}/{installed.service}")


def called(entry: Entry) -> tuple[str, str, int]:
    """Namespace, name and port of the Service that an entry calls."""
    service = part(entry, dict, "clientConfig", "service") or {}
    return str(service.get("namespace")), str(service.get("name")), part(service, int, "port") or _HTTPS


def _ports(service: Item) -> list[int]:
    return [port["port"] for port in dicts(service.spec, "ports") if isinstance(port.get("port"), int)]


def _service_fault(context: Context, service: Item | None) -> str:
    """Why the Service does not lead to the Deployment's pods; one with an external name leads where that says."""
    installed = context.installation
    if service is None:
        return f"there is no Service {installed.namespace}/{installed.service}"
    if part(service.spec, str, "type") == "ExternalName" or context.readable_deployment is None:
        return ""
    selector = part(service.spec, dict, "selector")
    labels = part(context.readable_deployment.spec, dict, "template", "metadata", "labels") or {}
    if selector and LabelSelector(match_labels=selector).unmet(labels) is None:
        return ""
    return f"the Service {installed.service} does not select the pods of the Deployment {installed.deployment}"


CHECKS: Final = (
    Check(
        group=Group.CONFIGURATION,
        name="configuration",
        title="the webhook configuration is there",
        run=is_there,
    ),
    Check(
        group=Group.CONFIGURATION,
        name="selection",
        title="it sends the pods that it should",
        run=selects_as_shipped,
        needs=("configuration",),
    ),
    Check(
        group=Group.CONFIGURATION,
        name="handling",
        title="it calls as shipped",
        run=calls_as_shipped,
        needs=("configuration",),
    ),
    Check(
        group=Group.CONFIGURATION,
        name="ca-bundle",
        title="each entry has a caBundle",
        run=has_bundles,
        needs=("configuration",),
    ),
    Check(
        group=Group.CONFIGURATION,
        name="service",
        title="the Service that it calls leads to the webhook",
        run=calls_the_service,
        needs=("configuration",),
    ),
)
