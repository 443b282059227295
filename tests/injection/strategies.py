"""Hypothesis strategies for pods, settings and what is known beside them: right, wrong and hostile.

A pod is drawn from short lists of values that meet each other often, rather than from all the text there is: a wrong
decision needs a value that is *almost* right. The lists are flat, because each choice costs Hypothesis more time than
the decision that is tested. What no list would hold comes from :func:`spoiled_cases`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from tests.injection import samples
from tests.injection.case import Case, JsonDict, decided, patched
from webhook import contract
from webhook.contract import Role
from webhook.injection.decision import Inject
from webhook.injection.snapshot import Snapshot


def _weighted(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them, as often as it is given; ``one_of`` counts equal ones once."""
    return st.integers(0, len(strategies) - 1).flatmap(strategies.__getitem__)


_SCATTERED = st.lists(st.sampled_from(samples.ENTRIES), max_size=8)
_DENSE = st.lists(st.sampled_from(samples.BLOCKS), min_size=1, max_size=4).map(
    lambda blocks: [*chain.from_iterable(blocks)]
)
_ENVS = _weighted(_SCATTERED, _SCATTERED, _DENSE, _DENSE, st.just([]))
_EMPTY = st.sampled_from(["absent", "null", "empty"])


def _filled(key: str, value: Any, empty: str) -> JsonDict:
    """`value` under `key`; an empty one as `empty` says: absent, null or empty."""
    return {key: value} if value or empty == "empty" else ({key: None} if empty == "null" else {})


def _container(shell: JsonDict, env: Sequence[JsonDict], empty: str) -> JsonDict:
    return {**shell, **_filled("env", env, empty)}


def _containers(*names: str) -> st.SearchStrategy[JsonDict]:
    shells = [{"name": name, **shell, **samples.MORE} for name in names for shell in samples.SHELLS]
    return st.builds(_container, st.sampled_from(shells), _ENVS, _EMPTY)


def _with_command(container: JsonDict, command: JsonDict, place: int) -> JsonDict:
    env = container.get("env") or []
    return container | {"env": [*env[:place], command, *env[place:]]}


_USUAL = _containers("app", "side", "app", contract.KUBERAY_WAIT_GCS, contract.KUBERAY_SUBMITTER, samples.BAD_NAME)
_RAY = st.builds(
    _with_command,
    _containers("ray-head", "app"),
    st.sampled_from(samples.START_COMMANDS),
    st.sampled_from([0, 1, 2, 8]),
)

Pairs = st.SearchStrategy[list[tuple[str, str | None]]]
"""Further annotations beside role and on-conflict."""

_FEW: Pairs = st.lists(st.sampled_from(samples.PAIRS), max_size=2)
HOSTILE: Pairs = st.lists(
    st.sampled_from([*samples.PAIRS, *samples.HOSTILE_PAIRS, (contract.ROLE, "none")]), max_size=3
)
LISTS: Pairs = st.lists(st.sampled_from(samples.LIST_PAIRS), min_size=1, max_size=2)


def _written(modes: Sequence[str | None], roles: Sequence[str | None], more: Pairs) -> st.SearchStrategy[JsonDict]:
    """The annotations of a pod, with one of `modes` for on-conflict and one of `roles`; None says nothing of it."""
    words = [
        {key: text for key, text in ((contract.ROLE, role), (contract.ON_CONFLICT, mode)) if text is not None}
        for mode in modes
        for role in roles
    ]
    return st.builds(lambda few, pairs: few | dict(pairs), st.sampled_from(words), more)


def _pod(
    labels: JsonDict, annotations: JsonDict, init: Sequence[JsonDict], containers: Sequence[JsonDict], empty: str
) -> JsonDict:
    metadata = {"generateName": "p-", **_filled("labels", labels, empty), **_filled("annotations", annotations, empty)}
    spec = {"nodeName": None, "containers": containers, **_filled("initContainers", init, empty)}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {}}


_INIT = st.lists(_USUAL, max_size=1)
_REGULAR = st.lists(_USUAL, min_size=1, max_size=2)
_WITH_RAY = st.builds(lambda *made: [*made], _RAY) | st.builds(lambda *made: [*made], _RAY, _USUAL)
_BEFORE_RAY = st.builds(lambda *made: [*made], _USUAL, _RAY)


def _pods(modes: Sequence[str | None], more: Pairs) -> st.SearchStrategy[JsonDict]:
    written, of_kuberay = _written(modes, samples.ROLES, more), _written(modes, samples.KUBERAY_ROLES, more)
    plain = st.builds(_pod, st.sampled_from(samples.PLAIN_LABELS), written, _INIT, _REGULAR, _EMPTY)
    kuberay = st.builds(
        _pod, st.sampled_from(samples.KUBERAY_LABELS), of_kuberay, _INIT, _WITH_RAY | _BEFORE_RAY, _EMPTY
    )
    return _weighted(plain, plain, kuberay)


# Cases.


def _case(pod: JsonDict, snapshot: Snapshot, namespace: str, path: str) -> Case:
    """The usual path is the one that the API server takes: the default role is for pods without a role."""
    is_annotated = contract.ROLE in (pod["metadata"].get("annotations") or {})
    is_default = path == "default" or (path == "usual" and not is_annotated)
    return Case(pod=pod, snapshot=snapshot, namespace=namespace, default_role=Role.CLIENT if is_default else None)


def _creations(modes: Sequence[str | None], more: Pairs) -> st.SearchStrategy[Case]:
    paths = st.sampled_from([*["usual"] * 6, "default", "plain"])
    return st.builds(
        _case, _pods(modes, more), st.sampled_from(samples.SNAPSHOTS), st.sampled_from(samples.NAMESPACES), paths
    )


def _with_ephemeral(case: Case, containers: Sequence[JsonDict], existing: int) -> Case:
    pod = case.pod | {"spec": case.pod["spec"] | {"ephemeralContainers": containers}}
    return replace(case, pod=pod, existing=min(existing, len(containers) - 1))


_NEW = st.lists(
    _containers("dbg", "dbg", "dbg-2", "app"), min_size=2, max_size=2, unique_by=lambda made: str(made["name"])
)


def _edited_again(case: Case, edits: Sequence[tuple[int, int, bool]]) -> Case:
    """A pod that was patched once, of which entries were moved, doubled or taken out: almost right."""
    decision = decided(case)
    if not isinstance(decision, Inject):
        return case
    pod = patched(case.pod, decision.operations)
    for container in pod["spec"]["containers"]:
        env = container.get("env") or []
        for source, target, moves in edits if env else ():
            entry = env.pop(source % len(env)) if moves else env[source % len(env)]
            env.insert(target % (len(env) + 1), entry)
    return replace(case, pod=pod)


_EDITS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), st.booleans()), min_size=1, max_size=2)


def updates(*, more: Pairs = _FEW) -> st.SearchStrategy[Case]:
    """A pod with two new ephemeral containers, or with an old and a new one."""
    return st.builds(_with_ephemeral, _creations((None, "override"), more), _NEW, st.integers(0, 1))


def cases(*modes: str | None, more: Pairs = _FEW) -> st.SearchStrategy[Case]:
    """A well-typed, not necessarily valid pod: new, patched once and edited, or one with new ephemeral containers.

    Args:
        modes: what its on-conflict may be, None for absent; without any, everything.
        more: its annotations beside role and on-conflict.
    """
    made = _creations(modes or (None, None, "override", "keep", "deny"), more)
    almost_right = st.builds(_edited_again, made, _EDITS)
    updated = st.builds(_with_ephemeral, made, _NEW, st.integers(0, 1))
    return _weighted(*[made] * 6, *[almost_right] * 4, updated)


# Pods with wrong types.

_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    _SCALARS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "env", "spec", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _spoiled(case: Case, edits: Sequence[tuple[int, Any]]) -> Case:
    pod = copy.deepcopy(case.pod)
    for number, junk in edits:
        places = [*_places(pod)]
        node, key = places[number % len(places)]
        node[key] = junk
    return replace(case, pod=pod)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the JSON tree, as what holds it and its key or index."""
    keys = [*node] if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def spoiled_cases() -> st.SearchStrategy[Case]:
    """A case of which one or two places hold any JSON at all; now and then the whole pod is any JSON."""
    edits = st.lists(st.tuples(st.integers(0, 199), _JSON), min_size=1, max_size=2)
    spoiled = st.builds(_spoiled, cases(), edits)
    return _weighted(*[spoiled] * 5, st.builds(lambda case, junk: replace(case, pod=junk), cases(), _JSON))
