"""What would happen to a pasted manifest, as values."""

from __future__ import annotations

import pytest

from tests.console.manifests import DEPLOYMENT, SECRET, TOKEN
from webhook.console.trial import Container, Trial, try_manifest
from webhook.errors import InputError
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot

AUTH = {"RAY_HOST": "ray.example", "RAY_AUTH_SECRET": "ray-token"}
SNAPSHOT = Snapshot(cluster_wide=parse_settings(AUTH, source="file s", cluster_wide=True))


def tried(text: str) -> Trial:
    (trial,) = try_manifest(text, namespace="shop", default_role="", snapshot=SNAPSHOT, most=10_000)
    return trial


def of(trial: Trial) -> Container:
    return trial.containers[0]


def test_each_variable_is_added_changed_removed_or_unchanged() -> None:
    container = of(tried(DEPLOYMENT))
    changes = {row.name: (row.change, row.before, row.after) for row in container.changed}
    assert changes["RAY_HOST"] == ("changed", "ray-old", "ray.example")
    assert changes["RAY_ADDRESS"] == ("added", None, "ray://ray.example:10001")
    assert changes["RAY_AUTH_MODE"] == ("added", None, "token")
    assert container.unchanged == ["RAY_PORT", "RAY_AUTH_TOKEN"]
    assert container.others == ["DATABASE_PASSWORD"]
    worker = DEPLOYMENT.replace("role: client", "role: worker").replace("RAY_PORT, value", "RAY_SERVE_ADDRESS, value")
    removed = {row.name: row.change for row in of(tried(worker)).changed}
    assert removed["RAY_SERVE_ADDRESS"] == "removed"


@pytest.mark.parametrize("declared", ["RAY_AUTH_TOKEN", "DATABASE_PASSWORD"])
def test_neither_a_token_nor_another_variables_value_is_in_it(declared: str) -> None:
    trial = tried(DEPLOYMENT + f"            - {{name: {declared}, value: {SECRET}}}\n")
    shown = repr(trial.containers)
    assert SECRET not in shown
    assert TOKEN not in shown


def test_a_container_that_is_left_alone_is_told() -> None:
    skipping = DEPLOYMENT.replace("role: client", "role: client, ray.seedcore.io/skip-containers: api")
    container = of(tried(skipping))
    assert (container.treated_as, list(container.changed)) == (None, [])
    assert "DATABASE_PASSWORD" in container.others


@pytest.mark.parametrize(
    "spec", ["null", "[]", "{containers: 3}", "{containers: [3, {env: x}]}", "{initContainers: {}}"]
)
def test_a_malformed_pod_is_told_as_the_webhook_tells_it(spec: str) -> None:
    pod = f"kind: Pod\nmetadata: {{annotations: {{ray.seedcore.io/role: client}}}}\nspec: {spec}\n"
    assert tried(pod).explained["allowed"]


def test_a_namespace_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="the namespace is"):
        try_manifest(DEPLOYMENT, namespace="No Namespace", default_role="", snapshot=SNAPSHOT, most=10_000)
