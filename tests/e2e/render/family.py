"""Pods in which a role, on-conflict, declared variables, an envFrom and lists of containers meet each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from tests.injection.support import ADDRESS, ENV_FROM, FROM_FIELD, HOST, container, kuberay_pod, pod

Object = dict[str, Any]
Env = list[Any]

ROLES: Final = ("client", "jobs", "head", "worker", None)
"""``jobs`` is a client with that form of address; None is a pod of a namespace whose default role is client."""
MODES: Final = (None, "override", "keep", "deny")
DECLARED: Final[Mapping[str, Env]] = {
    "nothing": [],
    "other": [("OTHER", "$(HOME)/$$(RAY_HOST)")],
    "right": [("RAY_HOST", HOST), ("RAY_ADDRESS", ADDRESS), ("GRPC_ENABLE_FORK_SUPPORT", "1")],
    "wrong": [("RAY_HOST", "own"), ("A", "a"), ("RAY_ADDRESS", "http://own:1"), ("RAY_SERVE_ADDRESS", "own:1")],
    "kept": [("RAY_HOST", "own"), ("RAY_PORT", "20001"), ("RAY_DASHBOARD_URL", "https://own:9265")],
    "kept, others": [("RAY_NAMESPACE", "own"), ("RAY_ADDRESS", "auto"), ("RAY_SERVE_URL", "http://own")],
    "not kept": [("RAY_HOST", "$(OWN)"), ("RAY_PORT", "tcp://10.0.0.1:1"), ("RAY_SERVE_URL", "a b")],
    "direct": [("RAY_ADDRESS", "[::ffff:10.0.0.1]:6379")],
    "bare": [("RAY_ADDRESS", "seedcore-head-svc"), ("SERVE_GATEWAY", "")],
    "blank": [("RAY_ADDRESS", "ray://:10001"), ("SEEDCORE_RAY_ROLE", "")],
    "elsewhere": [("RAY_HOST", FROM_FIELD), ("RAY_ADDRESS", FROM_FIELD), ("OWN", FROM_FIELD)],
    "referrers": [
        ("B", "$(RAY_ADDRESS)"),
        ("A", "$(RAY_HOST)$(RAY_PORT)"),
        ("RAY_PORT", "1"),
        ("C", "$(RAY_SERVE_URL)"),
    ],
    "twice": [("RAY_HOST", "a"), ("RAY_ADDRESS", "auto"), ("RAY_HOST", HOST), ("RAY_ADDRESS", "auto")],
    "twice, between": [("RAY_ADDRESS", "ray://a:1"), ("X", "$(RAY_ADDRESS)"), ("RAY_ADDRESS", "auto"), ("A", "a")],
    "twice, then referred to": [("RAY_HOST", "a"), ("RAY_HOST", HOST), ("A", "$(RAY_PORT)"), ("B", "$(RAY_SERVE_URL)")],
    "twice, wrong": [("RAY_HOST", "a"), ("RAY_ADDRESS", "local"), ("Y", "$(RAY_HOST)"), ("RAY_HOST", "b")],
}
KINDS: Final = tuple(product(DECLARED, (None, ENV_FROM)))
LISTS: Final[tuple[Mapping[str, str], ...]] = (
    {},
    {"containers": "c-1, c-3,c-5 ,init-2, ghost"},
    {"skip-containers": "c-2,init-1", "ray-namespace": "theirs"},
)


def plain_pods(role: str | None) -> Iterator[Object]:
    """Pods of a role; under deny also one for each container, since one conflict refuses a pod whole."""
    for mode, lists in product(MODES, LISTS):
        written = {"on-conflict": mode} if mode else {}
        is_alone = mode == "deny" and not lists
        shown = role
        if role == "jobs":
            shown, written = "client", written | {"connect": "jobs"}
        made = list(_containers())
        for group in [[item] for item in made] if is_alone else [made]:
            init = [item | {"name": item["name"].replace("c-", "init-")} for item in group[:4]]
            yield pod(shown, *group, init=init, annotations={**written, **lists})


def _containers() -> Iterator[Object]:
    for number, (declared, env_from) in enumerate(KINDS):
        yield container(f"c-{number}", DECLARED[declared], **({"envFrom": env_from} if env_from else {}))


def kuberay_pods(node: str, role: str | None, modes: Sequence[str | None]) -> Iterator[Object]:
    """Pods that KubeRay makes, each with a copy of the template's env in ``wait-gcs-ready``."""
    for mode, (declared, env_from) in product(modes, KINDS):
        written = {"on-conflict": mode} if mode else {}
        env = DECLARED[declared]
        fed: Object = {"env_from": env_from} if env_from else {}
        yield kuberay_pod(node, role, container("side", env), env=env, wait=env, annotations=written, **fed)


def odd_pods() -> Iterator[Object]:
    """What few pods say: wrong annotations, odd start commands, lists and blanks of all kinds."""
    wrong = [
        {"connect": "Client"},
        {"on-conflict": ""},
        {"containers": "a b"},
        {"containers": "app", "skip-containers": "app"},
        {"ray-namespace": "a\u2003b"},
        {"ray-namespace": "$(X)"},
        {"cluster": "train"},
        {"service": "team-b/serve"},
        {"skip-containers": "\u2003app\x1c,\n,"},
        {"containers": ",", "ray-namespace": ""},
    ]
    for role, written in product(("client", "worker"), wrong):
        yield pod(role, env=[("RAY_ADDRESS", "ray://own:1")], annotations=written)
        yield kuberay_pod("head", None, env=[("RAY_ADDRESS", "ray://own:1")], annotations=written)
    for role in ("bad", "", "Head", "none"):
        yield pod(role, env=[("RAY_ADDRESS", "ray://own:1")])
    for command in ("", "ray start --head --port=0", "ray start --head\u2003--port \t6380 x", "ray start --port=a=1"):
        yield kuberay_pod("head", None, env=[("RAY_ADDRESS", "http://own")], start=command)
    for address in (
        "h:1 --x",
        "=h:1",
        "h",
        "[::1]:6379",
        "[::1%1]:6379",
        "a" * 254 + ":1",
        "h:65536",
        "\u00e9:1",
        "a--b_c.:7",
    ):
        yield kuberay_pod("worker", None, env=[("RAY_ADDRESS", "http://own")], start=f"ray start --address={address}")
        yield pod("worker", env=[("RAY_ADDRESS", address)])
    yield pod("worker", labels={"ray.io/node-type": "head"})
    yield pod(None, labels={"ray.io/node-type": "redis-cleanup"})


def starting_pods() -> Iterator[Object]:
    """Pods that say no role, some of which start Ray."""
    for line in (
        "ray start",
        "ray\u2003start --head",
        "x-ray start",
        "\u00e9ray start",
        "sh -c 'ray  start'",
        "ray starts",
        "ray.start",
    ):
        yield pod(None, container(command=["sh", "-c"], args=[line]))
    yield pod(None, container(command=["ray"], args=["start"]))
    yield pod(None, container(), init=[container("init", command=["/bin/ray", "start"])])
