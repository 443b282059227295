"""Group "network": Ray answers where clients are sent, seen from inside the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.endpoints import Endpoint, endpoints, target_items
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.cluster.checks.place import inside, run_inside
from webhook.cluster.checks.ray import declared_versions
from webhook.cluster.decoding import decoder
from webhook.errors import quote
from webhook.injection.check_codes import CheckCode
from webhook.injection.snapshot import Reference

_AT_ONCE: Final = 16
_DENIED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_PORTS: Final = {"http": 80, "https": 443}


class _Version(msgspec.Struct):
    ray_version: str = ""


def are_inside(context: Context) -> Iterator[Outcome]:
    """Whether anything can be said from here."""
    found = endpoints(context)
    bare = [one.source for one in found if not one.namespace and one.is_bare(one.host)]
    if not found:
        yield Skipped("no settings name a host, and there is no RayCluster or RayService")
    elif not inside(context):
        yield Skipped(f"Service names do not resolve here; {run_inside(context, Group.NETWORK)}")
    elif len(bare) == len(found):
        yield Skipped(f"the host in {bare[0]} is bare, and means another Service in each namespace")


def _of_each(
    context: Context, look: Callable[[Endpoint], Iterable[Outcome]], *, resolved: bool = True
) -> Iterator[Outcome]:
    """What `look` says of each host that is one and the same everywhere; asked for at the same time."""

    def outcomes(endpoint: Endpoint) -> list[Outcome]:
        return [] if resolved and not context.network.resolves(endpoint.address) else list(look(endpoint))

    found = [one for one in endpoints(context) if one.namespace or not one.is_bare(one.host)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for told in pool.map(outcomes, found):
            yield from told


def names_resolve(context: Context) -> Iterator[Outcome]:
    """Whether the names of the hosts lead somewhere."""
    yield from _of_each(context, partial(_name, context), resolved=False)


def _name(context: Context, endpoint: Endpoint) -> Iterator[Outcome]:
    if not context.network.resolves(endpoint.address):
        yield Failed(
            CheckCode.NO_NAME,
            f"{endpoint.source}: {endpoint.address} does not resolve",
            f"kubectl get services -A --field-selector metadata.name={endpoint.host.partition('.')[0]}",
        )


def ports_answer(context: Context) -> Iterator[Outcome]:
    """Whether somebody listens for Ray Client, and for Serve, which not everybody uses."""
    yield from _of_each(context, partial(_ports, context))


def _ports(context: Context, endpoint: Endpoint) -> Iterator[Outcome]:
    fault = context.network.connect(endpoint.address, endpoint.port)
    if fault:
        yield Failed(CheckCode.NO_PORT, *_closed(endpoint, endpoint.address, endpoint.port, "Ray Client", fault))
    if not endpoint.serve:
        return
    url = urlsplit(endpoint.serve)
    host, port = endpoint.qualified(str(url.hostname)), url.port or _PORTS[url.scheme]
    fault = context.network.connect(host, port)
    if fault:
        yield Warned(CheckCode.NO_PORT, *_closed(endpoint, host, port, "Serve", fault))


def _closed(endpoint: Endpoint, host: str, port: int, what: str, fault: str) -> tuple[str, str]:
    detail = f"{endpoint.source}: {what} does not answer at {host}:{port} ({fault})"
    namespace = endpoint.namespace or (host.split(".")[1] if "." in host else "NAMESPACE")
    return detail, f"kubectl get pods,endpointslices,networkpolicies -n {namespace}"


def dashboards_answer(context: Context) -> Iterator[Outcome]:
    """Whether Ray's dashboard answers, and is of the version that the cluster's images say."""
    specs = {reference: declared_versions(reference, item) for reference, item in target_items(context)}
    yield from _of_each(context, partial(_dashboard, context, specs))


def _dashboard(context: Context, specs: dict[Reference, dict[str, str]], endpoint: Endpoint) -> Iterator[Outcome]:
    if not endpoint.dashboard:
        return
    parts = urlsplit(endpoint.dashboard)
    host = endpoint.qualified(str(parts.hostname))
    url = parts._replace(netloc=parts.netloc.replace(str(parts.hostname), host, 1), path="/api/version").geturl()
    answer = context.network.get(url)
    version = _version(answer.body)
    if answer.status in _DENIED:
        yield Passed(f"{endpoint.source}: {url} wants a token")
    elif answer.status != HTTPStatus.OK or not version:
        why = answer.fault or f"status {answer.status}, {quote(answer.body[:80].decode(errors='replace'))}"
        yield Failed(
            CheckCode.NO_DASHBOARD,
            f"{endpoint.source}: {url} is not Ray's dashboard ({why})",
            _closed(endpoint, host, 0, "", "")[1],
        )
    else:
        declared = specs.get(endpoint.reference, {}) if endpoint.reference else {}
        yield from _versions(endpoint, version, declared)


def _version(body: bytes) -> str:
    try:
        return decoder(_Version).decode(body).ray_version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _versions(endpoint: Endpoint, running: str, declared: dict[str, str]) -> Iterator[Outcome]:
    other = [f"{where} {version}" for where, version in declared.items() if version != running]
    if other and endpoint.reference:
        reference = endpoint.reference
        yield Failed(
            CheckCode.RAY_VERSIONS,
            f"{reference}: Ray {quote(running)[1:-1]} runs, and the spec says {', '.join(other)}",
            f"kubectl edit {reference.kind.lower()} {reference.name} -n {reference.namespace}",
        )
    else:
        yield Passed(f"{endpoint.source}: Ray {quote(running)[1:-1]}")


CHECKS: Final = (
    Check(group=Group.NETWORK, name="inside", title="Service names resolve here", run=are_inside),
    Check(group=Group.NETWORK, name="ray-names", title="Ray's names resolve", run=names_resolve, needs=("inside",)),
    Check(group=Group.NETWORK, name="ray-ports", title="Ray's ports answer", run=ports_answer, needs=("inside",)),
    Check(
        group=Group.NETWORK,
        name="ray-dashboards",
        title="Ray's dashboards answer",
        run=dashboards_answer,
        needs=("inside",),
    ),
)
