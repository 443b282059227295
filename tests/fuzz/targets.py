"""What is fuzzed: each target takes bytes and raises where a promise is broken.

Used by the coverage-guided fuzzer and, with the inputs that it found, by the tests; needs no fuzzer itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import msgspec

from ray_config.address import MAX_PORT, Form, RayAddress, client_address, is_host, is_http_url, lacks_host, url_port
from tests.fuzz import known
from tests.fuzz.in_process import PATHS, InProcess
from tests.fuzz.oracles import PLANTED, check_answer, check_log, require
from tests.fuzz.structured_pods import review_of
from tests.service import FIXTURES
from webhook import contract
from webhook.cluster.client import UNDECODABLE
from webhook.cluster.settings import ConfigMap, SettingsStore
from webhook.errors import SettingsError
from webhook.injection.connection import resolve
from webhook.injection.discovery import MAX_REMARKS, MAX_SERVICE_NAME, discover
from webhook.injection.envfile import good_settings, parse_env_file
from webhook.injection.settings import (
    MAX_ALIASES,
    MAX_REFERENCES,
    MAX_VALUE,
    Settings,
    is_dns_subdomain,
    is_readable,
    parse_settings,
)
from webhook.injection.snapshot import Reference, Snapshot, TargetKind

_LONGEST_REMARK: Final = 1000
"""Characters: a path of ours, and 80 of the spec's own, each at most an escape of ten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something to fuzz.

    Attributes:
        run: raises where a promise is broken, by an exception of the code under test or by Violation.
        seeds: the inputs to begin with.
        is_json: whether mutations of JSON text make sense.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    is_json: bool = False


@cache
def service() -> InProcess:
    """The application, which all targets of this process share."""
    return InProcess(known.SNAPSHOT)


# Bodies, right from the socket.


def _run_body(data: bytes) -> None:
    service().state.snapshot = known.SNAPSHOT
    service().check(data, PATHS[len(data) % len(PATHS)], known.ALIASES)


def recorded_bodies() -> list[bytes]:
    """The recorded reviews without what no rule reads, and with a value in each container that may not be logged."""
    bodies = []
    for file in sorted((FIXTURES / "reviews").glob("*.json")):
        review = json.loads(file.read_bytes())
        for pod in filter(None, (review["request"]["object"], review["request"].get("oldObject"))):
            pod["metadata"].pop("managedFields", None)
            for container in pod["spec"]["containers"]:
                container.setdefault("env", []).append({"name": "PLAIN", "value": PLANTED})
        bodies.append(json.dumps(review, separators=(",", ":"), ensure_ascii=False).encode())
    return bodies


# Pods whose annotations, labels and env are hostile, in reviews that are well-formed.


def _run_pod(data: bytes) -> None:
    content, path, service().state.snapshot = review_of(data)
    service().check(content, path, known.ALIASES)


# Settings: the same text as an env file and as the data of a ConfigMap.


def _run_settings(data: bytes) -> None:
    text = data.decode(errors="replace")
    parsed = parse_env_file(text, source="settings.env")
    for fault in parsed.faults:
        _check_line(fault)
    try:
        good_settings(text, name="settings file", source="settings.env")
    except SettingsError as error:
        _check_line(str(error))
        require(parsed.faults, "a file without faults is refused")
    else:
        require(not parsed.faults, f"a file with faults is taken: {parsed.faults}")
    _check_settings(parsed.settings)
    data_of_map = _config_map_data(text)
    own = parse_settings(data_of_map, source="ConfigMap team-a/ray-settings", cluster_wide=False)
    _check_settings(own)
    require(not own.allowed_references, "a namespace opens references")
    _check_levels(own)
    _check_store(data_of_map, own)


def _config_map_data(text: str) -> dict[str, str]:
    """Keys and values that may hold line breaks: an empty line ends a value."""
    pairs = (chunk.partition("=") for chunk in text.split("\n\n"))
    return {key.strip(): value for key, _, value in pairs}


def _check_line(text: str) -> None:
    require(text.isascii() and text.isprintable(), f"not one line of printable ASCII: {text!r}")


def _check_settings(settings: Settings) -> None:
    require(settings.broken.keys().isdisjoint(settings.values), "a key is both broken and valid")
    for fault in settings.broken.values():
        _check_line(fault)
    for key, value in settings.values.items():
        require(is_readable(value) and len(value) <= MAX_VALUE, f"{key} is {value!r}")
    port = settings.values.get(contract.RAY_PORT)
    require(port is None or (port.isascii() and 1 <= int(port) <= MAX_PORT), f"RAY_PORT is {port!r}")
    require(len(settings.aliases) <= MAX_ALIASES, f"{len(settings.aliases)} aliases")
    require(len(settings.allowed_references) <= MAX_REFERENCES, f"{len(settings.allowed_references)} references")
    for name, key in settings.aliases.items():
        require(name.isascii() and name.isidentifier(), f"alias {name!r}")
        require(key in contract.ROLE_VARIABLES and name not in contract.ROLE_VARIABLES, f"alias {name!r} of {key!r}")


def _check_levels(own: Settings) -> None:
    """A broken key never falls through to the level below, and a client that needs one is denied."""
    snapshot = Snapshot(cluster_wide=known.SNAPSHOT.cluster_wide, namespaces={"team-a": own})
    connection = resolve(snapshot, "team-a")
    broken = own.broken.keys() & {*contract.CONNECTION_KEYS, *contract.AUTH_KEYS}
    for key in broken:
        require(key in connection.broken and key not in connection.values, f"the broken {key} fell through")
    for key in own.values.keys() & {*contract.CONNECTION_KEYS}:
        require(connection.values[key].text == own.values[key], f"{key} is not that of the highest level")
    service().state.snapshot = snapshot
    reply = service().post(_CLIENT, contract.MUTATE_PATH)
    response = check_answer(reply.status, reply.json, _CLIENT)
    check_log(reply.lines, _CLIENT)
    require(response["allowed"] is not bool(broken), f"broken: {sorted(broken)}, allowed: {response['allowed']}")


def _check_store(data: Mapping[str, str], own: Settings) -> None:
    """In force is the last good content."""
    store = SettingsStore(["ray-settings"], "ray-webhook-system")
    for version, content in enumerate(({"RAY_HOST": "good"}, data)):
        store.put(ConfigMap(namespace="team-a", name="ray-settings", uid="1", version=str(version), data=content))
    held = store.in_force()[0]["team-a"].values
    require(held == ({"RAY_HOST": "good"} if own.broken else own.values), f"in force: {held}")


_CLIENT: Final = json.dumps(
    {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "operation": "CREATE",
            "namespace": "team-a",
            "object": {
                "metadata": {"name": "web", "annotations": {contract.ROLE: "client"}},
                "spec": {"containers": [{"name": "app", "env": [{"name": "PLAIN", "value": PLANTED}]}]},
            },
        },
    }
).encode()


def _settings_seeds() -> list[bytes]:
    whole = "\n".join(f"{key}={value}" for key, value in known.WIDE.items())
    lines = "\n\n".join(f"{key}={value}".replace(";", "\n") for key, value in known.WIDE.items())
    more = "\n\nRAY_AUTH_SECRET=ray-token\n\nRAY_AUTH_SECRET_KEY=auth_token\n\nRAY_ADDRESS=auto\n\nOTHER=1"
    broken = "RAY_HOST=ray://a\n\nRAY_PORT=99999\n\nRAY_SERVE_URL=a b\n\nRAY_NAMESPACE=$(X)\n\nRAY_ALIASES=A=B"
    long = f"RAY_NAMESPACE={'x' * (MAX_VALUE + 1)}"
    return [text.encode() for text in (whole, lines, lines + more, broken, long)]


# Specs of RayClusters and RayServices.


def _run_spec(data: bytes) -> None:
    try:
        spec = msgspec.json.decode(data)
    except UNDECODABLE:
        return
    for kind in TargetKind:
        reference = Reference(kind=kind, namespace="team-a", name="train")
        found = discover(reference, spec)
        require(len(found.remarks) <= MAX_REMARKS, f"{len(found.remarks)} remarks")
        for remark in found.remarks:
            _check_line(remark)
            require(len(remark) <= _LONGEST_REMARK, f"a remark of {len(remark)} characters")
        target = found.target
        for service_name in filter(None, (target.head_service, target.serve_service)):
            is_name = is_dns_subdomain(service_name) and "." not in service_name
            require(is_name and len(service_name) <= MAX_SERVICE_NAME, f"Service {service_name!r}")
        for port in (target.client_port, target.dashboard_port, target.serve_port):
            require(type(port) is int and 1 <= port <= MAX_PORT, f"port {port!r}")
        require(target.auth_secret is None or is_dns_subdomain(target.auth_secret), f"Secret {target.auth_secret!r}")
        values = resolve(Snapshot(targets={reference: target}), "team-a", reference=reference).values
        require(is_http_url(values[contract.RAY_SERVE_URL].text), f"serve URL {values[contract.RAY_SERVE_URL]}")
        require(is_http_url(values[contract.RAY_DASHBOARD_URL].text), f"URL {values[contract.RAY_DASHBOARD_URL]}")


def _spec_seeds() -> list[bytes]:
    files = (FIXTURES / "objects" / name for name in ("raycluster-default.json", "rayservice-starting.json"))
    specs = [json.loads(file.read_bytes())["spec"] for file in files]
    ports = [{"name": "client", "containerPort": 20001, "port": 20001}, {"containerPort": 8265, "port": 1}]
    head = {
        "headService": {"metadata": {"name": "my-head"}, "spec": {"ports": ports}},
        "rayStartParams": {"ray-client-server-port": "20001", "dashboard-port": "8266"},
        "template": {"spec": {"containers": [{"name": "ray-head", "ports": ports}]}},
    }
    auth = {"mode": "token", "secretName": "ray-token", "enableK8sTokenAuth": False}
    cluster = {"headGroupSpec": head, "authOptions": auth}
    serve = {"metadata": {"name": "my-serve"}, "spec": {"ports": [{"name": "serve", "port": 9000}]}}
    upgrade = {"type": "NewClusterWithIncrementalUpgrade"}
    bounds = [{"name": name, "containerPort": port} for name in ("client", "serve") for port in (0, 65536, True, "1")]
    wrong = {
        "headService": {"metadata": {"name": "a.b"}},
        "rayStartParams": {"ray-client-server-port": "010001", "dashboard-port": "0"},
        "template": {"spec": {"containers": [{"ports": bounds}]}},
    }
    secret = {"mode": "token", "secretName": "No Name"}
    specs += [cluster, {"rayClusterConfig": cluster, "serveService": serve, "upgradeStrategy": upgrade}]
    specs += [
        {"headGroupSpec": wrong, "authOptions": secret},
        {"serveService": {"metadata": {"name": "a" * 64}}},
        [],
        None,
    ]
    return [json.dumps(spec, separators=(",", ":")).encode() for spec in specs]


# Addresses.


def _run_address(data: bytes) -> None:
    text = data.decode(errors="replace")
    address = RayAddress.parse(text)
    if address.form is Form.DIRECT:
        require(f"{address.host}:{address.port}" == text, f"{text!r} is taken for {address}")
    if address.form is Form.CLIENT and address.host and address.port:
        require(client_address(address.host, address.port) == text, f"{text!r} is taken for {address}")
    if lacks_host(text):
        require(address.form is Form.CLIENT and address.host is None, f"{text!r} lacks a host, and is {address}")
    if is_host(text):
        for form, made in ((Form.DIRECT, f"{text}:6379"), (Form.CLIENT, client_address(text, 6379))):
            wanted = RayAddress(form=form, host=text, port=6379)
            require(RayAddress.parse(made) == wanted, f"{made!r} is taken for {RayAddress.parse(made)}")
        require(is_http_url(f"http://{text}:8265"), f"no URL: http://{text}:8265")
    port = url_port(text)
    require(port is None or (is_http_url(text) and 1 <= port <= MAX_PORT), f"{text!r} has the port {port}")
    if is_http_url(text):
        require(RayAddress.parse(text).form is Form.HTTP and is_readable(text), f"{text!r} is a URL and {address}")


def _address_seeds() -> list[bytes]:
    right = (
        "",
        "auto",
        "local",
        "ray-head:6379",
        "[::1]:65535",
        "ray://ray-head:10001",
        "ray://ray-head",
        "ray_head.a.",
    )
    urls = (
        "http://ray:8265",
        "https://[::1]:1/x?y#z",
        "http://10.0.0.1",
        "http://ray:0",
        "http://:1",
        "http://ray:8 265",
    )
    wrong = ("ray-head:06379", "ray-head:65536", "ray-head:0", "[fe80::1%1]:1", "ray://", "ray://:1", "ray://a:010001")
    return [text.encode() for text in (*right, *urls, *wrong, "ray-head:\uff11", f"{'a' * 64}:1", f"{'a.' * 130}a:1")]


TARGETS: Final[Mapping[str, Target]] = {
    "bodies": Target(run=_run_body, seeds=recorded_bodies, is_json=True),
    "pods": Target(run=_run_pod, seeds=lambda: [bytes([byte]) * 80 for byte in range(256)]),
    "settings": Target(run=_run_settings, seeds=_settings_seeds),
    "specs": Target(run=_run_spec, seeds=_spec_seeds, is_json=True),
    "addresses": Target(run=_run_address, seeds=_address_seeds),
}


def dictionary() -> Iterable[str]:
    """The names and words that the rules compare with."""
    names = {text for name, text in vars(contract).items() if name.isupper() and isinstance(text, str)}
    choices = {choice.value for enum in (contract.Role, contract.Connect, contract.OnConflict) for choice in enum}
    keys = {"metadata", "annotations", "labels", "spec", "containers", "initContainers", "ephemeralContainers", "env"}
    keys |= {"envFrom", "name", "value", "valueFrom", "request", "object", "oldObject", "subResource", "operation"}
    forms = {"auto", "local", "ray://", "http://", "https://", "$(", "$$(", "[::1]", ":10001", " -> ", "65535", "null"}
    return sorted(names | choices | keys | forms | contract.KUBERAY_VARIABLES)
