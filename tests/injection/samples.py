"""What the strategies draw from: short lists of values that meet each other often, right, wrong and hostile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.injection.case import NAMESPACE, JsonDict
from webhook import contract
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import RayTarget, Reference, Snapshot, TargetKind

ALIASES = {"SERVE_GATEWAY": contract.RAY_SERVE_URL, "MY_RAY": contract.RAY_ADDRESS, "HOST_ALIAS": contract.RAY_HOST}
ALIAS_NAMES = frozenset({*ALIASES, "STRIPPED_ALIAS", "NS_ALIAS"})
_ALIAS_LINES = "\n".join(f"{name}={key}" for name, key in ALIASES.items())

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
ENTRIES: Sequence[JsonDict] = [
    {"name": name, **shape}
    for name in (*_OFTEN, *_VALUES)
    for shape in (*({"value": value} for value in _VALUES[name]), *_ODD_SHAPES)
]
START_COMMANDS: Sequence[JsonDict] = [
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --head --port=6379"},
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --address=train-head-svc.team-a.svc:6379 --port=1"},
    {"name": contract.KUBERAY_START_COMMAND, "value": "ray start --head --port=$(PORT)"},
    {"name": contract.KUBERAY_START_COMMAND, "valueFrom": _FROM_FIELD},
]


def _literals(*pairs: tuple[str, str]) -> list[JsonDict]:
    return [{"name": name, "value": value} for name, value in pairs]


# Few names, so that duplicates and references meet each other; some of them as neighbours that matter.
BLOCKS: Sequence[list[JsonDict]] = [
    _literals(("OTHER", "$(RAY_HOST)")),
    _literals(("OTHER", "$(RAY_ADDRESS)$$(RAY_SERVE_ADDRESS)")),
    _literals(("OTHER", "$(RAY_SERVE_ADDRESS)$(RAY_PORT)$$(RAY_ADDRESS)")),
    _literals(("RAY_HOST", "ray-a")),
    _literals(("RAY_HOST", "kept-host")),
    _literals(("RAY_PORT", "70000")),
    _literals(("RAY_ADDRESS", "ray://$(RAY_HOST):$(RAY_PORT)")),
    _literals(("RAY_ADDRESS", "ray://$(RAY_HOST):$(RAY_PORT)"), ("RAY_ADDRESS", "ray://ray-a:10001")),
    _literals(("RAY_SERVE_ADDRESS", "http://ray-a:8000")),
    _literals(("RAY_HOST", "kept-host"), ("OTHER", "$(RAY_HOST)"), ("RAY_HOST", "wrong-host")),
    _literals(("RAY_HOST", "kept-host"), ("OTHER", "$(RAY_HOST)"), ("RAY_HOST", "ray-a")),
    _literals(("RAY_ADDRESS", "auto"), ("OTHER", "$(RAY_ADDRESS)"), ("RAY_ADDRESS", "ray://")),
    _literals(("GRPC_ENABLE_FORK_SUPPORT", "$(RAY_HOST)"), ("GRPC_ENABLE_FORK_SUPPORT", "1")),
    [{"name": "RAY_HOST", "value": "ray-a", "valueFrom": {}}],
]

# Containers beside their env.

SHELLS: Sequence[JsonDict] = (
    *({}, {}, {}, {}, {"envFrom": []}, {"envFrom": None}, {"envFrom": [{}]}),
    *({"envFrom": [{"configMapRef": {"name": "c"}}]}, {"envFrom": [{"prefix": "RAY_"}], "args": ["start.py", "ray"]}),
    *({"command": None, "args": None}, {"command": ["array", "start"]}, {"args": ["ray  start --head"]}),
)
MORE = {"image": "i", "resources": {"limits": {"cpu": 1}}, "newerField": {"deep": [None, 1.5, "\u00fc"]}}


BAD_NAME = "b\n" + "\u00fc" * 200

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
PAIRS = [(key, value) for key, values in _ANNOTATIONS.items() for value in values]
LIST_PAIRS = [(key, value) for key in (contract.CONTAINERS, contract.SKIP_CONTAINERS) for value in _LISTS]
HOSTILE_PAIRS = [
    (key, value)
    for key in (contract.ROLE, contract.ON_CONFLICT, *_ANNOTATIONS, contract.MIRROR_POD)
    for value in _HOSTILE
]
ROLES = (*["client"] * 4, "head", "head", "worker", "worker", None, None, None)
KUBERAY_ROLES = ("client", "head", "worker", None, None)
_SUBMITTER = {
    contract.KUBERAY_ORIGIN_NAME: "job",
    contract.KUBERAY_ORIGIN_KIND: "RayJob",
    contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR,
}
PLAIN_LABELS: Sequence[JsonDict] = [
    *({"app": "a"}, {"app": "b"}, {}, {}, {"app": "a", contract.KUBERAY_NODE_TYPE: None}),
    *({contract.KUBERAY_NODE_TYPE: "head", contract.KUBERAY_CLUSTER: "train"}, _SUBMITTER),
]
KUBERAY_LABELS: Sequence[JsonDict] = [
    *(
        {contract.KUBERAY_NODE_TYPE: role, contract.KUBERAY_CREATED_BY: contract.KUBERAY_OPERATOR, **cluster}
        for role in ("head", "worker")
        for cluster in ({contract.KUBERAY_CLUSTER: name} for name in ("train", "odd", "ghost", ""))
    ),
    {contract.KUBERAY_NODE_TYPE: "head"},
    {contract.KUBERAY_NODE_TYPE: contract.KUBERAY_REDIS_CLEANUP},
]

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


# Few pods find all settings good; so half of the snapshots are of the first, good ones.
_GOOD = slice(7)
SNAPSHOTS = [
    Snapshot(namespaces={} if own is None else {NAMESPACE: own}, cluster_wide=wide, targets=_TARGETS)
    for owns, wides in ((_OWN[_GOOD], _WIDE[_GOOD]), (_OWN, _WIDE))
    for own in owns
    for wide in wides
]
NAMESPACES = (*[NAMESPACE] * 20, "other", "kube-system", contract.WEBHOOK_NAMESPACE, "odd\u00fc\n name")
