"""Compose files for tests, and what the rule book says of their services, found out on another way than the code's."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

import jsonpatch
import msgspec
import yaml

from webhook import contract
from webhook.injection.decision import Decision, Inject, decide
from webhook.injection.envfile import good_settings
from webhook.injection.review import AdmissionRequest
from webhook.injection.snapshot import Snapshot
from webhook.manifests.compose.file import ComposeFile
from webhook.manifests.compose.inject import inject
from webhook.manifests.compose.uninject import uninject
from webhook.manifests.outcomes import Given, Result

SETTINGS: Final = good_settings(
    "RAY_HOST=ray.example\nRAY_NAMESPACE=dev\nRAY_ALIASES=GATEWAY=RAY_SERVE_URL\n", name="settings", source="settings"
)
GIVEN: Final = Given(snapshot=Snapshot(cluster_wide=SETTINGS), namespace="default")

Environment = dict[str, str | None]
"""Names to texts as they are written, None for one that the shell gives."""


def given(settings: str) -> Given:
    """What a user gives with these settings."""
    return Given(
        snapshot=Snapshot(cluster_wide=good_settings(settings, name="s", source="settings")), namespace="default"
    )


def compose_file(text: str) -> ComposeFile:
    """The file, which is one of Compose."""
    found = ComposeFile.read(text, name="compose.yaml")
    assert found is not None
    return found


def injected(text: str, by: Given = GIVEN) -> Result:
    return inject(compose_file(text), by)


def uninjected(text: str, by: Given = GIVEN) -> Result:
    return uninject(compose_file(text), by)


def loaded(text: str) -> Any:
    """The file as another reader of YAML has it."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def texts(written: Any) -> Environment:
    """An environment or labels, in whichever form, by name."""
    if isinstance(written, list):
        pairs = [(name, value if equals else None) for name, equals, value in (item.partition("=") for item in written)]
        return dict(pairs)
    return {name: None if value is None else str(value) for name, value in (written or {}).items()}


def environment(text: str, service: str) -> Environment:
    """The environment of a service of the file `text`."""
    return texts(loaded(text)["services"][service].get("environment"))


def pod_of(name: str, service: Any) -> Any:
    """The pod that a service is."""
    annotations = {
        key: value or "" for key, value in texts(service.get("labels")).items() if key.startswith(contract.PREFIX)
    }
    env = [
        {"name": key, "valueFrom": {}}
        if value is None or "$" in value.replace("$$", "")
        else {"name": key, "value": value.replace("$$", "$")}
        for key, value in texts(service.get("environment")).items()
    ]
    container = {"name": name, "env": env, **({"envFrom": [{}]} if service.get("env_file") else {})}
    return {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}


def decided(name: str, service: Any, by: Given = GIVEN) -> Decision:
    """What the rule book decides about the service."""
    raw = msgspec.Raw(json.dumps(pod_of(name, service)).encode())
    request = AdmissionRequest(uid="test", operation="CREATE", namespace="default", object=raw)
    return decide(request, by.snapshot, default_role=None)


def wanted(name: str, service: Any, by: Given = GIVEN) -> Environment:
    """The environment that the service is to have."""
    decision, pod = decided(name, service, by), pod_of(name, service)
    if not isinstance(decision, Inject):
        return texts(service.get("environment"))
    patched = jsonpatch.apply_patch(deepcopy(pod), list(decision.operations))
    before = texts(service.get("environment"))
    return {
        entry["name"]: before.get(entry["name"]) if "valueFrom" in entry else entry["value"].replace("$", "$$")
        for entry in patched["spec"]["containers"][0]["env"]
    }


def rest(text: str) -> Any:
    """All of the file but the environments, and what Compose ignores."""
    document = {key: value for key, value in loaded(text).items() if not key.startswith("x-")}
    services = {
        name: {key: value for key, value in (service or {}).items() if key != "environment"}
        for name, service in document["services"].items()
    }
    return {**document, "services": services}
