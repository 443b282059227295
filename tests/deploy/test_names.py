"""Other names: an installation under another namespace, prefix or suffix; workloads whose Ray cluster is renamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.rendering import (
    KUSTOMIZE,
    NAMESPACE,
    VARIED,
    Combination,
    kustomization,
    objects,
    of_kind,
    pod_template,
    the,
    written,
)

Object = dict[str, Any]

OTHER: Final = {"namespace": "ray-system", "namePrefix": "our-", "nameSuffix": "-2"}
NAME: Final = "our-ray-webhook-2"
SETTINGS: Final = "our-ray-settings-2"


def above(folder: Path) -> list[Object]:
    """All components on top of an overlay that has been renamed, as cert-manager's asks for it."""
    renamed = kustomization(folder / "renamed", Combination(overlay="production"), **OTHER)
    components = [KUSTOMIZE / "components" / name for name in VARIED]
    return objects(written(folder / "mine", [renamed], components, namespace=OTHER["namespace"]))


def at_once(folder: Path) -> list[Object]:
    """Renamed together with components that do not ask for more."""
    components = tuple(name for name in VARIED if name != "cert-manager")
    return objects(kustomization(folder, Combination(overlay="production", components=components), **OTHER))


@pytest.fixture(scope="module", params=[above, at_once], ids=["components-above", "components-at-once"])
def renamed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    found: list[Object] = request.param(tmp_path_factory.mktemp("renamed"))
    return found


def test_nothing_speaks_of_the_namespace_that_is_not_there(renamed: list[Object]) -> None:
    assert [text for text in texts(renamed) if NAMESPACE in text] == []
    assert {item["metadata"].get("namespace") for item in renamed} == {"ray-system", None}
    assert [item["metadata"]["name"] for item in of_kind(renamed, "Namespace")] == ["ray-system"]


def texts(value: Any) -> Iterator[str]:
    """Every text in an object, keys aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def test_the_api_server_calls_the_renamed_service_and_not_for_the_webhooks_own_pods(renamed: list[Object]) -> None:
    assert the(renamed, "Service", NAME)
    for webhook in the(renamed, "MutatingWebhookConfiguration", NAME)["webhooks"]:
        service = webhook["clientConfig"]["service"]
        assert (service["name"], service["namespace"]) == (NAME, "ray-system")
        excluded = webhook["namespaceSelector"]["matchExpressions"][0]["values"]
        assert excluded == ["kube-system", "kube-node-lease", "ray-system"]


def test_the_rights_are_bound_to_the_renamed_service_account(renamed: list[Object]) -> None:
    binding = the(renamed, "ClusterRoleBinding", NAME)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "ray-system"}]
    assert binding["roleRef"]["name"] == the(renamed, "ClusterRole", NAME)["metadata"]["name"]
    assert pod_template(the(renamed, "Deployment", NAME))["spec"]["serviceAccountName"] == NAME


def test_the_webhook_follows_the_renamed_settings_and_may(renamed: list[Object]) -> None:
    (container,) = pod_template(the(renamed, "Deployment", NAME))["spec"]["containers"]
    assert {"name": "RAY_WEBHOOK_SETTINGS_NAME", "value": SETTINGS} in container["env"]
    assert the(renamed, "ClusterRole", NAME)["rules"][0]["resourceNames"] == [SETTINGS]
    assert the(renamed, "ConfigMap", SETTINGS)


def test_the_webhook_looks_after_the_certificate_of_the_renamed_service_and_may(tmp_path: Path) -> None:
    renamed = objects(kustomization(tmp_path / "renamed", Combination(overlay="production"), **OTHER))
    (container,) = pod_template(the(renamed, "Deployment", NAME))["spec"]["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert (env["RAY_WEBHOOK_SERVICE"], env["RAY_WEBHOOK_WEBHOOK_CONFIGURATION"]) == (NAME, NAME)
    (rule,) = the(renamed, "ClusterRole", NAME.replace("webhook", "webhook-certificate"))["rules"]
    assert rule["resourceNames"] == [NAME]


def test_the_certificate_is_for_the_renamed_service(tmp_path: Path) -> None:
    found = above(tmp_path)
    assert the(found, "Certificate")["spec"]["dnsNames"] == [f"{NAME}.ray-system.svc"]
    annotations = the(found, "MutatingWebhookConfiguration", NAME)["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/inject-ca-from": "ray-system/ray-webhook"}


WORKLOADS: Final = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")


@pytest.fixture(scope="module")
def workloads(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """A workload of every kind that names a RayCluster, and one that names a RayService, all renamed."""
    folder = tmp_path_factory.mktemp("workloads")
    documents = [ray("RayCluster", "train"), ray("RayService", "answers")]
    documents += [workload(kind, "cluster", "train") for kind in WORKLOADS]
    documents += [workload(kind, "service", "answers") for kind in WORKLOADS]
    documents += [workload("Deployment", "cluster", "team-a/train"), workload("Deployment", "cluster", "elsewhere")]
    with (folder / "workloads.yaml").open("w", encoding="utf-8") as file:
        yaml.safe_dump_all(documents, file)
    affixes = {"namespace": "team-a", "namePrefix": "a-", "nameSuffix": "-dev"}
    return objects(written(folder, [folder / "workloads.yaml"], [KUSTOMIZE / "configurations"], **affixes))


def ray(kind: str, name: str) -> Object:
    return {"apiVersion": "ray.io/v1", "kind": kind, "metadata": {"name": name}, "spec": {}}


def workload(kind: str, key: str, value: str) -> Object:
    version = {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    annotated = {"annotations": {"ray.seedcore.io/role": "client", f"ray.seedcore.io/{key}": value}}
    metadata = {"name": f"{key}-{value.replace('/', '-')}"}
    spec = {"template": {"metadata": annotated}}
    if kind == "Pod":
        return {"apiVersion": version, "kind": kind, "metadata": metadata | annotated}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": {"jobTemplate": {"spec": spec}} if kind == "CronJob" else spec,
    }


def named(found: list[Object], kind: str, key: str, value: str) -> str:
    """What a workload's pods name now."""
    item = the(found, kind, f"a-{key}-{value.replace('/', '-')}-dev")
    pod = item if kind == "Pod" else pod_template(item)
    name: str = pod["metadata"]["annotations"][f"ray.seedcore.io/{key}"]
    return name


@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_renamed_cluster_or_service_reaches_the_annotations_of_pods(workloads: list[Object], kind: str) -> None:
    assert named(workloads, kind, "cluster", "train") == "a-train-dev"
    assert named(workloads, kind, "service", "answers") == "a-answers-dev"


@pytest.mark.parametrize("value", ["team-a/train", "elsewhere"])
def test_a_name_with_its_namespace_and_one_of_another_kustomization_stay(workloads: list[Object], value: str) -> None:
    assert named(workloads, "Deployment", "cluster", value) == value


def test_a_replacement_renames_a_cluster_that_is_named_with_its_namespace(tmp_path: Path) -> None:
    """As the comment in name-reference.yaml has it."""
    replacement = commented(KUSTOMIZE / "configurations" / "name-reference.yaml")
    with (tmp_path / "workloads.yaml").open("w", encoding="utf-8") as file:
        api = workload("Deployment", "cluster", "team-a/train")
        api["metadata"]["name"] = "api"
        yaml.safe_dump_all([ray("RayCluster", "train"), api], file)
    found = objects(written(tmp_path, [tmp_path / "workloads.yaml"], nameSuffix="-dev", **replacement))
    annotations = pod_template(the(found, "Deployment", "api-dev"))["metadata"]["annotations"]
    assert annotations["ray.seedcore.io/cluster"] == "team-a/train-dev"


def test_patches_let_the_webhook_follow_settings_of_another_name_too(tmp_path: Path) -> None:
    """As the comment in configurations/kustomization.yaml has it."""
    patches = commented(KUSTOMIZE / "configurations" / "kustomization.yaml")
    found = objects(kustomization(tmp_path, Combination(overlay="staging", components=VARIED), **patches))
    for told in (the(found, "Deployment"), the(found, "CronJob", "ray-webhook-audit")):
        (container,) = pod_template(told)["spec"]["containers"]
        assert container["args"][-2:] == ["--settings-name=ray-settings", "--settings-name=ray-settings-dev"]
    audited = the(found, "ClusterRole", "ray-webhook-audit")["rules"][1]
    assert audited["resourceNames"] == ["ray-settings", "ray-settings-dev"]
    maps, _, events = the(found, "ClusterRole")["rules"]
    assert maps["resourceNames"] == ["ray-settings", "ray-settings-dev"]
    assert events["resourceNames"] == ["ray-settings.ray-webhook", "ray-settings-dev.ray-webhook"]


def commented(file: Path) -> Object:
    """The YAML in a file's comment: what is indented there by three blanks."""
    lines = file.read_text(encoding="utf-8").splitlines()
    code = [line.removeprefix("#   ") for line in lines if line.startswith("#   ")]
    found: Object = yaml.safe_load("\n".join(code))
    return found
