"""What holds for every pod, every setting and every value, whatever the rules decide in detail."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import jsonpatch
import jsonpointer
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.injection import expectations as expected
from tests.injection.broken_patches import mutate
from tests.injection.case import Case, JsonDict, decided, patched, review_body, snapshot
from tests.injection.expectations import ADDRESS, MANAGED, Kind
from tests.injection.strategies import HOSTILE, LISTS, cases, spoiled_cases, updates
from tests.injection.support import decoded
from webhook.contract import Role
from webhook.injection.decision import Decision, Deny, Inject, Skip, decide
from webhook.injection.patch import is_applicable
from webhook.injection.reasons import Code
from webhook.injection.review import parse_review
from webhook.injection.snapshot import Snapshot


def outcome(case: Case) -> tuple[Decision, JsonDict]:
    """The decision, and the pod as it is afterwards."""
    decision = decided(case)
    return decision, patched(case.pod, operations_of(decision))


def operations_of(decision: Decision) -> Sequence[JsonDict]:
    return decision.operations if isinstance(decision, Inject) else ()


def treated_envs(case: Case) -> Iterator[tuple[Kind, JsonDict, list[JsonDict], list[JsonDict]]]:
    """For each treated container of a pod that is not refused: as what, itself, and its env before and after."""
    decision, after = outcome(case)
    if isinstance(decision, Deny) or decision.code is Code.EPHEMERAL_REFUSAL:
        return
    before, now = expected.containers_of(case.pod), expected.containers_of(after)
    for place, kind in expected.treated(case).items():
        yield kind, before[place], expected.env_of(before[place]), expected.env_of(now[place])


def names(env: Sequence[JsonDict]) -> set[str]:
    return {entry["name"] for entry in env}


# The patch.


@given(cases() | cases(more=HOSTILE))
def test_a_patch_changes_nothing_but_managed_variables_of_treated_containers_and_the_status(case: Case) -> None:
    _, after = outcome(case)
    assert without_managed(after, case) == without_managed(case.pod, case)


def without_managed(pod: JsonDict, case: Case) -> JsonDict:
    """The pod without what the webhook may write; where it may write, null and empty are as good as absent."""
    pod = copy.deepcopy(pod)
    containers = expected.containers_of(pod)
    for place in expected.treated(case):
        env = expected.env_of(containers[place])
        containers[place]["env"] = [entry for entry in env if entry["name"] not in MANAGED]
    annotations = pod["metadata"].pop("annotations", None) or {}
    pod["metadata"]["annotations"] = {key: text for key, text in annotations.items() if key != expected.STATUS}
    return pod


@given(cases(more=LISTS) | updates(more=LISTS) | updates())
def test_a_patch_touches_only_containers_that_the_contract_selects(case: Case) -> None:
    paths = [operation["path"].split("/") for operation in operations_of(decided(case))]
    touched = {(parts[2], int(parts[3])) for parts in paths if parts[1] == "spec"}
    assert touched <= expected.treated(case).keys()


@given(cases())
def test_the_status_is_written_on_creation_only_and_together_with_another_operation(case: Case) -> None:
    decision, after = outcome(case)
    paths = [operation["path"] for operation in operations_of(decision)]
    statuses = [path for path in paths if path.startswith("/metadata/")]
    assert len(statuses) == (case.existing is None and bool(paths))
    if statuses:
        assert len(paths) > 1
        assert after["metadata"]["annotations"][expected.STATUS].startswith('{"role":')


@given(cases())
def test_deciding_again_on_the_patched_pod_yields_nothing(case: Case) -> None:
    decision, after = outcome(case)
    if isinstance(decision, Inject):
        again = decided(replace(case, pod=after))
        assert isinstance(again, Skip), again
        assert again.code is Code.ALREADY_RIGHT


@given(cases())
def test_a_new_entry_has_a_value_or_a_value_from_and_never_both(case: Case) -> None:
    for _, _, before, now in treated_envs(case):
        for entry in (entry for entry in now if entry not in before):
            assert entry.keys() in ({"name", "value"}, {"name", "valueFrom"}), entry
            assert entry != {"name": "RAY_NAMESPACE", "value": ""}


@given(cases())
def test_a_variable_that_is_only_set_where_absent_stays_as_it_is_declared(case: Case) -> None:
    for _, _, before, now in treated_envs(case):
        for name in expected.SET_WHERE_ABSENT & names(before):
            assert [entry for entry in before if entry["name"] == name] == [
                entry for entry in now if entry["name"] == name
            ]


# References.


@given(cases() | cases("keep"))
def test_a_new_variable_stands_before_every_entry_that_refers_to_it(case: Case) -> None:
    for _, _, before, now in treated_envs(case):
        new = names(now) - names(before)
        assert not [(now[index], name) for index, name in expected.unexpandable(now) if name in new]


@given(cases("override") | cases())
def test_a_reference_that_could_be_expanded_still_can_unless_its_variable_was_removed_and_that_is_told(
    case: Case,
) -> None:
    told = " ".join(warning.text for warning in decided(case).warnings if warning.code is Code.DANGLING_REFERENCE)
    for _, _, before, now in treated_envs(case):
        broken_before = set(expected.unexpandable(before))
        places = old_places(before, now)
        for index, name in expected.unexpandable(now):
            if index in places and name in names(before) and (places[index], name) not in broken_before:
                assert name not in names(now), (now[index], name)
                assert name in told


@given(cases("override"))
def test_a_reference_that_is_told_to_be_left_behind_is_one(case: Case) -> None:
    told = {warning.text.split()[0] for warning in decided(case).warnings if warning.code is Code.DANGLING_REFERENCE}
    left = {name for _, _, _, now in treated_envs(case) for _, name in expected.unexpandable(now)}
    assert told <= left


def old_places(before: Sequence[JsonDict], now: Sequence[JsonDict]) -> dict[int, int]:
    """For each entry that stayed as it was, its index in `now` and the one in `before`; entries keep their order."""
    found, at = dict[int, int](), 0
    for index, entry in enumerate(now):
        place = next((place for place in range(at, len(before)) if before[place] == entry), None)
        if place is not None:
            found[index], at = place, place + 1
    return found


# What on-conflict says.


@given(cases("override"))
def test_override_leaves_a_client_with_the_addresses_that_its_connection_makes(case: Case) -> None:
    is_jobs = expected.annotations_of(case).get(expected.PREFIX + "connect") == "jobs"
    for kind, _, _, now in treated_envs(case):
        # On a KubeRay pod a broken key is no denial: its clients get the keys that are valid.
        is_whole = not (expected.is_kuberay(case) and expected.has_broken_settings(case))
        if kind is Kind.CLIENT and is_whole and not expected.is_built_in(case):
            values = {entry["name"]: expected.literal(entry) for entry in now}
            client = f"ray://{values['RAY_HOST']}:{values['RAY_PORT']}"
            assert values[ADDRESS] == (values["RAY_DASHBOARD_URL"] if is_jobs else client)
            assert values["RAY_SERVE_ADDRESS"] == values["RAY_SERVE_URL"]
            assert values["RAY_API_SERVER_ADDRESS"] == values["RAY_DASHBOARD_ADDRESS"] == values["RAY_DASHBOARD_URL"]
            assert values["SEEDCORE_RAY_ROLE"] == "client"


@given(cases("override"))
def test_override_never_leaves_a_head_or_worker_with_a_client_address(case: Case) -> None:
    for kind, container, _, now in treated_envs(case):
        address = None if kind is Kind.CLIENT else expected.last(now, ADDRESS)
        assert address is None or is_right_inside_ray(expected.literal(address)), address
        if kind in (Kind.HEAD, Kind.WORKER, Kind.RAY) and not container.get("envFrom"):
            assert names(now).isdisjoint(expected.STRIPPED)


def is_right_inside_ray(address: str | None) -> bool:
    """Whether the address is empty, ``auto`` or ``host:port``, as far as the strategies' addresses need it told."""
    host, _, port = (address or "").rpartition(":")
    return address in ("", "auto") or ("/" not in host and "$(" not in host and host != "" and is_port(port))


def is_port(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= 65535


@given(cases("override"))
def test_override_leaves_at_most_one_literal_entry_of_each_variable_that_it_sets_or_removes(case: Case) -> None:
    on_nodes = expected.NODE_VARIABLES | expected.STRIPPED | {ADDRESS}
    managed = {Kind.CLIENT: expected.CLIENT_VARIABLES, Kind.ADDRESS_ONLY: frozenset[str]()}
    for kind, _, _, now in treated_envs(case):
        if not expected.is_built_in(case) and not expected.has_broken_settings(case):
            ours = [entry for entry in now if entry["name"] in managed.get(kind, on_nodes)]
            assert all(count == 1 for count in Counter(entry["name"] for entry in ours).values()), ours
            assert all(entry.get("valueFrom") is None for entry in ours), ours


@given(cases("keep") | cases(None, more=st.just([])))
def test_keep_leaves_every_declared_entry_but_a_clients_empty_address(case: Case) -> None:
    for kind, _, before, now in treated_envs(case):
        if expected.mode_of(case) == "keep":
            ignored = {ADDRESS} if kind is Kind.CLIENT and is_blank(expected.last(before, ADDRESS)) else set[str]()
            assert is_subsequence(without(before, ignored), without(now, ignored))


@given(cases("keep"))
def test_keep_adds_no_explicit_value_because_of_an_env_from(case: Case) -> None:
    for kind, container, before, now in treated_envs(case):
        if kind is not Kind.CLIENT and container.get("envFrom"):
            assert (names(now) - names(before)).isdisjoint({ADDRESS, *expected.STRIPPED})


def is_blank(entry: JsonDict | None) -> bool:
    """Whether a client's RAY_ADDRESS counts as absent."""
    return entry is not None and expected.literal(entry) in ("", "ray://", "ray://:10001")


def without(env: Sequence[JsonDict], ignored: set[str]) -> list[JsonDict]:
    return [entry for entry in env if entry["name"] not in ignored]


def is_subsequence(part: Sequence[JsonDict], whole: Sequence[JsonDict]) -> bool:
    rest = iter(whole)
    return all(any(entry == other for other in rest) for entry in part)


@given(cases("deny"))
def test_under_deny_a_pod_is_refused_or_every_declared_value_holds(case: Case) -> None:
    """Of duplicates the last is the value; the ones before it may go."""
    for kind, _, before, now in treated_envs(case):
        for name in names(before):
            old, new = expected.last(before, name), expected.last(now, name)
            if expected.mode_of(case) == "deny" and not (kind is Kind.CLIENT and name == ADDRESS and is_blank(old)):
                assert old is not None
                assert new is not None
                assert (expected.literal(old), old.get("valueFrom")) == (expected.literal(new), new.get("valueFrom"))


_HOSTLESS = Case(
    pod={
        "metadata": {"annotations": {"ray.seedcore.io/role": "client", "ray.seedcore.io/on-conflict": "keep"}},
        "spec": {"containers": [{"name": "app", "env": [{"name": "RAY_ADDRESS", "value": "ray://:10001"}]}]},
    },
    snapshot=snapshot({"RAY_HOST": "ray-a", "RAY_ALIASES": "MY_RAY=RAY_ADDRESS"}),
)


@example(_HOSTLESS)
@given(cases())
def test_a_new_variable_follows_the_value_from_which_it_is_derived(case: Case) -> None:
    """Whoever declared that one: a value that is kept, or one that was injected. On clients, and for all aliases."""
    for kind, _, before, now in treated_envs(case):
        derived = expected.aliases_of(case) | (expected.CLIENT_DERIVED if kind is Kind.CLIENT else {})
        for name in (names(now) - names(before)) & derived.keys():
            key = expected.last(now, derived[name])
            if key is not None and is_readable(expected.literal(key)):
                assert expected.last(now, name) == {"name": name, "value": expected.literal(key)}


@given(cases() | cases("keep"))
def test_a_new_client_address_is_made_of_the_host_and_port_that_hold(case: Case) -> None:
    is_jobs = expected.annotations_of(case).get(expected.PREFIX + "connect") == "jobs"
    for kind, _, before, now in treated_envs(case):
        if kind is Kind.CLIENT and not is_jobs and ADDRESS in names(now) - names(before):
            values = {entry["name"]: expected.literal(entry) for entry in now}
            address, host, port = values[ADDRESS] or "", values["RAY_HOST"], values["RAY_PORT"] or ""
            assert address.startswith("ray://")
            assert is_port(address.rpartition(":")[2])
            if is_readable(host) and is_port(port):
                assert address == f"ray://{host}:{port}"


def is_readable(text: str | None) -> bool:
    return bool(text) and text is not None and "$(" not in text and text.isprintable() and " " not in text


# What people read.


@given(cases(more=HOSTILE) | spoiled_cases())
def test_warnings_fit_into_256_bytes_of_printable_ascii_and_messages_are_one_line(case: Case) -> None:
    decision = decided(case)
    for line in map(str, decision.warnings):
        assert len(line.encode()) <= 256
        assert is_printable_ascii(line), line
    if isinstance(decision, Deny):
        assert is_printable_ascii(decision.message), decision.message


def is_printable_ascii(line: str) -> bool:
    return all(" " <= character <= "~" for character in line)


@given(cases(more=HOSTILE))
def test_ephemeral_containers_are_never_denied_and_kuberay_pods_only_by_their_own_deny(case: Case) -> None:
    decision = decided(case)
    if isinstance(decision, Deny):
        assert case.existing is None
        is_own = decision.code is Code.CONFLICT and expected.mode_of(case) == "deny"
        assert is_own or not expected.is_kuberay(case)


# What is no pod.

_LEFT_ALONE = frozenset(
    {Code.OPTED_OUT, Code.NO_ROLE, Code.REDIS_CLEANUP, Code.SUBMITTER, Code.EXCLUDED_NAMESPACE, Code.MIRROR_POD}
)


@given(spoiled_cases())
def test_a_pod_with_a_wrong_type_where_the_rules_read_is_left_as_it_is_and_told(case: Case) -> None:
    decision = decided(case)
    is_wrong = expected.has_wrong_type(case.pod, commands=case.default_role is not None)
    is_told = Code.MALFORMED in {warning.code for warning in decision.warnings}
    assert is_wrong or not is_told
    if is_wrong:
        assert isinstance(decision, Skip)
        assert is_told or decision.code in _LEFT_ALONE


@given(spoiled_cases())
def test_a_patch_of_a_pod_with_wrong_types_elsewhere_applies_and_is_not_repeated(case: Case) -> None:
    decision, after = outcome(case)
    if isinstance(decision, Inject):
        again = decided(replace(case, pod=after))
        assert again.code is Code.ALREADY_RIGHT


@pytest.mark.parametrize("default_role", [None, Role.CLIENT])
def test_a_request_without_an_object_is_left_alone(default_role: Role | None) -> None:
    decision = decided(Case(pod=None, default_role=default_role))
    assert isinstance(decision, Skip)
    assert decision.code in (Code.NO_ROLE, Code.NOTHING_SELECTED)


@pytest.mark.parametrize("junk", ["1e999", "[-1e999]", "9" * 400, '{"a":[]}', '"\\u0000"'])
@pytest.mark.parametrize("field", ["name", "generateName", "ownerReferences", "finalizers"])
def test_a_field_that_no_rule_reads_may_hold_any_json(field: str, junk: str) -> None:
    """Written as text, since a number that no float can hold is JSON all the same."""
    metadata = {"annotations": {"ray.seedcore.io/role": "client"}, field: "JUNK"}
    body = review_body(Case(pod={"metadata": metadata, "spec": {"containers": [{"name": "app"}]}}))
    request = parse_review(body.replace(b'"JUNK"', junk.encode()))
    assert isinstance(decide(request, Snapshot(), default_role=None), Inject)


# The proof that a patch applies.


@given(cases("override"), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 200)), min_size=1, max_size=2))
def test_no_operations_are_called_applicable_that_do_not_apply_or_write_a_wrong_type(
    case: Case, mutations: list[tuple[int, int]]
) -> None:
    operations = copy.deepcopy([*operations_of(decided(case))])
    for where, how in mutations if operations else ():
        mutate(operations, where, how)
    if is_applicable(decoded(case.pod), operations):
        assert applies(case.pod, operations), operations


def applies(pod: JsonDict, operations: Sequence[JsonDict]) -> bool:
    """Whether the operations apply, and leave each value of a type that Kubernetes decodes."""
    try:
        after = patched(pod, operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
        return False
    return not expected.has_wrong_type(after, commands=False) and null_annotations(after) <= null_annotations(pod)


def null_annotations(pod: JsonDict) -> set[str]:
    return {key for key, text in (pod["metadata"].get("annotations") or {}).items() if text is None}
