"""Creates pods at a steady rate, as controllers do: what the guard refuses is tried again until it is created.

As behind a load balancer, an API server is sent nothing over a new connection before its ``/readyz`` is ok: one that
has just started passes over every webhook until it has read the Services.
"""

from __future__ import annotations

import heapq
import http.client
import json
import ssl
import threading
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, Final, Self
from urllib.parse import urlsplit

from tests.control_plane.cluster import ControlPlane
from tests.e2e import workloads

THREADS: Final = 16
ANSWER_SECONDS: Final = 60.0
"""Longer than an API server takes to give up on etcd, or to start."""
PROBE_SECONDS: Final = 0.1
"""Between two looks at whether an API server is ready."""
FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 2.0
GUARD: Final = "RAY311"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One request to create a pod; times are of the monotonic clock."""

    begun: float
    done: float

    @property
    def seconds(self) -> float:
        """How long its answer took."""
        return self.done - self.begun


@dataclass(order=True, slots=True)
class _Due:
    at: float
    tries: int = field(default=0, compare=False)


class Creator:
    """Clients in one namespace, created as long as the block lasts; at its end, what was refused has been created.

    Attributes:
        created: the attempts that were answered with 201, by the created pod's name.
        refused: those that the guard refused.
        unserved: why the API server itself did not do what was asked: an attempt each, never tried again.
        denied: any other refusal, which nothing here deserves.
    """

    def __init__(self, plane: ControlPlane, namespace: str, rate: float) -> None:
        """Create nothing yet; `rate` is pods a second."""
        self._url, self._path = urlsplit(plane.url), f"/api/v1/namespaces/{namespace}/pods"
        self._context = ssl.create_default_context(cafile=plane.certificate)
        token = plane.admin.configuration.api_key["authorization"]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._pod, self._interval = json.dumps(workloads.pod(namespace, role="client")), 1 / rate
        self._lock = threading.Lock()
        self._due = [_Due(monotonic())]
        self._stopping = False
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        self.created: dict[str, Attempt] = {}
        self.refused: list[Attempt] = []
        self.unserved: list[str] = []
        self.denied: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        connection = self._connection()
        while due := self._take():
            sleep(max(0.0, due.at - monotonic()))
            try:
                if connection.sock is None:
                    self._await_ready(connection)
                begun = monotonic()
                status, body = self._post(connection)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.unserved.append(type(error).__name__)
                continue
            self._note(due, Attempt(begun=begun, done=monotonic()), status, body)
        connection.close()

    def _connection(self) -> http.client.HTTPSConnection:
        host, port = str(self._url.hostname), self._url.port
        return http.client.HTTPSConnection(host, port, context=self._context, timeout=ANSWER_SECONDS)

    def _take(self) -> _Due | None:
        """What is to be created next, and when. Time that was lost is not made up for."""
        with self._lock:
            while self._due:
                due = heapq.heappop(self._due)
                if due.tries:
                    return due
                if not self._stopping:
                    heapq.heappush(self._due, _Due(max(due.at + self._interval, monotonic())))
                    return due
        return None

    def _await_ready(self, connection: http.client.HTTPSConnection) -> None:
        """Open the connection to a server that is ready; raises TimeoutError."""
        deadline = monotonic() + ANSWER_SECONDS
        while not self._is_ready(connection):
            if monotonic() > deadline:
                raise TimeoutError
            sleep(PROBE_SECONDS)

    def _is_ready(self, connection: http.client.HTTPSConnection) -> bool:
        try:
            connection.request("GET", "/readyz", headers=self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        return answer.status == 200 and connection.sock is not None

    def _post(self, connection: http.client.HTTPSConnection) -> tuple[int, dict[str, Any]]:
        connection.request("POST", self._path, body=self._pod, headers=self._headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def _note(self, due: _Due, attempt: Attempt, status: int, body: dict[str, Any]) -> None:
        message = str(body.get("message"))
        if status == 201:
            self.created[body["metadata"]["name"]] = attempt
        elif status == 403 and GUARD in message:
            self.refused.append(attempt)
            pause = min(FIRST_RETRY_SECONDS * 2**due.tries, LONGEST_RETRY_SECONDS)
            with self._lock:
                heapq.heappush(self._due, _Due(attempt.done + pause, due.tries + 1))
        elif status >= 500 or status == 429:
            self.unserved.append(f"{status} {message}")
        else:
            self.denied.append(f"{status} {message}")
