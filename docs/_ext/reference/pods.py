"""What is written on pods and namespaces, what the settings may hold, and what each role gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from docs._ext.reference.markdown import code, codes, fence, page, prose, table
from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.injection.decision import Inject, decide_pod
from webhook.injection.review import parse_pod
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot

_NAME = "`NAME` or `NAMESPACE/NAME`"
_ANNOTATIONS: Mapping[str, tuple[str, str]] = {
    contract.ROLE: (
        codes(Role),
        "What the pod is to Ray. Compared exactly, in lower case. With `none` nothing is touched, ever.",
    ),
    contract.CLUSTER: (_NAME, "The RayCluster to connect to; a bare name is one of the pod's namespace."),
    contract.SERVICE: (_NAME, "The same for a RayService. A pod names one or the other."),
    contract.CONNECT: (
        f"{code(Connect.CLIENT)} (default), {code(Connect.JOBS)}",
        "The form of a client's `RAY_ADDRESS`: a Ray Client address, or the dashboard's URL for the Jobs API.",
    ),
    contract.RAY_NAMESPACE_ANNOTATION: ("a Ray namespace", "`RAY_NAMESPACE` of this pod, whatever the settings say."),
    contract.CONTAINERS: ("names with commas", "Only these containers are treated; without it every one is."),
    contract.SKIP_CONTAINERS: ("names with commas", "These are left alone; it beats the other list on KubeRay's pods."),
    contract.ON_CONFLICT: (
        f"{code(OnConflict.OVERRIDE)} (default), {code(OnConflict.KEEP)}, {code(OnConflict.DENY)}",
        "What happens to a value that the manifest declares itself and that differs.",
    ),
}
_KEYS: Mapping[str, tuple[str, str]] = {
    contract.RAY_HOST: (
        "the next level's",
        "The head's Service. A level that names one gives the connection whole.",
    ),
    contract.RAY_PORT: (code(contract.CLIENT_PORT), "The Ray Client port."),
    contract.RAY_SERVE_URL: (code(f"http://RAY_HOST:{contract.SERVE_PORT}"), "Where Serve answers."),
    contract.RAY_DASHBOARD_URL: (code(f"http://RAY_HOST:{contract.DASHBOARD_PORT}"), "The dashboard, and jobs."),
    contract.RAY_NAMESPACE: ("not set", "The Ray namespace."),
    contract.RAY_AUTH_SECRET: ("no token", "The Secret with the token, in the pod's own namespace."),
    contract.RAY_AUTH_SECRET_KEY: (code(contract.AUTH_TOKEN_KEY), "The key of that Secret."),
    contract.RAY_ALIASES: (
        "none",
        "Lines `NAME=KEY`: a program that reads another NAME gets it, with the same value.",
    ),
    contract.RAY_ALLOWED_REFERENCES: (
        "none",
        (
            "Lines `FROM-NAMESPACE -> TO-NAMESPACE/NAME`: which clusters of other namespaces a pod may name. "
            "Only for the whole cluster."
        ),
    ),
}
_SETTINGS = {"RAY_HOST": "seedcore-head-svc.seedcore-dev", "RAY_NAMESPACE": "seedcore-dev"}


def pages() -> Iterator[tuple[str, str]]:
    """Each page's name, below the reference, and its text."""
    yield "annotations", _annotations()
    yield "settings", _settings()
    yield "variables", _variables()


def _annotations() -> str:
    rows = [[code(key), *_ANNOTATIONS[key]] for key in contract.ANNOTATIONS]
    labels = [
        [code(contract.DEFAULT_ROLE), code(Role.CLIENT), "Makes clients of the namespace's pods that declare no role."],
        [code(contract.INJECTION), code(contract.DISABLED), "Turns the webhook off in the namespace."],
    ]
    return page(
        "Annotations and labels",
        "## On a pod or pod template",
        "Names in lists are trimmed. An empty list, or an empty `ray-namespace`, counts as absent; any other value "
        "that is not allowed is refused, with what is allowed. On KubeRay's pods it is a warning.",
        table(["annotation", "values", "what it does"], rows),
        "## On a namespace",
        table(["label", "value", "what it does"], labels),
        "## Written by the webhook",
        f"{code(contract.STATUS)}: one line of JSON that says what was done to a pod, for people, `check` and "
        "`audit`. No decision reads it.",
        f"{code(contract.INJECTED)}: what `ray-webhook inject` wrote into a manifest, for `uninject`; in a Compose "
        f"file it is the key {code(contract.COMPOSE_RECORD)}.",
    )


def allowed(key: str) -> str:
    """What a value of the settings' `key` may be, in the words in which a broken one is told."""
    fault = parse_settings({key: "! !"}, source="", cluster_wide=True).broken[key]
    if "text without" in fault:
        fault = parse_settings({key: "!"}, source="", cluster_wide=True).broken.get(key, fault)
    return fault.split("allowed: ", 1)[1]


def _settings() -> str:
    rows = [[code(key), prose(allowed(key)), missing, text] for key, (missing, text) in _KEYS.items()]
    return page(
        "Settings",
        f"In ConfigMaps named {code(contract.SETTINGS_NAME)}: one in the webhook's own namespace for everybody, one in "
        "a namespace for its pods. `serve --settings FILE` and the commands for manifests read the same keys from a "
        "file, one `KEY=VALUE` a line. Where lines are meant, `;` divides them as well.",
        table(["key", "allowed", "where it is missing", "what it is"], rows),
        f"{code(contract.RAY_ADDRESS)} is derived, so a key of that name is ignored and told. Other keys are ignored.",
        "## Where a pod's connection comes from",
        "1. The RayCluster or RayService that the pod names, or that KubeRay made it for: what its spec says.\n"
        f"2. The ConfigMap {code(contract.SETTINGS_NAME)} in the pod's namespace.\n"
        "3. The one in the webhook's own namespace.\n"
        f"4. Built in: {code(f'{contract.RAY_HOST}={contract.BUILT_IN_HOST}')}, "
        f"{code(f'{contract.RAY_NAMESPACE}={contract.BUILT_IN_NAMESPACE}')}; it never replaces what a manifest says.",
        "The first of these that names a host gives the connection whole, so two clusters are never mixed. "
        "One without a host changes single keys of those below it. A change is in force within a second. A broken key "
        "changes nothing: the last good content stays, and an [Event](events.md), a [metric](metrics.md), the log and "
        "`ray-webhook check` name the key and the fault.",
    )


def _variables() -> str:
    settings = "\n".join(f"{key}={value}" for key, value in _SETTINGS.items())
    parts = ["What a container with an empty env gets, under these settings:", fence(settings, "ini")]
    for role in (Role.CLIENT, Role.HEAD, Role.WORKER):
        parts += [f"## {role}", table(["variable", "value"], [[code(k), code(v)] for k, v in given(role).items()])]
    rays = (contract.RAY_ADDRESS, contract.RAY_API_SERVER_ADDRESS, contract.RAY_NAMESPACE)
    inside = sorted({contract.RAY_SERVE_ADDRESS, contract.RAY_DASHBOARD_ADDRESS, contract.RAY_API_SERVER_ADDRESS})
    parts += [
        (
            f"A head or worker that declares {codes(inside)} loses them, and a {code(contract.RAY_ADDRESS)} that would "
            "make its programs connect to their own cluster as clients."
        ),
        "## With a token",
        (
            f"A client gets {code(contract.RAY_AUTH_MODE + '=token')}, and {code(contract.RAY_AUTH_TOKEN)} from the "
            "Secret, each where absent, if its cluster or its settings say so."
        ),
        "## Who reads them",
        (
            f"Ray itself reads {codes(rays)}, "
            f"{code(contract.RAY_DASHBOARD_ADDRESS)} and those of the token. {code(contract.SEEDCORE_RAY_ROLE)} tells "
            "a program what its pod is; `ray_config` reads them all."
        ),
    ]
    return page("Variables", *parts)


def given(role: Role) -> dict[str, str]:
    """What a container of `role` with an empty env has after the webhook, by name."""
    snapshot = Snapshot(cluster_wide=parse_settings(_SETTINGS, source="the settings", cluster_wide=True))
    pod: dict[str, Any] = {
        "metadata": {"annotations": {contract.ROLE: role.value}},
        "spec": {"containers": [{"name": "app"}]},
    }
    decision = decide_pod(
        parse_pod(msgspec.Raw(msgspec.json.encode(pod)), commands=False), namespace="team-a", snapshot=snapshot
    )
    assert isinstance(decision, Inject)  # noqa: S101  a role whose pod is not treated is a fault of this page
    added = next(one["value"] for one in decision.operations if one["path"].endswith("/env"))
    return {entry["name"]: entry["value"] for entry in msgspec.to_builtins(added)}
