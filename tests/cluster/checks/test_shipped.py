"""The tables of what is shipped are what deploy/kustomize says."""

from __future__ import annotations

from typing import Any

from tests.cluster.checks.world import manifests
from tests.cluster.support import OWN
from tests.deploy.rendering import Combination, built
from webhook.cluster.checks.configuration import _plain
from webhook.cluster.checks.installation import Given, installation
from webhook.cluster.checks.shipped import CLUSTER_KINDS, NAMESPACED_KINDS, Right, entries, service_rights

RENDERED = built(Combination(overlay="dev"))


def test_entries_are_those_of_the_base() -> None:
    (configuration,) = manifests("base/mutatingwebhookconfiguration.yaml")
    shipped = {entry["name"]: entry for entry in configuration["webhooks"]}

    for name, entry in entries(OWN).items():
        client = shipped[name]["clientConfig"]["service"]
        told = {**shipped[name], "objectSelector": {}, "path": client["path"]}
        assert _plain(entry) == _plain({key: told[key] for key in entry})
    assert set(entries(OWN)) == set(shipped)
    assert {key for entry in shipped.values() for key in entry} - {"name", "clientConfig"} == {
        key for entry in entries(OWN).values() for key in entry
    } - {"path", "objectSelector"}


def test_the_services_rights_are_those_of_the_base() -> None:
    granted = {right for item in RENDERED if item["kind"] in ("Role", "ClusterRole") for right in rights_of(item)}

    assert set(service_rights(installation(Given(), None))) == granted


def rights_of(role: dict[str, Any]) -> set[Right]:
    return {
        Right(verb=verb, group=group, resource=resource, name=name, namespace=role["metadata"].get("namespace", ""))
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


def test_what_an_installer_creates_is_what_an_overlay_has() -> None:
    found = {
        (item["apiVersion"].rpartition("/")[0], f"{item['kind'].lower()}s", "namespace" in item["metadata"])
        for item in RENDERED
    }
    listed = {(*kind, False) for kind in CLUSTER_KINDS} | {(*kind, True) for kind in NAMESPACED_KINDS}

    assert found == listed
