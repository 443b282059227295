"""``ray-webhook check`` on a real API server: sound, and with what is wrong provoked; what mends it is tried, too.

Every failure of every check is in tests/cluster/checks; here are those that depend on what the API server really says.
"""

from __future__ import annotations

import copy
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.checks.world import problems
from tests.control_plane.objects import send
from tests.control_plane.process import free_ports, wait_for
from tests.e2e import installation, workloads
from tests.e2e.check.site import Site, ray_cluster
from tests.e2e.support import MERGE, be_ready, pods_of, seconds_until
from tests.service import COMMAND
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.certificates.content import Content
from webhook.cluster.checks.outcome import Group, State
from webhook.cluster.secret import secret_document

pytestmark = pytest.mark.e2e

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATION = f"{installation.CONFIGURATIONS}/{installation.NAME}"
GUARD = f"{ADMISSION}/validatingadmissionpolicybindings/ray-webhook-guard"
PROVOKED = "provoked-tls"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NETWORK = {"inside", "ray-names", "ray-ports", "ray-dashboards"}
OUTSIDE = NETWORK | {"served"}
TREATED = {"trial-client", "trial-head", "trial-worker", "trial-kuberay", "trial-default", "trial-bad-role"}


def written(item: dict[str, Any]) -> dict[str, Any]:
    """An object without what the API server adds."""
    added = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields")
    metadata = {key: value for key, value in item["metadata"].items() if key not in added}
    return {**item, "metadata": metadata}


@contextmanager
def patched(site: Site, path: str, change: dict[str, Any]) -> Iterator[None]:
    """An object with `change` merged into it while the block runs."""
    before = send(site.plane.admin, "GET", path).checked()
    fields = {key: value for key, value in written(before).items() if key in change and key != "metadata"}
    send(site.plane.admin, "PATCH", path, change, content_type=MERGE).checked()
    try:
        yield
    finally:
        send(site.plane.admin, "PATCH", path, fields, content_type=MERGE).checked()


@contextmanager
def removed(site: Site, path: str) -> Iterator[None]:
    """An object away while the block runs."""
    before = send(site.plane.admin, "GET", path).checked()
    send(site.plane.admin, "DELETE", path).checked()
    try:
        yield
    finally:
        send(site.plane.admin, "POST", path.rpartition("/")[0], written(before)).checked()


@contextmanager
def added(site: Site, *documents: dict[str, Any]) -> Iterator[None]:
    """Objects in the cluster while the block runs."""
    site.plane.apply(documents)
    try:
        yield
    finally:
        for document in documents:
            kind, metadata = document["kind"].lower(), document["metadata"]
            place = ["-n", metadata["namespace"]] if "namespace" in metadata else []
            site.plane.kubectl("delete", kind, metadata["name"], *place, "--grace-period=0")


def test_before_an_installation_the_cluster_is_ready_and_without_one_all_is_told(before: Site) -> None:
    first = before.check("--pre")

    assert (first.returncode, first.stderr) == (0, "")
    assert "you may create every object: admin" in first.stdout
    assert before.problems() == {
        "service-rights": ["RAY717"],
        "configuration": ["RAY720"],
        "secret": ["RAY730"],
        "deployment": ["RAY740"],
        "settings": ["RAY750"],
    }


def test_a_sound_installation_passes_every_check(site: Site) -> None:
    ended = site.check()
    results = site.look()

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert problems(results) == {}
    assert {name for name, result in results.items() if result.state is State.SKIPPED} == OUTSIDE


def test_it_is_no_hindrance_to_installing_it_again(site: Site) -> None:
    assert site.problems(before=True) == {}


def test_an_entry_that_was_changed_is_told(site: Site) -> None:
    webhooks = send(site.plane.admin, "GET", CONFIGURATION).checked()["webhooks"]
    webhooks[0] |= {"timeoutSeconds": 10, "matchConditions": webhooks[0]["matchConditions"][:1]}
    with patched(site, CONFIGURATION, {"webhooks": webhooks}):
        assert site.problems(Group.CONFIGURATION) == {"selection": ["RAY722"], "handling": ["RAY723"]}


def test_a_webhook_that_cannot_be_called_is_told_though_the_guard_refuses(site: Site) -> None:
    webhooks = send(site.plane.admin, "GET", CONFIGURATION).checked()["webhooks"]
    (nobody,) = free_ports(1)
    for webhook in webhooks:
        webhook["clientConfig"]["service"]["port"] = nobody
    with patched(site, CONFIGURATION, {"webhooks": webhooks}):
        seconds_until(lambda: site.problems(Group.ADMISSION).get("trial-client"), ["RAY760"])
        found = site.problems(Group.CONFIGURATION, Group.ADMISSION)

    assert found == {"service": ["RAY725"]} | {name: ["RAY760"] for name in TREATED}


def certificate(names: str = installation.SERVICE_NAME, *, days: int = 0, **changed: bytes) -> dict[str, Any]:
    """A Secret as the service writes it, issued so many days ago by an authority of its own, then changed."""
    at = datetime.now(UTC) - timedelta(days=days)
    authority = issue_authority(at)
    content = Content(authority=authority, serving=issue_serving(authority, [names], at))
    made = secret_document(PROVOKED, installation.NAMESPACE, content, done="", version="")
    for key, value in changed.items():
        made["data"][key.replace("_", ".")] = b64encode(value).decode()
    return made


@pytest.mark.parametrize(
    ("provoked", "expected"),
    [
        (certificate(), {"trust": ["RAY732", "RAY732"]}),
        (certificate(tls_crt=b"garbage"), {"secret": ["RAY731"]}),
        (certificate(ca_key=b"garbage"), {"secret": ["RAY731"]}),
        (certificate("other.example"), {"certificate-name": ["RAY735"], "trust": ["RAY732", "RAY732"]}),
        (certificate(days=91), {"validity": ["RAY733"], "trust": ["RAY732", "RAY732"]}),
        (certificate(days=70), {"validity": ["RAY734"], "trust": ["RAY732", "RAY732"]}),
    ],
    ids=["untrusted", "garbage", "no key", "another name", "expired", "due"],
)
def test_a_certificate_that_is_no_good_is_told(
    site: Site, provoked: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    """In a Secret beside that of the service, which mends its own at once."""
    with added(site, provoked):
        assert site.problems(Group.CERTIFICATES, secret=PROVOKED) == expected
    assert site.problems(Group.CERTIFICATES, secret=PROVOKED) == {"secret": ["RAY730"]}


@pytest.mark.parametrize("bundle", [{}, {"caBundle": b64encode(b"garbage").decode()}], ids=["none", "garbage"])
def test_an_entry_that_trusts_nobody_is_told(site: Site, bundle: dict[str, str]) -> None:
    """In a configuration beside that of the service, which mends its own at once."""
    copied = written(send(site.plane.admin, "GET", CONFIGURATION).checked())
    copied["metadata"]["name"] = "provoked"
    for webhook in copied["webhooks"]:
        client = {key: value for key, value in webhook["clientConfig"].items() if key != "caBundle"}
        webhook |= {"clientConfig": client, "namespaceSelector": {"matchLabels": {"no": "namespace"}}}
    copied["webhooks"][0]["clientConfig"] |= bundle
    with added(site, copied):
        found = site.problems(Group.CONFIGURATION, configuration="provoked")

    assert found == {"selection": ["RAY722", "RAY722"], "ca-bundle": ["RAY724", "RAY724"]}


def test_replicas_of_another_version_are_told(site: Site) -> None:
    deployment = f"/apis/apps/v1/namespaces/{installation.NAMESPACE}/deployments/{installation.NAME}"
    spec = send(site.plane.admin, "GET", deployment).checked()["spec"]
    template = copy.deepcopy(spec["template"])
    template["spec"]["containers"][0]["image"] = "ghcr.io/seedcore/ray-webhook:0.0.1"
    with patched(site, deployment, {"spec": {"template": template, "paused": True}}):
        assert site.problems(Group.REPLICAS)["version"] == ["RAY743"]
    wait_for(lambda: not site.problems(Group.REPLICAS), "all is as it was")


def test_a_right_of_the_service_that_was_taken_away_is_told(site: Site) -> None:
    with removed(site, f"{RBAC}/clusterrolebindings/ray-webhook"):
        seconds_until(lambda: site.problems(Group.CLUSTER), {"service-rights": ["RAY717"]})


def test_replicas_that_are_not_ready_are_told_and_waited_for(site: Site) -> None:
    pod = pods_of(site.plane, installation.NAMESPACE, 2)[0]
    be_ready(site.plane, pod, "False")
    seconds_until(lambda: site.problems(Group.REPLICAS), {"ready": ["RAY741"]})
    arguments = [COMMAND, "check", "--kubeconfig", str(site.plane.kubeconfig), "--only", "replicas", "--wait"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr
        first = waiting.stderr.readline()
        be_ready(site.plane, pod)
        shown, more = waiting.communicate(timeout=60)

    assert (first, more, waiting.returncode) == ("waiting for ready\n", "", 0)
    assert "all replicas are ready: 2 of 2" in shown


def test_broken_settings_and_bare_hosts_are_told(site: Site) -> None:
    settings = workloads.settings("clients", RAY_PORT="70000", RAY_SERVE_URL="http://bare:8000")
    expected = {"settings-valid": ["RAY705"], "bare-hosts": ["RAY751"], "trial-default": ["RAY762"]}
    with added(site, settings):
        seconds_until(lambda: site.problems(Group.SETTINGS, Group.ADMISSION), expected)


def test_a_guard_that_refuses_while_the_service_observes_is_told_and_mended(site: Site) -> None:
    spec = send(site.plane.admin, "GET", GUARD).checked()["spec"]
    with patched(site, GUARD, {"spec": spec}):
        found = site.problems(Group.POLICIES, mode="observe")
        site.mend("guard-mode", Group.POLICIES, mode="observe")

        assert found == {"guard-mode": ["RAY766"]}
        assert site.problems(Group.POLICIES, mode="observe") == {}


def test_a_policy_without_its_binding_is_told(site: Site) -> None:
    with removed(site, GUARD):
        assert site.problems(Group.POLICIES) == {"policies": ["RAY765"]}


def test_a_service_that_leads_to_two_clusters_is_told(site: Site) -> None:
    service = "/api/v1/namespaces/seedcore-dev/services/seedcore-head-svc"
    with (
        added(site, ray_cluster("seedcore-dev", "other")[2]),
        patched(site, service, {"spec": {"selector": {"ray.io/cluster": None}}}),
    ):
        assert site.problems(Group.RAY) == {"ray-services": ["RAY775"]}


def test_a_network_policy_in_the_way_is_told_and_mended(site: Site) -> None:
    def policy(name: str) -> dict[str, Any]:
        metadata = {"namespace": "seedcore-dev", "name": name}
        spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}

    with added(site, policy("deny"), policy("ray-clients")):
        found = site.problems(Group.RAY)
        site.mend("network-policies", Group.RAY)

        assert found == {"network-policies": ["RAY776"]}
        assert site.problems(Group.RAY) == {}


def test_the_services_own_rights_are_enough_for_what_is_to_be_run_inside(site: Site) -> None:
    kubeconfig = site.plane.service_account_kubeconfig(installation.NAMESPACE, installation.NAME)
    results = site.look(Group.CERTIFICATES, Group.NETWORK, kubeconfig=kubeconfig)

    assert problems(results) == {}
    assert {name for name, result in results.items() if result.state is State.SKIPPED} == OUTSIDE


def test_somebody_without_rights_is_told_which_are_missing_and_how_they_are_granted(site: Site, folder: Path) -> None:
    kubeconfig = site.plane.service_account_kubeconfig("default", "default")
    found = site.problems(kubeconfig=kubeconfig)
    grants = folder / "rights.yaml"
    grants.write_text(site.check("--rights", kubeconfig=kubeconfig).stdout)
    site.plane.kubectl("apply", "-f", str(grants))
    again = site.plane.kubectl("apply", "-f", str(grants)).stdout
    seconds_until(lambda: site.look(kubeconfig=kubeconfig)["rights"].state, State.WARNED)
    results = site.look(kubeconfig=kubeconfig)

    assert found == problems(results) == {"rights": ["RAY710"]}
    assert again.count(" unchanged\n") == 2
    skipped = {name for name, result in results.items() if result.state is State.SKIPPED}
    assert skipped == OUTSIDE | TREATED | {"trial-none", "secret", "validity", "certificate-name", "trust"}
    site.plane.kubectl("delete", "-f", str(grants))


def test_before_an_installation_somebody_without_rights_is_told_so(site: Site) -> None:
    kubeconfig = site.plane.service_account_kubeconfig("default", "default")

    assert site.problems(before=True, kubeconfig=kubeconfig) == {"rights": ["RAY710"], "installer-rights": ["RAY713"]}
