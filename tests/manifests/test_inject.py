"""What is injected into text is what the webhook would do to its pods, and can be taken out to the last byte."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any, Final

import jsonpatch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.manifests.written import Writer
from webhook import contract
from webhook.injection.decision import Inject
from webhook.injection.envfile import good_settings
from webhook.injection.findings import InjectCode
from webhook.injection.snapshot import Snapshot
from webhook.manifests.decisions import decide_workload
from webhook.manifests.inject import inject
from webhook.manifests.outcomes import Given, Result
from webhook.manifests.reviews import review_of
from webhook.manifests.source import Source
from webhook.manifests.uninject import uninject
from webhook.manifests.workloads import Workload, workloads_of

SETTINGS: Final = good_settings(
    "RAY_HOST=ray.example\nRAY_NAMESPACE=dev\nRAY_ALIASES=GATEWAY=RAY_SERVE_URL\n", name="settings", source="settings"
)
GIVEN: Final = Given(snapshot=Snapshot(cluster_wide=SETTINGS), namespace="shop")

EXAMPLES: Final = settings().max_examples // 4
CHANCES = st.integers(0, 2**32).map(random.Random)
VARIABLES = st.sampled_from(["RAY_HOST", "RAY_ADDRESS", "RAY_PORT", "RAY_SERVE_ADDRESS", "RAY_DASHBOARD_ADDRESS", "A"])
VALUES = st.sampled_from(
    ["", "x", "ray.example", "ray://ray.example:10001", "1", "$(RAY_HOST):1", "it's", "auto", "é😀"]
)
ENTRIES = st.one_of(
    st.fixed_dictionaries({"name": VARIABLES, "value": VALUES}),
    st.fixed_dictionaries({"value": VALUES, "name": VARIABLES}),
    st.fixed_dictionaries({"name": VARIABLES}),
    st.fixed_dictionaries({"name": VARIABLES, "valueFrom": st.just({"secretKeyRef": {"name": "s", "key": "k"}})}),
)
NAMES = st.uuids().map(lambda uuid: f"c{uuid.hex[:6]}")
CONTAINERS = st.builds(
    lambda before, env, after: before | env | after,
    st.fixed_dictionaries(
        {"name": st.uuids().map(lambda uuid: f"c{uuid.hex[:6]}")}, optional={"image": st.just("a:1")}
    ),
    st.fixed_dictionaries({}, optional={"env": st.one_of(st.none(), st.lists(ENTRIES, max_size=4))}),
    st.fixed_dictionaries(
        {},
        optional={"args": st.just(["a", "b"]), "envFrom": st.just([{"configMapRef": {"name": "x"}}])},
    ),
)
ANNOTATIONS = st.fixed_dictionaries(
    {contract.ROLE: st.sampled_from(["client", "head", "worker", "none", "wrong"])},
    optional={contract.ON_CONFLICT: st.sampled_from(["keep", "deny", "override"]), "other": st.just("x")},
)
METADATA = st.fixed_dictionaries({"annotations": ANNOTATIONS}, optional={"labels": st.just({"app": "a"})})


def template(metadata: Any, containers: list[Any], inits: Any, *, alike: bool) -> Any:
    """A template; its containers have the same env, if they are to be `alike`."""
    alike_env = {"env": containers[0]["env"]} if alike and "env" in containers[0] else {}
    return {"metadata": metadata, "spec": {**inits, "containers": [{**item, **alike_env} for item in containers]}}


TEMPLATES = st.builds(
    template,
    METADATA,
    st.lists(CONTAINERS, min_size=1, max_size=3),
    st.fixed_dictionaries({}, optional={"initContainers": st.lists(CONTAINERS, max_size=1)}),
    alike=st.booleans(),
)


def deployment(template: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"template": template}}


def ray_cluster(head: Any, worker: Any, alike: bool = False) -> dict[str, Any]:
    if alike and "env" in head["spec"]["containers"][0]:
        worker["spec"]["containers"][0]["env"] = head["spec"]["containers"][0]["env"]
    spec = {
        "headGroupSpec": {"rayStartParams": {}, "template": head},
        "workerGroupSpecs": [{"groupName": "small", "rayStartParams": {}, "template": worker}],
    }
    return {"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "train"}, "spec": spec}


DOCUMENTS = st.one_of(
    TEMPLATES.map(deployment),
    TEMPLATES.map(lambda pod: {"kind": "Pod", **pod}),
    st.builds(ray_cluster, TEMPLATES, TEMPLATES, st.booleans()),
    st.lists(TEMPLATES.map(deployment), max_size=2).map(lambda items: {"kind": "List", "items": items}),
)


def injected(text: str, given: Given = GIVEN) -> Result:
    return inject(Source.parse(text, name="s"), given)


def uninjected(text: str, given: Given = GIVEN) -> Result:
    return uninject(Source.parse(text, name="s"), given)


def values(text: str) -> list[Any]:
    return [document.value for document in Source.parse(text, name="s").documents]


def workload_env(workload: Workload) -> list[Any]:
    """The env of each container, as it may be compared: no difference between none, null and empty."""
    spec = workload.pod.get("spec") or {}
    return [
        [
            {key: item for key, item in entry.items() if (key, item) != ("value", "")}
            for entry in container.get("env") or []
        ]
        for field in ("initContainers", "containers")
        for container in spec.get(field) or []
    ]


def patched_env(workload: Workload) -> list[Any]:
    """The same after the operations of the decision, on the pod that they are meant for."""
    pod = review_of(workload, namespace="shop", uid="test")["request"]["object"]
    decision = decide_workload(workload, GIVEN.snapshot, namespace="shop")
    if isinstance(decision, Inject):
        pod = jsonpatch.apply_patch(deepcopy(pod), list(decision.operations))
    for container in pod["spec"].get("containers") or []:
        env = container.get("env") or []
        container["env"] = [entry for entry in env if entry["name"] != contract.KUBERAY_START_COMMAND]
    patched = Workload(kind="Pod", namespace=None, name="", pod=pod, path=())
    return workload_env(patched)


@settings(max_examples=EXAMPLES)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=3), chance=CHANCES)
def test_text_is_changed_as_the_webhook_changes_its_pods(documents: list[Any], chance: random.Random) -> None:
    check(stream(documents, chance))


@settings(max_examples=EXAMPLES)
@given(
    containers=st.lists(CONTAINERS, min_size=2, max_size=3),
    env=st.lists(ENTRIES, min_size=1, max_size=3),
    metadata=st.lists(METADATA, min_size=2, max_size=2),
    kind=st.sampled_from(["one template", "cluster", "list"]),
    chance=CHANCES,
)
def test_what_is_shared_by_aliases_is_changed_for_none_but_those_that_change_alike(
    containers: list[Any], env: list[Any], metadata: list[Any], kind: str, chance: random.Random
) -> None:
    first = {**containers[0], "env": env}
    pods = [template(meta, [first, *containers[1:]], {}, alike=chance.random() < 0.7) for meta in metadata]
    documents = {
        "one template": deployment(pods[0]),
        "cluster": ray_cluster(*pods),
        "list": {"kind": "List", "items": [deployment(pod) for pod in pods]},
    }

    check(Writer(chance, anchored=True).text(documents[kind]))


def check(text: str) -> None:
    """Injecting into `text` does what the webhook would do, template by template, and can be taken back."""
    result = injected(text)

    assert uninjected(result.text).text == text or result.text == text
    before = [workload for value in values(text) for workload in workloads_of(value)]
    after = [workload for value in values(result.text) for workload in workloads_of(value)]
    for was, now, outcome in zip(before, after, result.outcomes, strict=True):
        if outcome.code == InjectCode.SHARED:
            assert now.pod == was.pod
            assert "*a" in text
            continue
        assert workload_env(now) == patched_env(was)
        assert not isinstance(decide_workload(now, GIVEN.snapshot, namespace="shop"), Inject)
        assert without_record(now.pod["metadata"]) == was.pod["metadata"]
        assert bare(now) == bare(was)


def bare(workload: Workload) -> Any:
    """A template without all that is compared otherwise."""
    pod = deepcopy({**workload.pod, "metadata": None})
    for field in ("initContainers", "containers"):
        for container in pod["spec"].get(field) or []:
            container.pop("env", None)
    return pod


def without_record(metadata: Any) -> Any:
    annotations = {key: item for key, item in metadata["annotations"].items() if key != contract.INJECTED}
    return {**metadata, "annotations": annotations}


@settings(max_examples=EXAMPLES)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=3), chance=CHANCES)
def test_what_was_injected_is_taken_out_to_the_last_byte(documents: list[Any], chance: random.Random) -> None:
    text = stream(documents, chance)
    result = injected(text)

    assert injected(result.text).text == result.text
    if result.text != text:
        assert uninjected(result.text).text == text


@settings(max_examples=EXAMPLES)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=2), chance=CHANCES)
def test_what_was_injected_is_taken_out_of_a_text_that_was_written_anew(
    documents: list[Any], chance: random.Random
) -> None:
    first = stream(documents, chance)
    anew = stream(values(injected(first).text), chance)
    recorded = [document for document in values(anew) if contract.INJECTED in str(document)]

    back = uninjected(anew)

    assert recorded == [] or contract.INJECTED not in back.text or "*a" in anew
    before = [workload for value in values(first) for workload in workloads_of(value)]
    after = [workload for value in values(back.text) for workload in workloads_of(value)]
    had = [workload for value in values(anew) for workload in workloads_of(value)]
    for was, seen, now, outcome in zip(before, had, after, back.outcomes, strict=True):
        if outcome.code == InjectCode.SHARED:
            assert now.pod == seen.pod
            assert "*a" in anew
        elif contract.INJECTED in seen.pod["metadata"]["annotations"]:
            assert workload_env(now) == workload_env(was)


def stream(documents: list[Any], chance: random.Random) -> str:
    """The documents as one text."""
    writer = Writer(chance)
    if len(documents) == 1:
        return writer.text(documents[0])
    written = []
    for document in documents:
        text = Writer(chance).text(document).lstrip("\ufeff").removeprefix("---\n").removeprefix("---\r\n")
        written.append(text if text.endswith("\n") else text + "\n")
    return "---\n" + "---\n".join(text.removesuffix("...\n").removesuffix("...\r\n") for text in written)
