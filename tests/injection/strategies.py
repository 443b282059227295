"""Hypothesis strategies for pods, settings and what is known beside them: right, wrong and hostile.

A pod is drawn from short lists of values that meet each other often, rather than from all the text there is: a wrong
decision needs a value that is *almost* right. The lists are flat, because each choice costs Hypothesis more time than
the decision that is tested. What no list would hold comes from :func:`spoiled_cases`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jsonpatch
from hypothesis import strategies as st

from webhook import contract
from webhook.contract import Role
from webhook.injection.decision import Decision, Inject, decide
from webhook.injection.review import parse_review
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

JsonDict = dict[str, Any]

NAMESPACE = "team-a"
ALIASES = {"SERVE_GATEWAY": contract.RAY_SERVE_URL, "MY_RAY": contract.RAY_ADDRESS, "HOST_ALIAS": contract.RAY_HOST}
ALIAS_NAMES = frozenset({*ALIASES, "STRIPPED_ALIAS", "NS_ALIAS"})
_ALIAS_LINES = "\n".join(f"{name}={key}" for name, key in ALIASES.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A pod with everything that a decision about it depends on.

    Attributes:
        existing: on pods/ephemeralcontainers, how many of the pod's ephemeral containers are in oldObject; else None.
    """

    pod: Any
    snapshot: Snapshot = field(default_factory=Snapshot)
    namespace: str = NAMESPACE
    default_role: Role | None = None
    existing: int | None = None


def review_body(case: Case) -> bytes:
    """The AdmissionReview that the API server would send."""
    request = {"uid": "1", "operation": "CREATE", "namespace": case.namespace, "object": case.pod}
    if case.existing is not None:
        request |= {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": _old_pod(case)}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def _old_pod(case: Case) -> Any:
    try:
        spec = case.pod["spec"]
        return case.pod | {"spec": spec | {"ephemeralContainers": spec["ephemeralContainers"][: case.existing]}}
    except (TypeError, KeyError):
        return {} if case.pod is None else case.pod


def decided(case: Case) -> Decision:
    """What the rules say of the case, by the same way that a request goes."""
    return decide(parse_review(review_body(case)), case.snapshot, default_role=case.default_role)


def patched(pod: Any, operations: Sequence[JsonDict]) -> Any:
    """A copy of the pod with the operations applied by an implementation that is not ours."""
    return jsonpatch.JsonPatch(copy.deepcopy(operations)).apply(copy.deepcopy(pod))


def _weighted(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them, as often as it is given; ``one_of`` counts equal ones once."""
    return st.integers(0, len(strategies) - 1).flatmap(strategies.__getitem__)


# env: names, and for each the values that it may meet.

_ADDRESSES = (
    *("ray://ray-a:10001", "auto", "", "ray://", "ray://:10001", "ray://$(RAY_HOST):$(RAY_PORT)", "http://ray-a:8265"),
    *("local", "127.0.0.1:6379", "head", "head:6379", "https://ray-a", "RAY://x:1", " auto", "$(RAY_HOST):6379", "["),
    *("ray://ray-b.team-b:20001", "ray://seedcore-head-svc:10001", "[::1]:6379", "head:70000", "ray://["),
)
_HOSTS = ("ray-a", "ray-b.team-b", "seedcore-head-svc", "train-head-svc.team-a.svc.cluster.local", "kept-host", "")
_URLS = ("http://ray-a:8265", "http://ray-a:8000", "http://kept-host:9", "$(RAY_HOST)", "", "no url", "http://x:99999")
_TEXTS = ("", "x", "seedcore-dev", "$(RAY_HOST)", "a b", "\u00fc\u2028", "x\x00y\n", "y" * 300)
_VALUES: Mapping[str, Sequence[str]] = {
    "OTHER": (
        *("plain", "$(RAY_HOST)", "$(RAY_ADDRESS)", "$$(RAY_HOST)", "$$$(RAY_HOST)", "http://$(RAY_HOST):$(RAY_PORT)/"),
        *("$(SERVE_GATEWAY)$(MY_RAY)", "$(RAY_HOST", "$(a$(RAY_HOST))", "$(RAY_SERVE_ADDRESS) $(RAY_DASHBOARD_URL)"),
        *("$(RAY_NAMESPACE)$(SEEDCORE_RAY_ROLE)", "$", "$(RAY_ADDRESS)$(RAY_SERVE_ADDRESS)$(RAY_HOST)"),
    ),
    "FURTHER": ("$(OTHER)", "$(RAY_AUTH_TOKEN)$(RAY_API_SERVER_ADDRESS)", "$(RAY_DASHBOARD_ADDRESS)", "$(HOST_ALIAS)"),
    contract.RAY_ADDRESS: _ADDRESSES,
    contract.RAY_HOST: (*_HOSTS, "$(OTHER)", "bad host", "$(RAY_PORT)"),
    contract.RAY_PORT: ("10001", "20001", "70000", "0", "tcp://10.0.0.1:80", "", "$(RAY_HOST)"),
    contract.RAY_SERVE_URL: _URLS,
    contract.RAY_DASHBOARD_URL: _URLS,
    contract.RAY_NAMESPACE: _TEXTS,
    contract.RAY_SERVE_ADDRESS: _URLS,
    contract.RAY_DASHBOARD_ADDRESS: (*_URLS, "http://127.0.0.1:8265"),
    contract.RAY_API_SERVER_ADDRESS: _URLS,
    contract.SEEDCORE_RAY_ROLE: ("client", "head", "worker", "Client", ""),
    contract.GRPC_ENABLE_FORK_SUPPORT: ("0", "1", "$(RAY_HOST)"),
    contract.RAY_AUTH_MODE: ("token", "", "$(RAY_HOST)"),
    contract.RAY_AUTH_TOKEN: ("secret", "$(RAY_AUTH_MODE)"),
    "SERVE_GATEWAY": _URLS,
    "MY_RAY": _ADDRESSES,
    "HOST_ALIAS": _HOSTS,
    "STRIPPED_ALIAS": _URLS,
    "NS_ALIAS": _TEXTS,
    "FQ_RAY_IP": ("train-head-svc.team-a.svc.cluster.local", "$(OTHER)", ""),
}
_FROM_FIELD = {"fieldRef": {"fieldPath": "status.podIP"}}
_ODD_SHAPES: Sequence[JsonDict] = (
    {},
    {"value": None},
    {"valueFrom": _FROM_FIELD},
    {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
    {"value": "ray-a", "valueFrom": {}},
    {"value": "ray-a", "valueFrom": None, "newerField": [{"a": None}]},
)
_OFTEN = (*["OTHER"] * 3, contract.RAY_ADDRESS, contract.RAY_ADDRESS, contract.RAY_HOST)
_ENTRIES: Sequence[JsonDict] = [
    {"name": name, **shape}
    for name in (*_OFTEN, *_VALUES)
    for shape in (*({"value": value} for value in _VALUES[name]), *_ODD_SHAPES)
]
_START_COMMANDS: Sequence[JsonDict] = [
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --head --port=6379"},
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --address=train-head-svc.team-a.svc:6379 --port=1"},
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --head --port=$(PORT)"},
    {"name": contract.KUBERAY_START_COMMAND, "valueFrom": _FROM_FIELD},
]

# Containers.

# Few names, so that duplicates and references meet each other.
_DENSE: Sequence[JsonDict] = [
    {"name": "OTHER", "value": "$(RAY_HOST)"},
    {"name": "OTHER", "value": "$(RAY_ADDRESS)$$(RAY_SERVE_ADDRESS)"},
    {"name": "OTHER", "value": "$(RAY_SERVE_ADDRESS)$(RAY_PORT)$$(RAY_ADDRESS)"},
    {"name": contract.RAY_HOST, "value": "ray-a"},
    {"name": contract.RAY_HOST, "value": "kept-host"},
    {"name": contract.RAY_HOST, "value": "ray-a", "valueFrom": {}},
    {"name": contract.RAY_ADDRESS, "value": "ray://$(RAY_HOST):$(RAY_PORT)"},
    {"name": contract.RAY_ADDRESS, "value": "ray://ray-a:10001"},
    {"name": contract.RAY_SERVE_ADDRESS, "value": "http://ray-a:8000"},
    {"name": contract.GRPC_ENABLE_FORK_SUPPORT, "value": "$(RAY_HOST)"},
]
_ENVS = st.lists(st.sampled_from(_ENTRIES), max_size=8) | st.lists(st.sampled_from(_DENSE), min_size=2, max_size=7)
_EMPTY = st.sampled_from(["absent", "null", "empty"])
_SHELLS: Sequence[JsonDict] = (
    *({}, {}, {}, {}, {"envFrom": []}, {"envFrom": None}, {"envFrom": [{}]}),
    *({"envFrom": [{"configMapRef": {"name": "c"}}]}, {"envFrom": [{"prefix": "RAY_"}], "args": ["start.py", "ray"]}),
    *({"command": None, "args": None}, {"command": ["array", "start"]}, {"args": ["ray  start --head"]}),
)
_MORE = {"image": "i", "resources": {"limits": {"cpu": 1}}, "newerField": {"deep": [None, 1.5, "\u00fc"]}}


_BAD_NAME = "b\u00fc\n" + "n" * 200


def _filled(key: str, value: Any, empty: str) -> JsonDict:
    """`value` under `key`; an empty one as `empty` says: absent, null or empty."""
    return {key: value} if value or empty == "empty" else ({key: None} if empty == "null" else {})


def _container(shell: JsonDict, env: Sequence[JsonDict], empty: str) -> JsonDict:
    return {**shell, **_filled("env", env, empty)}


def _containers(*names: str) -> st.SearchStrategy[JsonDict]:
    shells = [{"name": name, **shell, **_MORE} for name in names for shell in _SHELLS]
    return st.builds(_container, st.sampled_from(shells), _ENVS, _EMPTY)


def _with_command(container: JsonDict, command: JsonDict, place: int) -> JsonDict:
    env = container.get("env") or []
    return container | {"env": [*env[:place], command, *env[place:]]}


_USUAL = _containers("app", "side", "app", contract.KUBERAY_WAIT_GCS, contract.KUBERAY_SUBMITTER, _BAD_NAME)
_RAY = st.builds(
    _with_command, _containers("ray-head", "app"), st.sampled_from(_START_COMMANDS), st.sampled_from([0, 1, 2, 8])
)

# Metadata.

_HOSTILE = (
    *("", " ", "client\n", "\u00fc", "\ud7ff\U0001f680", "x" * 5000, "\x00", '"}', "$(RAY_HOST)", None, "null", "a,b"),
)
_LISTS = ("app", " app , side,", "ghost", "", "ray-head,wait-gcs-ready,ray-job-submitter", "side,dbg", "dbg")
_ANNOTATIONS: Mapping[str, Sequence[str]] = {
    contract.CONTAINERS: _LISTS,
    contract.SKIP_CONTAINERS: _LISTS,
    contract.CLUSTER: ("train", "train", "odd", "ghost", "team-b/open", "team-b/open", "team-b/ghost", "team-c/x"),
    contract.SERVICE: ("serve", "ghost", "team-b/ghost"),
    contract.CONNECT: ("client", "jobs", "jobs"),
    contract.RAY_NAMESPACE_ANNOTATION: ("mine", ""),
    contract.STATUS: ('{"role":"head"}',),
    "example.com/note": ("text",),
}
_PAIRS = [(key, value) for key, values in _ANNOTATIONS.items() for value in values]
_HOSTILE_PAIRS = [
    (key, value)
    for key in (contract.ROLE, contract.ON_CONFLICT, *_ANNOTATIONS, contract.MIRROR_POD)
    for value in _HOSTILE
]
_ROLES = (*["client"] * 4, "head", "head", "worker", "worker", None, None, None)

Pairs = st.SearchStrategy[list[tuple[str, str | None]]]
"""Further annotations beside role and on-conflict."""

_FEW: Pairs = st.lists(st.sampled_from(_PAIRS), max_size=2)
HOSTILE: Pairs = st.lists(st.sampled_from([*_PAIRS, *_HOSTILE_PAIRS, (contract.ROLE, "none")]), max_size=3)
LISTS: Pairs = st.lists(
    st.sampled_from([(key, value) for key in (contract.CONTAINERS, contract.SKIP_CONTAINERS) for value in _LISTS]),
    min_size=1,
    max_size=2,
)


def _written(modes: Sequence[str | None], more: Pairs) -> st.SearchStrategy[JsonDict]:
    """The annotations of a pod, with one of `modes` for on-conflict; None says nothing of it."""
    words = [
        {key: text for key, text in ((contract.ROLE, role), (contract.ON_CONFLICT, mode)) if text is not None}
        for mode in modes
        for role in _ROLES
    ]
    return st.builds(lambda few, pairs: few | dict(pairs), st.sampled_from(words), more)


_SUBMITTER = {
    contract.KUBERAY_ORIGIN_NAME: "job",
    contract.KUBERAY_ORIGIN_KIND: "RayJob",
    contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR,
}
_PLAIN_LABELS: Sequence[JsonDict] = [
    *({"app": "a"}, {"app": "b"}, {}, {}, {"app": "a", contract.KUBERAY_NODE_TYPE: None}),
    *({contract.KUBERAY_NODE_TYPE: "head", contract.KUBERAY_CLUSTER: "train"}, _SUBMITTER),
]
_KUBERAY_LABELS: Sequence[JsonDict] = [
    *(
        {contract.KUBERAY_NODE_TYPE: role, contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR, **cluster}
        for role in ("head", "worker")
        for cluster in ({contract.KUBERAY_CLUSTER: name} for name in ("train", "odd", "ghost", ""))
    ),
    {contract.KUBERAY_NODE_TYPE: "head"},
    {contract.KUBERAY_NODE_TYPE: contract.KUBERAY_REDIS_CLEANUP},
]


def _pod(
    labels: JsonDict, annotations: JsonDict, init: Sequence[JsonDict], containers: Sequence[JsonDict], empty: str
) -> JsonDict:
    metadata = {"generateName": "p-", **_filled("labels", labels, empty), **_filled("annotations", annotations, empty)}
    spec = {"nodeName": None, "containers": containers, **_filled("initContainers", init, empty)}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {}}


_INIT = st.lists(_USUAL, max_size=1)
_REGULAR = st.lists(_USUAL, min_size=1, max_size=2)
_WITH_RAY = st.builds(lambda *made: [*made], _RAY) | st.builds(lambda *made: [*made], _RAY, _USUAL)
_BEFORE_RAY = st.builds(lambda *made: [*made], _USUAL, _RAY)


def _pods(modes: Sequence[str | None], more: Pairs) -> st.SearchStrategy[JsonDict]:
    written = _written(modes, more)
    plain = st.builds(_pod, st.sampled_from(_PLAIN_LABELS), written, _INIT, _REGULAR, _EMPTY)
    kuberay = st.builds(_pod, st.sampled_from(_KUBERAY_LABELS), written, _INIT, _WITH_RAY | _BEFORE_RAY, _EMPTY)
    return _weighted(plain, plain, kuberay)


# What is known beside the pod.

_DATA: Sequence[JsonDict] = [
    {contract.RAY_HOST: "ray-a"},
    {contract.RAY_HOST: "ray-a", contract.RAY_ALIASES: _ALIAS_LINES, contract.RAY_NAMESPACE: "seedcore-dev"},
    {contract.RAY_HOST: "ray-b.team-b", contract.RAY_PORT: "20001", contract.RAY_ALIASES: "NS_ALIAS=RAY_NAMESPACE"},
    {contract.RAY_HOST: "ray-a", contract.RAY_SERVE_URL: "https://gateway", contract.RAY_AUTH_SECRET: "token-secret"},
    {contract.RAY_NAMESPACE: "ns-of-settings", contract.RAY_DASHBOARD_URL: "http://dash-a", contract.RAY_PORT: " "},
    {contract.RAY_ALIASES: "STRIPPED_ALIAS=RAY_SERVE_ADDRESS;MY_RAY=RAY_ADDRESS", contract.RAY_ADDRESS: "ray://no:1"},
    {contract.RAY_HOST: "ray-a", contract.RAY_ALIASES: "STRIPPED_ALIAS=RAY_API_SERVER_ADDRESS\nMY_RAY=RAY_ADDRESS"},
    {contract.RAY_HOST: "not a host", contract.RAY_NAMESPACE: "ns-of-settings"},
    {contract.RAY_HOST: "ray-a", contract.RAY_PORT: "tcp://x", contract.RAY_DASHBOARD_URL: "http://x:0"},
    {contract.RAY_NAMESPACE: "a b", contract.RAY_ALIASES: "RAY_HOST=RAY_PORT\nHOST_ALIAS=RAY_HOST"},
    {contract.RAY_HOST: "ray-a", contract.RAY_AUTH_SECRET: "Not A Name", contract.RAY_AUTH_SECRET_KEY: "bad key"},
]
_OPEN = {contract.RAY_ALLOWED_REFERENCES: "team-a -> team-b/*\nother -> team-*/*"}
_OWN = [None, None, None, *(parse_settings(data, source="ConfigMap team-a", cluster_wide=False) for data in _DATA)]
_WIDE = [None, *(parse_settings(data | _OPEN, source="cluster-wide", cluster_wide=True) for data in _DATA)]
_TARGETS = {
    Reference(kind=TargetKind.CLUSTER, namespace=NAMESPACE, name="train"): RayTarget(head_service="train-head-svc"),
    Reference(kind=TargetKind.CLUSTER, namespace=NAMESPACE, name="odd"): RayTarget(
        head_service="odd-svc",
        client_port=1,
        dashboard_port=2,
        serve_port=3,
        auth_secret="odd-token",  # noqa: S106  a Secret's name
    ),
    Reference(kind=TargetKind.SERVICE, namespace=NAMESPACE, name="serve"): RayTarget(
        head_service="serve-head-svc", serve_service="serve-serve-svc"
    ),
    Reference(kind=TargetKind.CLUSTER, namespace="team-b", name="open"): RayTarget(
        head_service="open-head-svc",
        auth_secret="open-token",  # noqa: S106  a Secret's name
    ),
}


def snapshot(wide: Mapping[str, str]) -> Snapshot:
    """What is known where only the cluster-wide settings say something."""
    return Snapshot(cluster_wide=parse_settings(wide, source="cluster-wide", cluster_wide=True))


# Few pods find all settings good; so half of the snapshots are of the first, good ones.
_GOOD = slice(7)
_SNAPSHOTS = [
    Snapshot(namespaces={} if own is None else {NAMESPACE: own}, cluster_wide=wide, targets=_TARGETS)
    for owns, wides in ((_OWN[_GOOD], _WIDE[_GOOD]), (_OWN, _WIDE))
    for own in owns
    for wide in wides
]

# Cases.

_NAMESPACES = (*[NAMESPACE] * 20, "other", "kube-system", contract.WEBHOOK_NAMESPACE, "odd\u00fc\n name")


def _case(pod: JsonDict, snapshot: Snapshot, namespace: str, path: str) -> Case:
    """The usual path is the one that the API server takes: the default role is for pods without a role."""
    is_annotated = contract.ROLE in (pod["metadata"].get("annotations") or {})
    is_default = path == "default" or (path == "usual" and not is_annotated)
    return Case(pod=pod, snapshot=snapshot, namespace=namespace, default_role=Role.CLIENT if is_default else None)


def _creations(modes: Sequence[str | None], more: Pairs) -> st.SearchStrategy[Case]:
    paths = st.sampled_from([*["usual"] * 6, "default", "plain"])
    return st.builds(_case, _pods(modes, more), st.sampled_from(_SNAPSHOTS), st.sampled_from(_NAMESPACES), paths)


def _with_ephemeral(case: Case, containers: Sequence[JsonDict], existing: int) -> Case:
    pod = case.pod | {"spec": case.pod["spec"] | {"ephemeralContainers": containers}}
    return replace(case, pod=pod, existing=min(existing, len(containers) - 1))


_NEW = st.lists(
    _containers("dbg", "dbg", "dbg-2", "app"), min_size=2, max_size=2, unique_by=lambda made: str(made["name"])
)


def _edited_again(case: Case, edits: Sequence[tuple[int, int, bool]]) -> Case:
    """A pod that was patched once, of which entries were moved, doubled or taken out: almost right."""
    decision = decided(case)
    if not isinstance(decision, Inject):
        return case
    pod = patched(case.pod, decision.operations)
    for container in pod["spec"]["containers"]:
        env = container.get("env") or []
        for source, target, moves in edits if env else ():
            entry = env.pop(source % len(env)) if moves else env[source % len(env)]
            env.insert(target % (len(env) + 1), entry)
    return replace(case, pod=pod)


_EDITS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), st.booleans()), min_size=1, max_size=2)


def updates(*, more: Pairs = _FEW) -> st.SearchStrategy[Case]:
    """A pod with two new ephemeral containers, or with an old and a new one."""
    return st.builds(_with_ephemeral, _creations((None, "override"), more), _NEW, st.integers(0, 1))


def cases(*modes: str | None, more: Pairs = _FEW) -> st.SearchStrategy[Case]:
    """A well-typed, not necessarily valid pod: new, patched once and edited, or one with new ephemeral containers.

    Args:
        modes: what its on-conflict may be, None for absent; without any, everything.
        more: its annotations beside role and on-conflict.
    """
    made = _creations(modes or (None, None, "override", "keep", "deny"), more)
    almost_right = st.builds(_edited_again, made, _EDITS)
    updated = st.builds(_with_ephemeral, made, _NEW, st.integers(0, 1))
    return _weighted(*[made] * 6, *[almost_right] * 4, updated)


# Pods with wrong types.

_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    _SCALARS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "env", "spec", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _spoiled(case: Case, edits: Sequence[tuple[int, Any]]) -> Case:
    pod = copy.deepcopy(case.pod)
    for number, junk in edits:
        places = [*_places(pod)]
        node, key = places[number % len(places)]
        node[key] = junk
    return replace(case, pod=pod)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the JSON tree, as what holds it and its key or index."""
    keys = [*node] if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def spoiled_cases() -> st.SearchStrategy[Case]:
    """A case of which one or two places hold any JSON at all; now and then the whole pod is any JSON."""
    edits = st.lists(st.tuples(st.integers(0, 199), _JSON), min_size=1, max_size=2)
    spoiled = st.builds(_spoiled, cases(), edits)
    return _weighted(*[spoiled] * 5, st.builds(lambda case, junk: replace(case, pod=junk), cases(), _JSON))
