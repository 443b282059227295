"""Nothing that a sender or the cluster keeps secret is told, and nothing that a sender writes can forge a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service import RunningService, client_pod, running_service

SECRET = "hunter2-planted"  # noqa: S105  it is looked for
HOSTILE = 'a\n{"event":"forged"}\r\n2026-01-01 ERROR forged\x1b[31m\x00\x7f\x9b31m\u2028\u202e'
FORMATS = ("json", "text")


@pytest.fixture(scope="module", params=FORMATS)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp(request.param)
    settings = folder / "settings.env"
    settings.write_text(f"RAY_HOST={SECRET}-host\nRAY_AUTH_SECRET={SECRET}-name\n")
    with running_service(folder, "--log-format", request.param, settings=settings) as running:
        yield running


def planted() -> dict[str, Any]:
    """A review with a secret in everything that is not a name."""
    review = client_pod({"vault.example/token": SECRET}, [{"name": "PASSWORD", "value": SECRET}])
    pod = review["request"]["object"]
    pod["metadata"]["labels"] = {"token": SECRET}
    pod["spec"]["containers"][0] |= {"command": [SECRET], "args": ["--password", SECRET], "image": SECRET}
    pod["spec"]["containers"][0]["env"] += [{"name": "RAY_ADDRESS", "value": f"ray://user:{SECRET}@host"}]
    review["request"]["userInfo"] = {"username": SECRET, "extra": {"token": [SECRET]}}
    review["request"]["oldObject"] = {"data": SECRET}
    return review


def everything_told(service: RunningService, count: int) -> str:
    """The log, once it has as many lines more, and the metrics."""
    service.await_lines(count)
    return b"".join(service.lines).decode() + service.ops("/metrics")[1]


def test_what_pods_settings_and_headers_say_is_in_no_line_and_no_metric(service: RunningService) -> None:
    before = len(service.lines)
    review = planted()
    denied = planted()
    denied["request"]["object"]["metadata"]["annotations"]["ray.seedcore.io/on-conflict"] = "deny"
    malformed = planted()
    malformed["request"]["object"]["spec"]["containers"][0]["env"] = [{"name": SECRET, "value": [SECRET]}]
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": SECRET, "X_Token": SECRET}

    answers = [service.post(json.dumps(body).encode(), **headers) for body in (review, denied, malformed)]

    assert [answer.status for answer in answers] == [200] * 3
    assert not answers[1].json["response"]["allowed"]
    assert SECRET not in json.dumps(answers[2].json)
    assert SECRET not in everything_told(service, before + 3)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mutate", f'{{"request": {{"uid": 7, "token": "{SECRET}"}}}}'),
        ("/mutate", f'{{"request": "{SECRET}"}}'),
        ("/mutate", f'["{SECRET}", '),
        ("/nothing", f'"{SECRET}"'),
        ("/healthz", f'"{SECRET}"'),
    ],
)
def test_an_error_answer_repeats_neither_the_body_nor_a_credential(
    service: RunningService, path: str, body: str
) -> None:
    answer = service.post(body.encode(), path + f"?token={SECRET}", Authorization=f"Bearer {SECRET}")

    assert answer.status >= 400
    assert SECRET not in json.dumps(answer.json)
    assert SECRET not in everything_told(service, 1)


def hostile_reviews() -> Iterator[dict[str, Any]]:
    for key in ("uid", "namespace", "name", "operation", "subResource"):
        review = client_pod()
        review["request"][key] = HOSTILE
        yield review
    for metadata in (
        {"name": HOSTILE},
        {"generateName": HOSTILE},
        {"labels": {HOSTILE: HOSTILE}},
        {"ownerReferences": [{"kind": HOSTILE, "name": HOSTILE, "controller": True}]},
        {"annotations": {"ray.seedcore.io/role": HOSTILE}},
        {"annotations": {"ray.seedcore.io/role": "client", "ray.seedcore.io/cluster": HOSTILE}},
        {"annotations": {"ray.seedcore.io/role": "client", "ray.seedcore.io/containers": HOSTILE}},
    ):
        review = client_pod()
        review["request"].pop("name", None)
        review["request"]["object"]["metadata"] = metadata
        yield review


def test_no_text_of_a_sender_can_forge_a_line_or_steer_a_terminal(service: RunningService) -> None:
    before = len(service.lines)
    reviews = list(hostile_reviews())
    for review in reviews:
        assert service.post(json.dumps(review).encode(), User_Agent="a\tb").status == 200
    service.request("GET", "/%0a%1b%5b31mforged")

    service.await_lines(before + len(reviews))
    for line in service.lines[before:]:
        assert re.fullmatch(rb"[\x20-\x7e]+\n", line.replace(b"\x7f", b"")), line
        assert not line.startswith((b'{"event":"forged"', b"2026-01-01"))


def test_a_kubeconfigs_token_is_told_nowhere_whatever_fails(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [{"name": "u", "user": {"token": SECRET}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    with running_service(tmp_path, "--kubeconfig", str(kubeconfig), settings=None) as service:
        service.await_event("cluster request failed", count=4)

        assert SECRET not in everything_told(service, 1)
