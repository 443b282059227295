"""A small Kubernetes API server over real HTTP: get, list, watch and patch, and the faults of a sick one.

Objects live in collections by path. Every write has a resource version; the history lets watches resume. Requests are
recorded with their time, so that a test can count them.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep, time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Object = dict[str, Any]

CONFIG_MAPS = "/api/v1/configmaps"
NAMESPACES = "/api/v1/namespaces"
PODS = "/api/v1/pods"
REPLICA_SETS = "/apis/apps/v1/replicasets"
DEPLOYMENTS = "/apis/apps/v1/deployments"
STATEFUL_SETS = "/apis/apps/v1/statefulsets"
DAEMON_SETS = "/apis/apps/v1/daemonsets"
JOBS = "/apis/batch/v1/jobs"
CLUSTERS = "/apis/ray.io/v1/rayclusters"
SERVICES = "/apis/ray.io/v1/rayservices"
RAY_JOBS = "/apis/ray.io/v1/rayjobs"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/apps/leases"
"""Those of one namespace, which are written by their names."""
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came; `epoch` tells which of the cuts of watches came before it."""

    at: float
    epoch: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"


@dataclass(frozen=True, kw_only=True)
class Many:
    """A collection that is larger than a test may hold: so many objects, each made as JSON when it is listed."""

    count: int
    item: Callable[[int], bytes]


@dataclass
class Faults:
    """What is wrong with the server; changed by tests while it runs.

    Attributes:
        status: answers to requests of a path, in place of what is there; to its watches or lists only with
            ``" watch"`` or ``" list"`` behind the path.
        message: what those say.
        headers: sent with those.
        hang: requests are read and never answered.
        end_watches: watches end as soon as they have begun.
        expired: watches are told that their version is too old, that many times.
        garbage: sent in place of every answer.
        silent: watches send nothing, no bookmarks and no end either.
        forgetful: how many times the rest of a path's list cannot be had as it was; another token is offered.
    """

    status: dict[str, int] = field(default_factory=dict)
    message: str = "this server is sick"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    end_watches: bool = False
    expired: int = 0
    garbage: bytes = b""
    silent: bool = False
    forgetful: dict[str, int] = field(default_factory=dict)


class FakeApiServer:
    """The server's state; see the module.

    What is neither a collection nor an object of one, such as ``/version``, is in ``documents`` by its path; what
    becomes of a POST is said in ``creations``, by the end of its path.
    """

    def __init__(self) -> None:
        apps = (REPLICA_SETS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
        built_in = (CONFIG_MAPS, NAMESPACES, PODS, *apps, JOBS, BUDGETS)
        self.collections: dict[str, dict[tuple[str, str], Object]] = {path: {} for path in built_in}
        self.many: dict[str, Many] = {}
        self.admit: Callable[[Object], tuple[int, Object]] = lambda made: (201, made)
        self.changed_by_patch: Callable[[str, Object], None] = lambda path, made: None
        self.history: list[tuple[int, str, str, Object]] = []
        self.events: dict[str, Object] = {}
        self.documents: dict[str, Object] = {}
        self.creations: dict[str, Callable[[Request], tuple[int, Object]]] = {}
        self.requests: list[Request] = []
        self.faults = Faults()
        self.version = 100
        self.changed = threading.Condition()
        self.oldest = 0
        self.epoch = 0
        self.closing = False
        self.date: Callable[[], float] = time

    def put(
        self, path: str, namespace: str, name: str, *, annotations: dict[str, str] | None = None, **fields: Any
    ) -> Object:
        """Create or replace an object."""
        with self.changed:
            objects = self.collections[path]
            self.version += 1
            old = objects.get((namespace, name))
            uid = old["metadata"]["uid"] if old else f"uid-{self.version}"
            noise = {"managedFields": [{"manager": "kubectl"}], "labels": {"a": "b"}}
            metadata = {"namespace": namespace, "name": name, "uid": uid, "resourceVersion": str(self.version), **noise}
            metadata |= {"annotations": annotations} if annotations else {}
            made = {"metadata": metadata, "status": {"noise": 1}, **fields}
            objects[namespace, name] = made
            self._record(path, "MODIFIED" if old else "ADDED", made)
        return made

    def add(self, path: str, whole: Object) -> Object:
        """Create or change an object whose metadata counts, such as a pod."""
        metadata = whole["metadata"]
        with self.changed:
            self.version += 1
            made = {"status": {}, **whole, "metadata": {"uid": f"uid-{self.version}", **metadata}}
            self.collections[path][metadata.get("namespace", ""), metadata["name"]] = made
        return made

    def listed(self, path: str) -> dict[tuple[str, str], Object] | None:
        """The objects of a collection, or of a namespace's part of one; None where the kind is not served."""
        if path in self.collections:
            return self.collections[path]
        api, _, rest = path.partition("/namespaces/")
        namespace, _, resource = rest.partition("/")
        whole = self.collections.get(f"{api}/{resource}")
        return None if whole is None else {key: item for key, item in whole.items() if key[0] == namespace}

    def placed(self, path: str) -> tuple[str, tuple[str, str]] | None:
        """The collection and key of the object at `path`, if it is there."""
        collection, _, name = path.rpartition("/")
        api, _, rest = collection.partition("/namespaces/")
        namespace, _, resource = rest.partition("/")
        for place, key in ((f"{api}/{resource}", (namespace, name)), (collection, ("", name))):
            if key in self.collections.get(place, {}):
                return place, key
        return None

    def config_map(self, namespace: str, data: Any, name: str = "ray-settings") -> Object:
        """Create or change a ConfigMap."""
        return self.put(CONFIG_MAPS, namespace, name, data=data)

    def delete(self, path: str, namespace: str, name: str) -> None:
        with self.changed:
            self.version += 1
            gone = self.collections[path].pop((namespace, name))
            gone["metadata"]["resourceVersion"] = str(self.version)
            self._record(path, "DELETED", gone)

    def patch(self, path: str, name: str, request: Request) -> tuple[int, Object]:
        """Change or create an object of a collection; an apply that is not forced conflicts with any that is there."""
        with self.changed:
            namespace = path.partition("/namespaces/")[2].partition("/")[0]
            old = self.collections[path].get((namespace, name))
            wanted = (request.body.get("metadata") or {}).get("resourceVersion")
            is_apply = "apply" in request.headers["content-type"]
            if old is None and (not is_apply or wanted):
                return (409, refusal(409, "gone")) if is_apply else (404, refusal(404, "not found"))
            if old and (
                wanted not in (None, old["metadata"]["resourceVersion"]) or request.query.get("force") == "false"
            ):
                return 409, refusal(409, "the object has been modified")
            self.version += 1
            new = {"metadata": {"namespace": namespace, "name": name, "uid": f"uid-{self.version}"}}
            made = _merged(old or new, request.body)
            if sum(len(key) + len(text) for key, text in made["metadata"].get("annotations", {}).items()) > 262_144:
                return 422, refusal(422, "metadata.annotations: Too long: may not be more than 262144 bytes")
            made["metadata"]["resourceVersion"] = str(self.version)
            self.collections[path][namespace, name] = made
            self._record(path, "MODIFIED" if old else "ADDED", made)
            return 200 if old else 201, made

    def serve_kind(self, path: str) -> None:
        """Install a CustomResourceDefinition."""
        with self.changed:
            self.collections.setdefault(path, {})

    def remove_kind(self, path: str) -> None:
        """Remove one, with its objects; its watches end."""
        with self.changed:
            del self.collections[path]
        self.break_watches()

    def break_watches(self) -> None:
        """Cut every watch off in the middle: those of the requests that have come, begun or not."""
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    def forget_history(self) -> None:
        """Compact: versions of before are too old to watch from, which a watch is told within its stream."""
        with self.changed:
            self.version += 1
            self.oldest = self.version

    def _record(self, path: str, kind: str, item: Object) -> None:
        self.history.append((self.version, path, kind, json.loads(json.dumps(item))))
        self.changed.notify_all()

    def count(self, path: str, *, watch: bool | None = None, since: float = 0.0) -> int:
        """How many requests of `path` came, of watches or lists only if asked so, after the time `since`."""
        return sum(
            request.path == path and request.at >= since and (watch is None or request.is_watch is watch)
            for request in list(self.requests)
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgement of its header
    fake: FakeApiServer

    def do_GET(self) -> None:
        request = self._note()
        if self._fails(request):
            return
        if request.path in self.fake.documents:
            self._answer(200, self.fake.documents[request.path])
            return
        objects = self.fake.listed(request.path)
        found = self.fake.placed(request.path)
        if request.path in self.fake.many:
            self._list_many(request, self.fake.many[request.path])
        elif found:
            self._answer(200, self.fake.collections[found[0]][found[1]])
        elif objects is None:
            self._answer(404, refusal(404, "the server could not find the requested resource"))
        elif request.is_watch:
            self._watch(request)
        else:
            self._list(request, objects)

    def do_POST(self) -> None:
        request = self._note()
        if self._fails(request):
            return
        kind = request.path.rpartition("/")[2]
        made = self.fake.creations.get(kind)
        if made:
            self._answer(*made(request))
        elif kind == "pods":
            assert request.query == {"dryRun": "All"}
            status, document = self.fake.admit(request.body)
            self._answer(status, document if status < 300 else refusal(status, str(document)))
        else:
            self._answer(404, refusal(404, "not found"))

    def do_PATCH(self) -> None:
        request = self._note()
        if self._fails(request):
            return
        collection, _, name = request.path.rpartition("/")
        found = self.fake.placed(request.path)
        if collection in self.fake.collections:
            self._answer(*self.fake.patch(collection, name, request))
        elif found:
            with self.fake.changed:
                made = _merged(self.fake.collections[found[0]][found[1]], request.body)
                self.fake.collections[found[0]][found[1]] = made
            self.fake.changed_by_patch(found[0], made)
            self._answer(200, made)
        else:
            self.fake.events[request.path] = request.body
            self._answer(200, request.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.fake.date() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server calls it
        """Say nothing."""

    def _note(self) -> Request:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            at=monotonic(),
            epoch=self.fake.epoch,
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(self.rfile.read(length)) if length else None,
        )
        self.fake.requests.append(request)
        return request

    def _fails(self, request: Request) -> bool:
        faults = self.fake.faults
        while faults.hang and not self.fake.closing:
            sleep(0.01)
        kind = "watch" if request.is_watch else "list"
        status = faults.status.get(request.path) or faults.status.get(f"{request.path} {kind}")
        if status:
            self._answer(status, refusal(status, faults.message), faults.headers)
        elif faults.garbage:
            self._send(200, faults.garbage, {})
        return bool(status or faults.garbage)

    def _answer(self, status: int, document: Object, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), headers or {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _list(self, request: Request, objects: dict[tuple[str, str], Object]) -> None:
        with self.fake.changed:
            found = [item for key, item in sorted(objects.items()) if is_selected(item, request.query)]
            version = self.fake.version
        token = request.query.get("continue", "0")
        if "continue" in request.query and self._forgets(request.path, token):
            return
        start, limit = int(token.removeprefix("rest-")), int(request.query.get("limit", "0"))
        end = start + limit if limit else len(found)
        metadata = {"resourceVersion": str(version)} | ({"continue": str(end)} if end < len(found) else {})
        self._answer(200, {"kind": "List", "metadata": metadata, "items": found[start:end]})

    def _forgets(self, path: str, token: str) -> bool:
        """As k8s.io/apiserver/pkg/storage/etcd3/errors.go does where etcd has compacted the list's version."""
        if self.fake.faults.forgetful.get(path, 0) < 1:
            return False
        self.fake.faults.forgetful[path] -= 1
        gone = refusal(410, "The provided continue parameter is too old to display a consistent list result.")
        self._answer(410, gone | {"metadata": {"continue": f"rest-{token.removeprefix('rest-')}"}})
        return True

    def _list_many(self, request: Request, many: Many) -> None:
        start, limit = int(request.query.get("continue", "0")), int(request.query["limit"])
        end = min(start + limit, many.count)
        metadata = {"resourceVersion": "1"} | ({"continue": str(end)} if end < many.count else {})
        items = b",".join(map(many.item, range(start, end)))
        self._send(200, b'{"metadata":%s,"items":[%s]}' % (json.dumps(metadata).encode(), items), {})

    def _watch(self, request: Request) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        version = int(request.query["resourceVersion"])
        if self._is_expired(version):
            self._event("ERROR", refusal(410, "too old resource version"))
        elif not self.fake.faults.end_watches and not self._follow(request, version):
            self.close_connection = True
            return
        self._chunk(b"")

    def _is_expired(self, version: int) -> bool:
        if self.fake.faults.expired:
            self.fake.faults.expired -= 1
            return True
        return version < self.fake.oldest

    def _follow(self, request: Request, version: int) -> bool:
        """Send what happens until the time is up; False where the connection is to be cut off in the middle."""
        ends_at = monotonic() + float(request.query["timeoutSeconds"])
        while self.fake.epoch == request.epoch and not self.fake.closing:
            with self.fake.changed:
                new = [row for row in self.fake.history if row[0] > version and row[1] == request.path]
                version = self.fake.version
                if not new and monotonic() < ends_at:
                    self.fake.changed.wait(0.02)
            if self.fake.faults.silent:
                continue
            for _, _, kind, item in new:
                if is_selected(item, request.query):
                    self._event(kind, item)
            if monotonic() >= ends_at:
                self._event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})
                return True
        return False

    def _event(self, kind: str, item: Object) -> None:
        self._chunk(json.dumps({"type": kind, "object": item}).encode() + b"\n")

    def _chunk(self, data: bytes) -> None:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        except OSError:
            self.close_connection = True


def is_selected(item: Object, query: dict[str, str]) -> bool:
    """By ``fieldSelector``, a list of ``metadata.name=`` and ``status.phase!=``, and ``labelSelector``: "=" or "in"."""
    labels, selector = item["metadata"].get("labels") or {}, query.get("labelSelector", "")
    for key, values in re.findall(r"(\S+) in \(([^)]*)\)", selector):
        if labels.get(key) not in values.split(","):
            return False
    equal = [term.partition("=") for term in re.sub(r"\S+ in \([^)]*\),?", "", selector).split(",") if "=" in term]
    if any(labels.get(key) != value for key, _, value in equal):
        return False
    terms = (term.partition("=") for term in query.get("fieldSelector", "").split(",") if term)
    fields = {"metadata.name": item["metadata"]["name"], "status.phase": item.get("status", {}).get("phase")}
    return all((fields[key.rstrip("!")] == value) is not key.endswith("!") for key, _, value in terms)


def _merged(old: Any, new: Any) -> Any:
    """RFC 7396, and lists of named objects merged by their names, as server-side apply does it."""
    if isinstance(old, list) and isinstance(new, list):
        found = {item["name"]: item for item in new}
        return [_merged(item, found.get(item["name"], {})) for item in old]
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    kept = {key: value for key, value in old.items() if key not in new}
    return kept | {key: _merged(old.get(key, {}), value) for key, value in new.items() if value is not None}


def refusal(code: int, message: str) -> Object:
    """What the API server answers where it does not do what it was asked."""
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "X", "code": code}


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.accepted: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.accepted.append(connection)
        return connection, address

    def cut_connections(self) -> None:
        """Cut idle ones too, which would still be served otherwise."""
        for connection in self.accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no fault of the server's."""


@contextmanager
def running_api_server(fake: FakeApiServer, port: int = 0) -> Iterator[str]:
    """Serve `fake` on loopback until the block ends; gives its URL."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    fake.closing = False
    server = _HttpServer(handler, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        fake.closing = True
        fake.break_watches()
        server.shutdown()
        server.cut_connections()
        server.server_close()
        thread.join()
