"""Bad input over HTTPS: each gets a JSON error with its code, is counted, and the service goes on."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service import RunningService, client_pod
from webhook.server.limits import BODY_SECONDS, HEADER_SECONDS, MAX_BODY, MAX_HEADER

GOOD = json.dumps(client_pod()).encode()
MIB = 1024 * 1024


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return GOOD.replace(b'"dryRun": true', b'"dryRun": true, "x": ' + opening * depth + b"1" + closing * depth, 1)


BAD_BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, "RAY813"),
    ("not JSON", b"hello", 400, "RAY813"),
    ("cut off", GOOD[: len(GOOD) // 2], 400, "RAY813"),
    ("two texts", GOOD + GOOD, 400, "RAY813"),
    ("not UTF-8", GOOD.replace(b"busybox", b"busy\xff", 1) + b" \xff", 400, "RAY813"),
    ("not UTF-8 where nobody reads", GOOD.replace(b'"kind": "Pod"', b'"kind": "\xff\xfe"'), 400, "RAY813"),
    ("UTF-16", GOOD.decode().encode("utf-16"), 400, "RAY813"),
    ("arrays nested thousands deep", nested(b"[", b"]", 5000), 400, "RAY813"),
    ("objects nested thousands deep", nested(b'{"a":', b"}", 5000), 400, "RAY813"),
    ("NaN", b'{"request": NaN}', 400, "RAY813"),
    ("no object", b"[]", 400, "RAY814"),
    ("null", b"null", 400, "RAY814"),
    ("without a request", b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}', 400, "RAY814"),
    ("request null", b'{"request": null}', 400, "RAY814"),
    ("without a uid", b'{"request": {"operation": "CREATE"}}', 400, "RAY814"),
    ("uid empty", b'{"request": {"uid": "", "operation": "CREATE"}}', 400, "RAY814"),
    ("uid a number", b'{"request": {"uid": 7, "operation": "CREATE"}}', 400, "RAY814"),
    ("older version", GOOD.replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1", 1), 400, "RAY814"),
    ("other kind", GOOD.replace(b"AdmissionReview", b"TokenReview", 1), 400, "RAY814"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES]
)
def test_bad_body_is_a_json_error_counted_and_the_service_goes_on(
    service: RunningService, body: bytes, status: int, code: str
) -> None:
    counter = f'ray_webhook_refused_requests_total{{code="{code}"}}'
    before = service.metric(counter)

    answer = service.post(body)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"].isascii()
    assert service.metric(counter) == before + 1
    assert service.post(GOOD).status == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/yaml", "application/jsonx", ""])
def test_wrong_media_type_is_415(service: RunningService, media_type: str) -> None:
    answer = service.post(GOOD, Content_Type=media_type)

    assert (answer.status, answer.json["code"]) == (415, "RAY812")


def test_missing_media_type_is_415(service: RunningService) -> None:
    assert service.request("POST", "/mutate", GOOD).status == 415


def test_compressed_body_is_415(service: RunningService) -> None:
    assert service.post(GOOD, Content_Encoding="gzip").status == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_method_is_405(service: RunningService, method: str) -> None:
    answer = service.request(method, "/mutate")

    assert (answer.status, answer.json["code"]) == (405, "RAY816")


def test_unknown_path_is_404_in_json(service: RunningService) -> None:
    answer = service.request("GET", "/nothing/here")

    assert (answer.status, answer.json["code"]) == (404, "RAY817")


def padded(length: int) -> bytes:
    """A good review of exactly `length` bytes, by an annotation that nobody reads."""
    review = client_pod({"padding": ""})
    review["request"]["oldObject"] = {"metadata": {"annotations": {"padding": ""}}}
    missing = length - len(json.dumps(review))
    review["request"]["object"]["metadata"]["annotations"]["padding"] = "x" * (missing // 2)
    review["request"]["oldObject"]["metadata"]["annotations"]["padding"] = "y" * (missing - missing // 2)
    return json.dumps(review).encode()


@pytest.mark.parametrize("length", [8 * MIB, MAX_BODY])
def test_8_mib_of_object_and_old_object_pass(service: RunningService, length: int) -> None:
    body = padded(length)

    answer = service.post(body)

    assert len(body) == length
    assert "patch" in answer.json["response"]


def test_larger_body_is_413_before_it_is_sent(service: RunningService) -> None:
    """By its Content-Length alone."""
    connection = service.connection()
    connection.putrequest("POST", "/mutate")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()

    answer = connection.getresponse()

    assert (answer.status, json.loads(answer.read())["code"]) == (413, "RAY811")
    assert answer.getheader("connection") == "close"
    connection.close()


def test_larger_body_without_a_length_is_413_while_it_is_sent(service: RunningService) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (b" " * MIB for _ in range(8))
        yield b" " * 512 * 1024

    connection = service.connection()
    connection.request("POST", "/mutate", chunks(), {"Content-Type": "application/json"}, encode_chunked=True)

    answer = connection.getresponse()

    assert (answer.status, json.loads(answer.read())["code"]) == (413, "RAY811")
    connection.close()


@contextmanager
def tls(service: RunningService) -> Iterator[ssl.SSLSocket]:
    url = urlsplit(service.url)
    with socket.create_connection((url.hostname, url.port), timeout=20) as plain:
        assert service.trust is not None
        with service.trust.wrap_socket(plain, server_hostname=url.hostname) as wrapped:
            yield wrapped


def read_to_end(connection: ssl.SSLSocket) -> tuple[bytes, Any]:
    """Status line and JSON body; the service closes the connection."""
    content = b""
    while chunk := connection.recv(65536):
        content += chunk
    head, _, body = content.partition(b"\r\n\r\n")
    return head.split(b"\r\n", 1)[0], json.loads(body)


HEADER = b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW: list[tuple[str, bytes, str, float]] = [
    ("silent", b"", "RAY818", HEADER_SECONDS),
    ("header without its end", HEADER, "RAY818", HEADER_SECONDS),
    ("body not sent", HEADER + b"Content-Length: 100\r\n\r\n", "RAY815", BODY_SECONDS),
    ("body half sent", HEADER + b"Content-Length: 100\r\n\r\n{", "RAY815", BODY_SECONDS),
]


def test_slow_and_silent_senders_are_timed_out_told_and_counted(service: RunningService) -> None:
    """All at once, since each takes seconds; meanwhile the service answers others, and holds no slot afterwards."""
    codes = {row[2] for row in SLOW}
    counters = [f'ray_webhook_refused_requests_total{{code="{code}"}}' for code in sorted(codes)]
    before = [service.metric(counter) for counter in counters]
    with tls(service) as first, tls(service) as second, tls(service) as third, tls(service) as fourth:
        connections = [first, second, third, fourth]
        started = monotonic()
        for connection, row in zip(connections, SLOW, strict=True):
            connection.sendall(row[1])
        assert service.post(GOOD).status == 200
        assert service.metric("ray_webhook_in_flight_requests") == 2

        for connection, (_, _, code, seconds) in zip(connections, SLOW, strict=True):
            status, body = read_to_end(connection)
            assert (status.split()[1], body["code"]) == (b"408", code)
            assert monotonic() - started < seconds + 3
    assert [service.metric(counter) - was for counter, was in zip(counters, before, strict=True)] == [2, 2]
    assert service.metric("ray_webhook_in_flight_requests") == 0
    assert service.post(GOOD).status == 200


def test_sender_that_trickles_its_second_header_is_timed_out_too(service: RunningService) -> None:
    """The clock runs for each request of a connection, not for the first alone."""
    with tls(service) as connection:
        connection.sendall(HEADER + b"Content-Length: %d\r\n\r\n%b" % (len(GOOD), GOOD))
        first = connection.recv(65536)
        connection.sendall(b"POST /mutate HT")

        status, body = read_to_end(connection)

    assert first.startswith(b"HTTP/1.1 200")
    assert (status.split()[1], body["code"]) == (b"408", "RAY818")


def test_sender_that_goes_away_is_counted_and_nobody_minds(service: RunningService) -> None:
    counter = 'ray_webhook_refused_requests_total{code="RAY819"}'
    before = service.metric(counter)
    with tls(service) as connection:
        connection.sendall(HEADER + b"Content-Length: 100\r\n\r\n{")

    assert eventually(lambda: service.metric(counter) == before + 1)
    assert service.post(GOOD).status == 200


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = monotonic() + seconds
    while not condition() and monotonic() < deadline:
        pass
    return condition()


@pytest.mark.parametrize("place", ["metadata", "container"])
def test_no_depth_is_a_fault(service: RunningService, place: str) -> None:
    """Around the depth that the decoder bears once but not twice, the body is refused or the pod left as it is."""
    before = service.metric('ray_webhook_faults_total{code="RAY501"}')
    review = client_pod()
    pod = review["request"]["object"]
    (pod["metadata"] if place == "metadata" else pod["spec"]["containers"][0])["name"] = "deep"
    text = json.dumps(review)
    for depth in range(900, 1010):
        body = text.replace('"deep"', "[" * depth + "]" * depth).encode()
        assert service.post(body).status in {200, 400}

    assert service.metric('ray_webhook_faults_total{code="RAY501"}') == before


def test_header_without_end_is_431_and_the_connection_is_gone(service: RunningService) -> None:
    with tls(service) as connection:
        connection.sendall(HEADER + b"x: y\r\n" * (MAX_HEADER // 6 + 1))
        status, body = read_to_end(connection)

    assert (status.split()[1], body["code"]) == (b"431", "RAY821")


def test_flood_of_header_lines_is_cut_off_within_seconds(service: RunningService) -> None:
    """Even where the sender reads nothing and goes on sending."""
    before = service.memory()
    started = monotonic()
    with tls(service) as connection, contextlib.suppress(OSError):
        connection.sendall(HEADER)
        while monotonic() - started < 20:
            connection.sendall(b"x: y\r\n" * 10_000)

    assert monotonic() - started < 10
    assert service.memory() - before < 20


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", HEADER + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"\x00\x01\x02\r\n\r\n"]
)
def test_what_is_no_http_is_a_json_error_and_counted(service: RunningService, garbage: bytes) -> None:
    counter = 'ray_webhook_refused_requests_total{code="RAY820"}'
    before = service.metric(counter)
    with tls(service) as connection:
        connection.sendall(garbage)
        status, body = read_to_end(connection)

    assert (status.split()[1], body["code"]) == (b"400", "RAY820")
    assert service.metric(counter) == before + 1


def test_connection_that_never_begins_tls_is_closed(service: RunningService) -> None:
    url = urlsplit(service.url)
    with socket.create_connection((url.hostname, url.port), timeout=20) as plain:
        started = monotonic()
        with contextlib.suppress(ConnectionError):
            assert plain.recv(1) == b""
        assert monotonic() - started < 10


def test_slow_senders_do_not_keep_others_out(service: RunningService) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            connection = stack.enter_context(tls(service))
            connection.sendall(HEADER + b"Content-Length: 1000\r\n\r\n{")

        assert service.post(GOOD).status == 200
