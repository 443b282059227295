"""A fake cluster with the webhook's shipped configuration and workloads in all the states that people ask about."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster.fake_api_server import NAMESPACES, PODS, FakeApiServer
from tests.cluster.rolling import SETTINGS
from webhook.certificates.authority import issue_authority

OWN: Final = "ray-webhook-system"
CONFIGURATIONS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
P: Final = "ray.seedcore.io/"
INSTALLED: Final = "2026-01-02T00:00:00Z"
_AUTHORITY: Final = issue_authority(datetime.now(UTC))
_BASE: Final = Path(__file__).parents[2] / "deploy" / "kustomize" / "base"


def cluster(**labels: str) -> FakeApiServer:
    """A cluster with the webhook, and the namespace apps with these labels of ours."""
    fake = FakeApiServer()
    fake.config_map(OWN, SETTINGS)
    ours = {P + key.replace("_", "-"): value for key, value in labels.items()}
    fake.add(NAMESPACES, {"metadata": {"name": "apps", "labels": ours}})
    install(fake)
    return fake


def install(fake: FakeApiServer) -> dict[str, Any]:
    """The shipped MutatingWebhookConfiguration, with a caBundle."""
    shipped: dict[str, Any] = yaml.safe_load((_BASE / "mutatingwebhookconfiguration.yaml").read_text())
    shipped = json.loads(json.dumps(shipped))
    for webhook in shipped["webhooks"]:
        webhook["clientConfig"]["caBundle"] = b64encode(_AUTHORITY.certificate).decode()
    shipped["metadata"]["creationTimestamp"] = INSTALLED
    fake.collections[CONFIGURATIONS] = {}
    fake.add(CONFIGURATIONS, shipped)
    return shipped


def add_pod(fake: FakeApiServer, whole: dict[str, Any], name: str = "one", **metadata: Any) -> dict[str, Any]:
    """Put a pod into apps as it is."""
    named = {"namespace": "apps", "name": name, "creationTimestamp": "2026-01-03T00:00:00Z", **metadata}
    made = copy.deepcopy(whole)
    return fake.add(PODS, {**made, "metadata": {**made["metadata"], **named}, "status": {"phase": "Running"}})
