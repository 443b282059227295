"""What a user writes: each annotation's values, and what is refused."""

from __future__ import annotations

import pytest

from tests.injection.support import CLIENT_ENV, DASHBOARD, HEAD_ENV, P, container, kuberay_pod, pod, run, snapshot
from webhook.injection.reasons import Code

ALLOWED_WORDS = {"connect": ["client", "jobs"], "on-conflict": ["override", "keep", "deny"]}
BAD_NAMES = [
    "",
    " ",
    "a/b/c",
    "/a",
    "a/",
    "/",
    "Train",
    "a b",
    " train",
    "train ",
    "a_b",
    "-a",
    "a-",
    "tr@in",
    "a,b",
    "a" * 254,
    "é",
]


@pytest.mark.parametrize("role", ["client", "head", "worker"])
@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        *[("connect", value, Code.BAD_CONNECT) for value in ("", "Client", "direct", "jobs ", " client", "auto")],
        *[("on-conflict", value, Code.BAD_ON_CONFLICT) for value in ("", "Keep", "keep ", "replace")],
        *[(key, value, Code.BAD_REFERENCE) for key in ("cluster", "service") for value in BAD_NAMES],
        *[
            ("ray-namespace", value, Code.BAD_RAY_NAMESPACE)
            for value in ("a b", "a\nb", "a\tb", "$(NS)", "x$(", "a\x00b")
        ],
        *[(key, value, Code.BAD_CONTAINERS) for key in ("containers", "skip-containers") for value in ("a b", "app;b")],
    ],
)
def test_a_value_outside_its_column_is_refused_with_what_is_allowed(
    role: str, key: str, value: str, code: Code
) -> None:
    outcome = run(pod(role, annotations={key: value}))
    assert (outcome.code, outcome.allowed) == (code, False)
    assert f"{P}{key}" in outcome.message
    assert [word for word in ALLOWED_WORDS.get(key, []) if word not in outcome.message] == []


def test_cluster_and_service_at_once_are_refused() -> None:
    outcome = run(pod("client", annotations={"cluster": "a", "service": "b"}))
    assert outcome.code is Code.CLUSTER_AND_SERVICE
    assert f"{P}cluster" in outcome.message
    assert f"{P}service" in outcome.message


@pytest.mark.parametrize(
    ("containers", "skip"), [("app", "app"), ("a,app", "app"), (" app ", "b, app"), ("ghost", "ghost")]
)
def test_a_name_in_both_lists_is_refused(containers: str, skip: str) -> None:
    outcome = run(pod("client", annotations={"containers": containers, "skip-containers": skip}))
    assert outcome.code is Code.BAD_CONTAINERS


@pytest.mark.parametrize("key", ["containers", "skip-containers"])
@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_an_empty_list_counts_as_absent(key: str, value: str) -> None:
    outcome = run(pod("client", annotations={key: value}))
    assert (outcome.code, outcome.env(), outcome.warnings) == (Code.CLIENT, CLIENT_ENV, [])


def test_names_in_lists_are_trimmed() -> None:
    whole = pod("client", container("a"), container("b"), container("c"), annotations={"containers": " a ,\tb"})
    outcome = run(whole)
    assert (outcome.env("a"), outcome.env("b"), outcome.env("c")) == (CLIENT_ENV, CLIENT_ENV, {})


def test_an_empty_ray_namespace_counts_as_absent() -> None:
    assert run(pod("client", annotations={"ray-namespace": ""})).env() == CLIENT_ENV


@pytest.mark.parametrize(("role", "env"), [("client", CLIENT_ENV), ("head", HEAD_ENV)])
def test_ray_namespace_overrides_the_settings(role: str, env: dict[str, str]) -> None:
    outcome = run(pod(role, annotations={"ray-namespace": "mine"}))
    assert outcome.env() == env | {"RAY_NAMESPACE": "mine"}


@pytest.mark.parametrize(("connect", "address"), [("client", CLIENT_ENV["RAY_ADDRESS"]), ("jobs", DASHBOARD)])
def test_connect_gives_the_form_of_the_address(connect: str, address: str) -> None:
    assert run(pod("client", annotations={"connect": connect})).env() == CLIENT_ENV | {"RAY_ADDRESS": address}


def test_jobs_uses_the_dashboard_url_as_it_is() -> None:
    known = snapshot({"RAY_HOST": "h", "RAY_DASHBOARD_URL": "https://dash.example/ray/"})
    env = run(pod("client", annotations={"connect": "jobs"}), known).env()
    assert env["RAY_ADDRESS"] == env["RAY_DASHBOARD_URL"] == "https://dash.example/ray/"


@pytest.mark.parametrize("key", ["role", "connect", "on-conflict", "cluster", "service", "ray-namespace", "containers"])
def test_a_null_annotation_is_absent(key: str) -> None:
    whole = pod("client")
    whole["metadata"]["annotations"][P + key] = None if key != "role" else "client"
    assert run(whole).env() == CLIENT_ENV


@pytest.mark.parametrize(
    "annotation",
    [
        {"connect": "bad"},
        {"on-conflict": "bad"},
        {"ray-namespace": "a b"},
        {"containers": "a b"},
        {"skip-containers": "a b"},
        {"containers": "a,b", "skip-containers": "b,c"},
        {"cluster": "other"},
        {"service": "other"},
        {"cluster": "a/b/c"},
        {"cluster": "elsewhere/other"},
        {"cluster": "a", "service": "b"},
    ],
)
@pytest.mark.parametrize("role", [None, "head"])
def test_on_a_kuberay_pod_a_bad_annotation_is_a_warning(role: str | None, annotation: dict[str, str]) -> None:
    plain = run(kuberay_pod("head", role, env={"RAY_ADDRESS": "ray://other:1"}))
    outcome = run(kuberay_pod("head", role, env={"RAY_ADDRESS": "ray://other:1"}, annotations=annotation))
    assert Code.ANNOTATION_IGNORED in outcome.warnings
    assert outcome.code is (Code.KUBERAY if role else Code.KUBERAY_MENDED)
    assert outcome.env("ray-head") == plain.env("ray-head")


HOSTILE = ['"quoted"\\', "a\r\nX-Header: 1", "\x00\x1b[31m\x7f", "é\u2028\U0001f600", "x" * 5000, "%s{0}", "\u202eevil"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "key", ["role", "cluster", "service", "connect", "ray-namespace", "containers", "skip-containers", "on-conflict"]
)
def test_quoted_user_text_is_escaped_in_denials_and_warnings(key: str, value: str) -> None:
    """`run` checks each text: one line of printable ASCII, warnings of at most 256 bytes."""
    whole = pod(None if key == "role" else "client", annotations={key: value})
    outcome = run(whole)
    if not outcome.allowed:
        assert f"{P}{key}" in outcome.message
    on_kuberay = run(kuberay_pod("head", "head", annotations={key: value}))
    assert on_kuberay.allowed


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_and_values_of_env_are_escaped(value: str) -> None:
    """In every warning and denial that quotes them."""
    env = [("RAY_ADDRESS", value), (value, "$(RAY_SERVE_ADDRESS)"), ("RAY_SERVE_ADDRESS", value), ("RAY_HOST", value)]
    denied = run(pod("client", container(value or "app", env), annotations={"on-conflict": "deny"}))
    assert denied.code is Code.CONFLICT
    head = run(pod("head", container(value, env)))
    assert Code.DANGLING_REFERENCE in head.warnings
    sidecar = container(value, [("RAY_ADDRESS", "ray://" + value)])
    assert Code.WRONG_ELSEWHERE in run(kuberay_pod("head", "head", sidecar)).warnings


@pytest.mark.parametrize(
    ("annotations", "parts"),
    [
        ({"role": 'He"ad'}, [P + "role", 'He\\"ad', "head, worker, client", "none"]),
        ({"role": "client", "connect": "tcp"}, [P + "connect", '"tcp"', "client", "jobs"]),
        ({"role": "client", "on-conflict": "yes"}, [P + "on-conflict", '"yes"', "override", "keep", "deny"]),
        ({"role": "client", "cluster": "a/b/c"}, [P + "cluster", '"a/b/c"', "NAME", "NAMESPACE/NAME"]),
        ({"role": "client", "service": "A"}, [P + "service", '"A"', "NAME", "NAMESPACE/NAME"]),
        ({"role": "client", "ray-namespace": "a b"}, [P + "ray-namespace", '"a b"']),
        ({"role": "client", "cluster": "x/train"}, [P + "cluster", "x/train", "RAY_ALLOWED_REFERENCES"]),
        (
            {"role": "client", "containers": "a", "skip-containers": "a"},
            [P + "containers", P + "skip-containers", '"a"'],
        ),
    ],
)
def test_a_denial_names_annotation_value_what_is_allowed_and_the_fix(
    annotations: dict[str, str], parts: list[str]
) -> None:
    outcome = run(pod(annotations=annotations))
    assert not outcome.allowed
    assert [part for part in parts if part not in outcome.message] == []
    assert "\n" not in outcome.message
