"""What holds for --fix whatever the files are like, by the rule book asked anew and by the text itself."""

from __future__ import annotations

import re
from typing import Any

import jsonpatch
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.manifests.fix.files import HEAD, fixed, settings
from webhook import contract
from webhook.injection.decision import Deny, Inject, decide
from webhook.injection.review import parse_review
from webhook.injection.settings import Settings, parse_settings
from webhook.injection.snapshot import Snapshot
from webhook.manifests.documents import parse_documents
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import workloads_of

NAMES = ("RAY_ADDRESS", "RAY_ADDRESS", "RAY_HOST", "RAY_NAMESPACE", "RAY_SERVE_ADDRESS", "RAY_PORT", "A", "B")
VALUES = (f"ray://{HEAD}:10001", HEAD, "train", f"http://{HEAD}:8000", "10001", "other", "$(RAY_ADDRESS)/x", "auto", "")
KEPT = ("keep", "deny")
GIVEN = settings(RAY_HOST=HEAD, RAY_NAMESPACE="train")


@st.composite
def entries(draw: st.DrawFn, number: int) -> str:
    """The lines of one entry of an env, in block or flow style, with comments that no other entry has."""
    name, value = draw(st.sampled_from(NAMES)), draw(st.sampled_from(VALUES))
    above = f"            # above {number}\n" if draw(st.booleans()) else ""
    beside = f"  # beside {number}" if draw(st.booleans()) else ""
    if draw(st.integers(0, 9)) == 0:
        return f"{above}            - name: {name}{beside}\n              valueFrom: {{fieldRef: {{fieldPath: x}}}}\n"
    if draw(st.booleans()):
        return f'{above}            - {{name: {name}, value: "{value}"}}{beside}\n'
    return f'{above}            - name: {name}\n              value: "{value}"{beside}\n'


@st.composite
def workloads(draw: st.DrawFn, name: str) -> str:
    """A Deployment of one container; with a role, mostly."""
    role = draw(st.sampled_from(["client", "client", "head", "worker", "none", None]))
    mode = draw(st.sampled_from([None, None, None, "keep", "deny", "override"]))
    annotations = {contract.ROLE: role, contract.ON_CONFLICT: mode}
    written = "".join(f"        {key}: {value}\n" for key, value in annotations.items() if value)
    metadata = f"    metadata:\n      annotations:\n{written}" if written else ""
    env = "".join(draw(entries(number)) for number in range(draw(st.integers(0, 5))))
    listed = f"          env:\n{env}" if env else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n{metadata}"
        f"    spec:\n      containers:\n        - name: app\n{listed}"
    )


def outcome(text: str, known: Settings | None) -> list[tuple[Any, dict[str, str], bool]]:
    """For each pod of a file: role, env as a kubelet would make it, and whether it is refused."""
    documents = parse_documents(text, source="api.yaml")
    own = [d for d in documents if d["kind"] == "ConfigMap"]
    mine = {"default": parse_settings(own[0]["data"], source="own", cluster_wide=False)} if own else {}
    snapshot = Snapshot(cluster_wide=known, namespaces=mine)
    found = []
    for document in documents:
        for workload in workloads_of(document):
            review = review_of(workload, namespace="default", uid="1")
            decision = decide(parse_review(msgspec.json.encode(review)), snapshot, default_role=None)
            pod = review["request"]["object"]
            after = jsonpatch.apply_patch(pod, list(decision.operations)) if isinstance(decision, Inject) else pod
            found.append((decision.role, env(after), isinstance(decision, Deny)))
    return found


def env(pod: dict[str, Any]) -> dict[str, str]:
    made: dict[str, str] = {}
    for entry in pod["spec"]["containers"][0].get("env") or []:
        value = entry.get("value", "") if "valueFrom" not in entry else "valueFrom"
        made[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda match: made.get(match[1], match[0]), value)
    return made


@given(workload=workloads("api"), windows=st.booleans())
def test_with_known_settings_no_pod_of_a_role_has_another_env_and_no_comment_is_lost(
    workload: str, windows: bool
) -> None:
    before = workload.replace("\n", "\r\n") if windows else workload
    after = fixed({"api.yaml": before}, given=GIVEN).texts.text("api.yaml")
    (was,), (now,) = outcome(before, GIVEN), outcome(after, GIVEN)
    if was[0] in ("head", "worker"):
        kept = {name: value for name, value in was[1].items() if name != "RAY_PORT"}
        assert {name: value for name, value in now[1].items() if name != "RAY_PORT"} == kept
    elif was[0] == "client":
        was_refused = was[2]  # what it declares then stays, and may be what the settings say from now on
        assert now == was or (was_refused and was[1].items() <= now[1].items())
    else:
        assert was[1].items() <= now[1].items()
    assert re.findall("# .*", after) == re.findall("# .*", before)
    assert after.count("\r") == (after.count("\n") if windows else 0)


@given(one=workloads("one"), two=workloads("two"))
def test_without_settings_every_client_keeps_what_it_declares_and_no_node_a_clients_address(one: str, two: str) -> None:
    before = f"{one}---\n{two}"
    after = fixed({"api.yaml": before}).texts.text("api.yaml")
    documents = [parse_documents(text, source="api.yaml") for text in (before, after)]
    for old, new in zip(documents[0], documents[1], strict=False):
        declared = env(old["spec"]["template"])
        annotations = new["spec"]["template"].get("metadata", {}).get("annotations", {})
        if declared != env(new["spec"]["template"]) and annotations.get(contract.ROLE) == "client":
            index = documents[0].index(old)
            assert declared.items() <= outcome(after, None)[index][1].items()
        if annotations.get(contract.ROLE) in ("head", "worker") and annotations.get(contract.ON_CONFLICT) not in KEPT:
            listed = new["spec"]["template"]["spec"]["containers"][0].get("env") or []
            values = [str(entry.get("value")) for entry in listed if entry["name"] == "RAY_ADDRESS"]
            is_named = any("$(RAY_ADDRESS)" in str(entry.get("value")) for entry in listed)
            assert is_named or not any(value.startswith("ray://") for value in values)
    assert re.findall("# .*", after) == re.findall("# .*", before)


@pytest.mark.parametrize("role", ["head", "worker"])
@pytest.mark.parametrize("first", ["", "auto"])
def test_an_address_that_a_wrong_one_overrode_does_not_come_into_force(role: str, first: str) -> None:
    text = (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n"
        f"    metadata: {{annotations: {{{contract.ROLE}: {role}}}}}\n    spec:\n"
        f"      containers:\n        - name: app\n"
        f'          env:\n            - {{name: RAY_ADDRESS, value: "{first}"}}\n'
        f"            - {{name: RAY_ADDRESS, value: ray://{HEAD}:10001}}\n"
    )
    after = fixed({"api.yaml": text}, given=GIVEN).texts.text("api.yaml")
    assert outcome(after, GIVEN)[0][1] == outcome(text, GIVEN)[0][1]
