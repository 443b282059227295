"""``ray-webhook explain KIND/NAME`` beside a fake API server: "why was my pod skipped?" is answered at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.clusters import CONFIGURATIONS, OWN, P, add_pod, cluster
from tests.cluster.fake_api_server import (
    CLUSTERS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    RAY_JOBS,
    REPLICA_SETS,
    SERVICES,
    FakeApiServer,
)
from tests.cluster.rolling import SETTINGS, Controllers, injected
from tests.injection.support import container, kuberay_pod
from tests.injection.support import pod as template
from tests.service import run_command
from tests.terminal import check_golden, on_terminal
from webhook.cli.explain_live import explain_live
from webhook.cli.output import Style
from webhook.cluster.lists import TARGETS
from webhook.errors import WebhookError
from webhook.injection.settings import parse_settings
from webhook.injection.snapshot import Snapshot, TargetKind
from webhook.manifests.policy.document import objects

JSON = dict[str, Any]
MUTATING = {
    kind: f"/apis/admissionregistration.k8s.io/v1/{kind.lower().removesuffix('y')}{end}"
    for kind, end in (("MutatingAdmissionPolicy", "ies"), ("MutatingAdmissionPolicyBinding", "s"))
}
NOTE = (
    "MutatingAdmissionPolicy {} does the webhook's work here: what is told is by the settings of now, and the policy "
    "has those of its rendering (RAY784); render it again where they changed"
)
RAY_CLUSTERS, RAY_SERVICES = (TARGETS[kind].path for kind in TargetKind)


@pytest.fixture
def fake() -> FakeApiServer:
    return cluster()


@pytest.fixture
def controllers(fake: FakeApiServer) -> Controllers:
    return Controllers(fake)


def explain(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("explain", "--kubeconfig", str(kubeconfig), "-n", "apps", *arguments)


def as_json(kubeconfig: Path, target: str) -> JSON:
    """The document that ``-o json`` prints, without a process of its own."""
    return explained(kubeconfig, target)[0]


def as_text(kubeconfig: Path, target: str) -> str:
    return "\n".join(explained(kubeconfig, target)[1])


def explained(kubeconfig: Path, target: str) -> tuple[JSON, Iterator[str]]:
    flags = dict.fromkeys(("context", "webhook_namespace"), None)
    found, lines = explain_live(
        [target],
        Style(no_color=True),
        kubeconfig=kubeconfig,
        namespace="apps",
        settings_name=(),
        cluster_domain="cluster.local",
        **flags,
    )
    return json.loads(msgspec.json.encode(found)), lines


def hinted(found: JSON) -> list[tuple[str, str]]:
    return [(hint["code"], hint["message"]) for hint in found["hints"]]


def test_a_missed_pod_is_shown_as_people_read_it(controllers: Controllers, kubeconfig: Path) -> None:
    controllers.workload("Deployment", "api")
    piped = explain(kubeconfig, "pod/api-0")
    seen = on_terminal("explain", "--kubeconfig", str(kubeconfig), "-n", "apps", "po", "api-0")

    assert (piped.returncode, piped.stderr, seen.returncode) == (0, "", 0)
    check_golden("explain-pod-missed.txt", piped.stdout)
    check_golden("explain-pod-missed-terminal.txt", seen.styled)


def test_a_workload_is_shown_as_people_read_it(fake: FakeApiServer, controllers: Controllers, kubeconfig: Path) -> None:
    env_from = [{"configMapRef": {"name": "seedcore-env"}}, {"secretRef": {"name": "creds"}}]
    made = controllers.workload("Deployment", "api", pods=4)
    made["spec"]["template"]["spec"]["containers"][0] |= {
        "envFrom": env_from,
        "env": [{"name": "RAY_HOST", "value": "old"}],
    }
    whole = {**made["spec"]["template"], "apiVersion": "v1", "kind": "Pod"}
    for number, pod in enumerate((injected(whole), injected(whole, RAY_HOST="before"))):
        add_pod(
            fake,
            pod,
            f"api-{number}",
            ownerReferences=fake.collections[PODS]["apps", "api-3"]["metadata"]["ownerReferences"],
        )
    fake.config_map("apps", {"RAY_ADDRESS": "ray://old:10001", "RAY_AUTH_MODE": "token", "X": "y"}, name="seedcore-env")
    piped = explain(kubeconfig, "deploy/api")
    seen = on_terminal("explain", "--kubeconfig", str(kubeconfig), "-n", "apps", "deployment.apps", "api")

    assert (piped.returncode, piped.stderr) == (0, "")
    check_golden("explain-workload.txt", piped.stdout)
    check_golden("explain-workload-terminal.txt", seen.styled)
    check_golden("explain-workload.json", explain(kubeconfig, "deployments/api", "-o", "json").stdout)


def test_a_pod_that_has_what_it_should_is_fine(fake: FakeApiServer, kubeconfig: Path) -> None:
    add_pod(fake, injected(template("client")))
    found = as_json(kubeconfig, "pod/one")

    assert (found["standing"]["fine"], found["code"], found["mend"], found["hints"]) == (True, "RAY201", None, [])
    variables = {row["name"]: row for row in found["containers"][0]["variables"]}
    assert variables["RAY_HOST"] == {
        "name": "RAY_HOST",
        "before": "head",
        "after": "head",
        "source": f"ConfigMap {OWN}/ray-settings",
    }
    assert found["standing"]["status"]["role"] == "client"


def test_a_stale_pod_shows_what_it_has_and_what_it_would_get(fake: FakeApiServer, kubeconfig: Path) -> None:
    add_pod(fake, injected(template("client"), RAY_HOST="before"))
    found = as_json(kubeconfig, "pod/one")

    assert (found["standing"]["code"], found["mend"]["text"]) == ("RAY702", "create it anew, for nothing controls it")
    changed = {row["name"]: (row["before"], row["after"]) for row in found["containers"][0]["variables"]}
    assert changed["RAY_ADDRESS"] == ("ray://before:10001", "ray://head:10001")
    assert changed["RAY_PORT"] == ("10001", "10001")


def test_a_pod_that_was_tampered_with_is_told_apart(fake: FakeApiServer, kubeconfig: Path) -> None:
    whole = injected(template("client"))
    whole["spec"]["containers"][0]["env"][0]["value"] = "forged"
    add_pod(fake, whole)

    assert as_json(kubeconfig, "pod/one")["standing"]["summary"] == "tampered with"


def test_a_pod_that_would_be_refused_says_why(fake: FakeApiServer, kubeconfig: Path) -> None:
    add_pod(fake, template("Client"))
    found = as_json(kubeconfig, "pod/one")

    assert (found["standing"]["code"], found["allowed"], found["mend"]) == ("RAY703", False, None)
    assert 'role is "Client"; allowed: head, worker, client, none' in as_text(kubeconfig, "pod/one")


@pytest.mark.parametrize(
    ("created", "told"),
    [
        ("2026-01-01T00:00:00Z", "before the webhook was installed at 2026-01-02T00:00:00Z"),
        ("2026-01-03T00:00:00Z", "did not treat the pod when it was created, at 2026-01-03T00:00:00Z: it was away"),
    ],
)
def test_why_a_pod_was_missed_is_told(fake: FakeApiServer, kubeconfig: Path, created: str, told: str) -> None:
    add_pod(fake, template("client"), creationTimestamp=created)

    assert told in as_json(kubeconfig, "pod/one")["standing"]["message"]


def test_an_annotation_that_came_too_late_is_told(fake: FakeApiServer, kubeconfig: Path) -> None:
    field: JSON = {"f:metadata": {"f:annotations": {".": {}, f"f:{P}role": {}}}}
    managed = [{"manager": "kubectl-annotate", "time": "2026-01-04T00:00:00Z", "fieldsV1": field}]
    add_pod(fake, template("client"), managedFields=managed)

    assert "was written to the pod at 2026-01-04" in as_json(kubeconfig, "pod/one")["standing"]["message"]


def label(fake: FakeApiServer, **labels: str) -> None:
    ours = {P + key.replace("_", "-"): value for key, value in labels.items()}
    fake.collections[NAMESPACES]["", "apps"]["metadata"]["labels"] = ours


def break_configuration(fake: FakeApiServer, **changed: Any) -> None:
    shipped = next(iter(fake.collections[CONFIGURATIONS].values()))
    for webhook in shipped["webhooks"]:
        webhook.update(changed)


@pytest.mark.parametrize(
    ("role", "change", "code", "told"),
    [
        (None, lambda fake: None, "RAY202", "The pod declares no role"),
        ("none", lambda fake: None, "RAY203", "The annotation ray.seedcore.io/role is none"),
        (
            "client",
            lambda fake: label(fake, injection="disabled"),
            "RAY708",
            "the namespace apps has the label ray.seedcore.io/injection=disabled",
        ),
        (
            "client",
            lambda fake: fake.collections[CONFIGURATIONS].clear(),
            "RAY708",
            "no MutatingWebhookConfiguration has the entry role.ray.seedcore.io: the webhook is not installed",
        ),
        (
            "client",
            lambda fake: break_configuration(fake, namespaceSelector={"matchLabels": {"team": "a"}}),
            "RAY708",
            'selects namespaces with "team in (a)", and apps has no label team',
        ),
        (
            "client",
            lambda fake: break_configuration(
                fake, objectSelector={"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]}
            ),
            "RAY708",
            'selects pods with "!skip", and this one has skip=yes',
        ),
        (
            "client",
            lambda fake: break_configuration(fake, clientConfig={}),
            "RAY708",
            "cannot call the entry role.ray.seedcore.io of MutatingWebhookConfiguration ray-webhook: the caBundle is m",
        ),
        (
            "client",
            lambda fake: break_configuration(fake, clientConfig={"caBundle": "Y2E="}),
            "RAY708",
            "the caBundle is without a certificate",
        ),
    ],
)
def test_why_a_pod_was_skipped_is_told(
    fake: FakeApiServer, kubeconfig: Path, role: str | None, change: Any, code: str, told: str
) -> None:
    change(fake)
    add_pod(fake, template(role, labels={"skip": "yes"}))
    found = as_json(kubeconfig, "pod/one")

    assert (found["code"], told in found["message"]) == (code, True), found["message"]


@pytest.fixture
def by_policy(fake: FakeApiServer) -> FakeApiServer:
    """The cluster with the rendered policies alone."""
    del fake.collections[CONFIGURATIONS]
    fake.serve_kind(CONFIGURATIONS)
    first = Snapshot(cluster_wide=parse_settings(SETTINGS, source="test", cluster_wide=True), webhook_namespace=OWN)
    for item in objects(first, name="ray-settings", origin="test"):
        path = MUTATING[item["kind"]]
        fake.serve_kind(path)
        fake.add(path, json.loads(json.dumps(item)))
    return fake


def test_policies_in_place_of_the_webhook_are_understood(by_policy: FakeApiServer, kubeconfig: Path) -> None:
    whole = injected(template("client"))
    del whole["metadata"]["annotations"][f"{P}status"]
    add_pod(by_policy, whole)
    add_pod(by_policy, template("client"), "missed")
    fine, missed = as_json(kubeconfig, "pod/one"), as_json(kubeconfig, "pod/missed")

    assert (fine["code"], fine["standing"]["fine"], missed["standing"]["code"]) == ("RAY201", True, "RAY701")
    assert fine["notes"] == missed["notes"] == [NOTE.format("ray-settings")]
    assert missed["standing"]["message"] == (
        "The policy left the pod so when it was created, at 2026-01-03T00:00:00Z, or changed it by the settings of "
        "then."
    )


def test_a_client_by_default_is_of_the_policy_for_those(by_policy: FakeApiServer, kubeconfig: Path) -> None:
    by_policy.collections[NAMESPACES]["", "apps"]["metadata"]["labels"] = {f"{P}default-role": "client"}
    add_pod(by_policy, template())

    assert as_json(kubeconfig, "pod/one")["notes"] == [NOTE.format("default-role.ray-settings")]


@pytest.mark.parametrize(
    ("whole", "code"),
    [
        (template("client", annotations={"cluster": "train"}), "RAY780"),
        (kuberay_pod("head", annotations={"role": "head"}), "RAY781"),
        (template("Client"), "RAY782"),
        (template("client", container("app", {f"V{number}": "x" for number in range(1001)})), "RAY786"),
        (kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), "RAY105"),
        (template("none"), "RAY203"),
    ],
)
def test_what_a_policy_does_otherwise_is_told_by_its_limits(
    by_policy: FakeApiServer, controllers: Controllers, kubeconfig: Path, whole: JSON, code: str
) -> None:
    add_pod(by_policy, whole)
    made = controllers.workload("Deployment", "api")
    made["spec"]["template"] = {"metadata": whole["metadata"], "spec": whole["spec"]}
    pod, workload = as_json(kubeconfig, "pod/one"), as_json(kubeconfig, "deploy/api")

    assert pod["code"] == workload["templates"][0]["code"] == code
    assert (workload["pods"] is None) is (code >= "RAY780")


@pytest.mark.parametrize(
    ("spoil", "code", "notes"),
    [
        (lambda fake: fake.collections[MUTATING["MutatingAdmissionPolicyBinding"]].clear(), "RAY708", 0),
        (lambda fake: fake.remove_kind(MUTATING["MutatingAdmissionPolicy"]), "RAY708", 0),
        (lambda fake: fake.faults.status.update({MUTATING["MutatingAdmissionPolicy"]: 403}), "RAY708", 1),
    ],
    ids=["not bound", "not served", "not readable"],
)
def test_policies_that_do_nothing_are_no_webhook(
    by_policy: FakeApiServer, kubeconfig: Path, spoil: Any, code: str, notes: int
) -> None:
    add_pod(by_policy, template("client"))
    spoil(by_policy)
    found = as_json(kubeconfig, "pod/one")

    assert (found["code"], len(found["notes"])) == (code, notes)


def test_a_mirror_pod_and_an_excluded_namespace_are_told(fake: FakeApiServer, kubeconfig: Path) -> None:
    whole = template("client")
    whole["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x"
    add_pod(fake, whole)
    add_pod(fake, template("client"), namespace="kube-system")
    fake.add(NAMESPACES, {"metadata": {"name": "kube-system"}})
    system = run_command("explain", "--kubeconfig", str(kubeconfig), "-n", "kube-system", "pod/one")

    assert as_text(kubeconfig, "pod/one").startswith("Pod apps/one: RAY208 mirror pod\n")
    assert "RAY207 excluded namespace" in system.stdout


def test_a_role_on_the_workload_itself_is_told_for_its_pods_too(
    fake: FakeApiServer, controllers: Controllers, kubeconfig: Path
) -> None:
    """The commonest mistake of all."""
    made = controllers.workload("Deployment", "api")
    made["spec"]["template"]["metadata"]["annotations"] = {}
    made["metadata"]["annotations"] = {f"{P}role": "client"}
    fake.collections[DEPLOYMENTS]["apps", "api"]["metadata"]["annotations"] = {f"{P}role": "client"}
    for pod in fake.collections[PODS].values():
        pod["metadata"]["annotations"] = {}
    told = f'annotation "{P}role" stands on Deployment apps/api itself, which its pods do not get'

    assert hinted(as_json(kubeconfig, "deploy/api")) == [("RAY601", told)]
    assert hinted(as_json(kubeconfig, "pod/api-0")) == [("RAY601", told)]
    assert as_text(kubeconfig, "pod/api-0").splitlines()[:4] == [
        "Pod apps/api-0: RAY202 no role",
        "  The pod declares no role, is not KubeRay's, and its namespace has no default role.",
        "  It belongs to Deployment apps/api.",
        f"  RAY601 {told}; move it to the metadata of the pod template.",
    ]


@pytest.mark.parametrize(
    ("annotations", "labels", "told"),
    [
        ({f"{P}roll": "client"}, {}, ('annotation "ray.seedcore.io/roll" is none of ours', f"did you mean {P}role?")),
        ({"ray.seedcore.io.role": "client"}, {}, ("is none of ours", f"did you mean {P}role?")),
        ({}, {f"{P}role": "client"}, ('label "ray.seedcore.io/role" does nothing on a pod', "write it as an annot")),
    ],
)
def test_misspelt_keys_are_told_with_what_is_meant(
    fake: FakeApiServer, kubeconfig: Path, annotations: dict[str, str], labels: dict[str, str], told: tuple[str, str]
) -> None:
    whole = template()
    whole["metadata"] |= {"annotations": annotations, "labels": labels}
    add_pod(fake, whole)
    (hint,) = as_json(kubeconfig, "pod/one")["hints"]

    assert (told[0] in hint["message"], hint["fix"].startswith(told[1])) == (True, True), hint


def test_a_label_of_the_namespace_that_does_nothing_is_told(fake: FakeApiServer, kubeconfig: Path) -> None:
    label(fake, default_role="worker")
    add_pod(fake, template())

    assert "does nothing" in as_json(kubeconfig, "pod/one")["hints"][0]["message"]


def test_an_unknown_label_of_the_namespace_has_the_same_code_as_in_a_file(
    fake: FakeApiServer, kubeconfig: Path
) -> None:
    label(fake, defaultrole="client")
    add_pod(fake, template())
    (hint,) = as_json(kubeconfig, "pod/one")["hints"]

    assert (hint["code"], hint["fix"]) == ("RAY602", f"did you mean {P}default-role?")


def test_a_default_role_of_the_namespace_counts(fake: FakeApiServer, kubeconfig: Path) -> None:
    label(fake, default_role="client")
    add_pod(fake, template())
    found = as_json(kubeconfig, "pod/one")

    assert (found["role"], found["roleSource"], found["standing"]["code"]) == (
        "client",
        "the namespace's default",
        "RAY701",
    )


def test_an_env_from_shows_what_it_brings_in(fake: FakeApiServer, kubeconfig: Path) -> None:
    refs = [{"configMapRef": {"name": name}} for name in ("known", "gone", "forbidden")]
    env_from = [*refs, {"secretRef": {"name": "creds"}}, {"prefix": "RAY_", "configMapRef": {"name": "prefixed"}}]
    add_pod(fake, injected(template("worker", env_from=env_from, annotations={"on-conflict": "keep"})))
    fake.config_map("apps", {"RAY_ADDRESS": "ray://x:1", "RAY_HOST": "y", "OTHER": "z"}, name="known")
    fake.config_map("apps", {"ADDRESS": "auto"}, name="prefixed")
    fake.faults.status["/api/v1/namespaces/apps/configmaps/forbidden"] = 403
    (item,) = as_json(kubeconfig, "pod/one")["containers"]
    found = {row["source"]: row for row in item["mayBringIn"]}

    assert found["envFrom ConfigMap known"]["comesIn"] == {"RAY_ADDRESS": "ray://x:1"}
    assert found["envFrom ConfigMap known"]["beaten"] == ["RAY_HOST"]
    assert found["envFrom ConfigMap prefixed"]["comesIn"] == {"RAY_ADDRESS": "auto"}
    assert found["envFrom ConfigMap gone"]["message"].startswith("it is not there; may bring in")
    assert found["envFrom ConfigMap forbidden"]["message"].startswith("it may not be read; may bring in")
    assert found["envFrom Secret creds"]["message"].startswith("Secrets are never read; may bring in RAY_ADDRESS")
    assert not any("/secrets" in request.path for request in fake.requests)


@pytest.mark.parametrize(("role", "is_told"), [("worker", True), ("head", False), ("client", False)])
def test_the_images_own_env_is_told_only_where_it_matters(
    fake: FakeApiServer, kubeconfig: Path, role: str, is_told: bool
) -> None:
    add_pod(fake, injected(template(role)))
    (item,) = as_json(kubeconfig, "pod/one")["containers"]

    assert [row["source"] for row in item["mayBringIn"]] == (["ENV of the image"] if is_told else [])


SERVE = """
applications:
  - name: app
    runtime_env: {env_vars: {RAY_ADDRESS: "ray://x:1", OTHER: y}}
    deployments: [{name: d, ray_actor_options: {runtime_env: {env_vars: {RAY_NAMESPACE: z}}}}]
"""


def test_a_kuberay_pod_is_explained_by_its_label_and_the_runtime_env_of_its_service(
    fake: FakeApiServer, kubeconfig: Path
) -> None:
    for kind in (CLUSTERS, SERVICES):
        fake.serve_kind(kind)
    owner = {"apiVersion": "ray.io/v1", "kind": "RayService", "name": "chat", "uid": "s", "controller": True}
    service = {"namespace": "apps", "name": "chat", "uid": "s"}
    group = {"template": template("head")}
    fake.add(
        SERVICES, {"metadata": service, "spec": {"serveConfigV2": SERVE, "rayClusterConfig": {"headGroupSpec": group}}}
    )
    named = {"namespace": "apps", "name": "chat-1", "uid": "c"}
    fake.add(CLUSTERS, {"metadata": {**named, "ownerReferences": [owner]}, "spec": {"headGroupSpec": group}})
    by = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "name": "chat-1", "uid": "c", "controller": True}
    add_pod(fake, kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), ownerReferences=[by])
    found, service_found = as_json(kubeconfig, "pod/one"), as_json(kubeconfig, "rayservice/chat")

    assert (found["roleSource"], found["workload"]) == ("KubeRay's label", "RayService apps/chat")
    assert "KubeRay makes a new cluster" in found["mend"]["text"]
    assert [row["comesIn"] for row in found["mayBringIn"]] == [{"RAY_ADDRESS": "ray://x:1"}, {"RAY_NAMESPACE": "z"}]
    assert service_found["pods"] == {
        "count": 1,
        "right": 0,
        "findings": [{"code": "RAY701", "summary": "missed", "count": 1, "pods": ["one"]}],
    }
    assert [item["name"] for item in service_found["templates"]] == ["RayService apps/chat head"]


def test_a_raycronjob_is_explained_with_the_pods_of_its_rayjobs(fake: FakeApiServer, kubeconfig: Path) -> None:
    crons = "/apis/ray.io/v1/raycronjobs"
    for kind in (CLUSTERS, RAY_JOBS, crons):
        fake.serve_kind(kind)
    spec = {"jobTemplate": {"rayClusterSpec": {"headGroupSpec": {"template": template("head")}}}}
    above: list[JSON] = []
    for path, kind, name in (
        (crons, "RayCronJob", "night"),
        (RAY_JOBS, "RayJob", "n-1"),
        (CLUSTERS, "RayCluster", "n-2"),
    ):
        named = {"namespace": "apps", "name": name, "uid": name, "ownerReferences": above}
        fake.add(path, {"metadata": named, "spec": spec if kind == "RayCronJob" else {}})
        above = [{"apiVersion": "ray.io/v1", "kind": kind, "name": name, "uid": name, "controller": True}]
    add_pod(fake, kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), ownerReferences=above)
    add_pod(fake, kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), "others")
    pod, cron = as_json(kubeconfig, "pod/one"), as_json(kubeconfig, "raycronjob/night")

    assert pod["workload"] == "RayCronJob apps/night"
    assert cron["mend"]["text"] == "wait for the next run, or delete the RayJob that runs"
    assert [finding["pods"] for finding in cron["pods"]["findings"]] == [["one"]]
    assert [item["name"] for item in cron["templates"]] == ["RayCronJob apps/night head"]


def test_pods_of_a_workload_that_ended_or_belong_to_another_do_not_count(
    fake: FakeApiServer, controllers: Controllers, kubeconfig: Path
) -> None:
    controllers.workload("Deployment", "api", pods=3)
    controllers.workload("StatefulSet", "other")
    fake.collections[PODS]["apps", "api-0"]["status"]["phase"] = "Failed"

    assert as_json(kubeconfig, "deploy/api")["pods"]["count"] == 2
    assert as_json(kubeconfig, "rs/api-1")["pods"]["count"] == 2
    assert fake.collections[REPLICA_SETS]


def test_configurations_that_may_not_be_read_are_a_note(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.faults.status[CONFIGURATIONS] = 403
    add_pod(fake, injected(template("client")))

    assert "  note the webhook configurations may not be read; they are taken to" in as_text(kubeconfig, "pod/one")


def test_texts_of_a_cluster_cannot_forge_lines_or_colours(fake: FakeApiServer, kubeconfig: Path) -> None:
    hostile = "a\n\x1b[31mForged"
    whole = template("client", container("app", {"RAY_HOST": hostile}, envFrom=[{"configMapRef": {"name": "evil"}}]))
    whole["metadata"]["annotations"][f"{P}{hostile}"] = hostile
    add_pod(fake, whole)
    fake.config_map("apps", {"RAY_AUTH_MODE": hostile}, name="evil")
    text = as_text(kubeconfig, "pod/one")

    assert (text.isascii(), "\x1b" in text) == (True, False)
    assert not [line for line in text.splitlines() if line.startswith("Forged")]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("pod", 'RAY801: the object to explain is "pod"; allowed: KIND/NAME; give one'),
        ("pod/", 'RAY801: the object to explain is "pod/"'),
        ("pod/a/b", 'RAY801: the object to explain is "pod/a/b"'),
        ("svc/one", 'RAY801: the kind to explain is "svc"; allowed: pod (po), deployment (deploy), '),
        ("pod/A b", 'RAY801: the name of the Pod is "A b"; allowed: a DNS name'),
        ("pod/none", "RAY802: the Pod apps/none does not exist; see kubectl get pods -n apps"),
        ("rayclusters/none", "RAY802: the RayCluster apps/none does not exist"),
    ],
)
def test_an_object_that_there_is_not_is_told_in_one_line(kubeconfig: Path, target: str, told: str) -> None:
    with pytest.raises(WebhookError) as raised:
        as_json(kubeconfig, target)

    assert str(raised.value).startswith(told)
    assert raised.value.exit_status == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "RAY801: both or none of --file and KIND/NAME are given"),
        (("pod/one", "-f", "x"), "RAY801: both or none of --file and KIND/NAME are given"),
        (("pod/none", "--settings", "x"), "RAY801: --settings and KIND/NAME are given; leave out --settings"),
        (("pod/none", "-n", "A b"), 'RAY801: the namespace is "A b"; allowed: a DNS name'),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_status_2(
    kubeconfig: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = explain(kubeconfig, *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}"), ended.stderr


def in_one_namespace(fake: FakeApiServer) -> None:
    """Whoever asks has rights in apps only, and none to Ray's kinds."""
    everywhere = (CONFIG_MAPS, NAMESPACES, RAY_CLUSTERS, RAY_SERVICES, CONFIGURATIONS)
    elsewhere = (f"/api/v1/namespaces/{OWN}/configmaps", *(place(path) for path in (RAY_CLUSTERS, RAY_SERVICES)))
    fake.faults.status |= dict.fromkeys((*everywhere, *elsewhere), 403)


def place(path: str) -> str:
    return path.replace("/v1/", "/v1/namespaces/apps/")


def test_who_may_see_one_namespace_only_is_told_the_role_and_what_is_not_seen(
    fake: FakeApiServer, controllers: Controllers, kubeconfig: Path
) -> None:
    add_pod(fake, injected(template("client")))
    add_pod(fake, template("client"), "bare")
    controllers.workload("Deployment", "api")
    in_one_namespace(fake)
    pod, bare, workload = (as_json(kubeconfig, target) for target in ("pod/one", "pod/bare", "deploy/api"))

    assert [(item["code"], item["role"], item["roleSource"]) for item in (pod, bare, *workload["templates"])] == [
        ("RAY709", "client", "annotation")
    ] * 3
    assert (pod["standing"], pod["mend"], pod["containers"], workload["pods"], workload["mend"]) == (
        *(None, None, []),
        *(None, None),
    )
    assert pod["message"].endswith("treated it when it was created, with what came from test.")
    assert "wrote no record" in bare["message"]
    open_ = "pods that may have their connection from there are not judged, and aliases from there are not looked for"
    assert workload["notes"] == [
        "the webhook configurations may not be read; they are taken to be as shipped",
        f"you may not list configmaps/ray-settings in {OWN}: {open_}",
        "you may not list rayclusters: pods that name one that is not seen are not judged",
        "you may not list rayservices: pods that name one that is not seen are not judged",
    ]
    assert "cannot be told whether they have what they should" in as_text(kubeconfig, "deploy/api")


def test_settings_of_the_namespace_are_enough_where_they_name_the_host(fake: FakeApiServer, kubeconfig: Path) -> None:
    add_pod(fake, injected(template("client"), RAY_HOST="before"))
    fake.config_map("apps", {"RAY_HOST": "now", "RAY_NAMESPACE": "lab"})
    in_one_namespace(fake)
    found = as_json(kubeconfig, "pod/one")

    assert (found["standing"]["code"], found["source"]) == ("RAY702", "ConfigMap apps/ray-settings")
    assert len(found["notes"]) == 4


@pytest.mark.parametrize("annotation", [None, "elsewhere/train"])
def test_a_refusal_is_not_told_by_settings_that_are_not_seen(
    fake: FakeApiServer, kubeconfig: Path, annotation: str | None
) -> None:
    whole = template("client" if annotation else "gpu")
    whole["metadata"]["annotations"] |= {f"{P}cluster": annotation} if annotation else {}
    add_pod(fake, whole)
    in_one_namespace(fake)
    found = as_json(kubeconfig, "pod/one")

    assert (found["code"], found["allowed"]) == (("RAY709", True) if annotation else ("RAY301", False))


@pytest.mark.parametrize(("path", "status"), [("/api/v1/namespaces/apps/pods/one", 403), (CONFIG_MAPS, 500)])
def test_a_cluster_that_refuses_is_status_3(fake: FakeApiServer, kubeconfig: Path, path: str, status: int) -> None:
    add_pod(fake, template("client"))
    fake.faults.status[path] = status
    ended = explain(kubeconfig, "pod/one")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: RAY806: {path} of http://127.0.0.1")


def test_the_namespace_is_that_of_the_context_unless_it_is_given(
    fake: FakeApiServer, kubeconfig: Path, tmp_path: Path
) -> None:
    add_pod(fake, injected(template("client")))
    document = json.loads(kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = "apps"
    file = tmp_path / "with-namespace"
    file.write_text(json.dumps(document))
    found = run_command("explain", "--kubeconfig", str(file), "pod/one")
    other = run_command("explain", "--kubeconfig", str(kubeconfig), "pod/one")

    assert found.stdout.startswith("Pod apps/one: client (annotation), RAY201 already right\n")
    assert "RAY802: the Pod default/one does not exist" in other.stderr
