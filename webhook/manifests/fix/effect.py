"""What a pod's containers have in their env in the end, and whether a fix leaves it as it is: the guard of every fix.

The rule book decides about the pod, its patch is applied, and what envFrom brings is filled in, as a kubelet does
(makeEnvironment in k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go). Where no settings are known, what a manifest
declares is what counts: the settings that are built in never replace it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jsonpatch
import msgspec

from webhook import contract
from webhook.contract import OnConflict, Role
from webhook.injection.annotations import parse_annotations
from webhook.injection.decision import Decision, Deny, Inject, decide_pod
from webhook.injection.reasons import Code
from webhook.injection.review import EnvVar, parse_pod
from webhook.injection.settings import BUILT_IN
from webhook.injection.snapshot import Snapshot
from webhook.injection.variables import is_direct_address
from webhook.manifests.fix.references import Object, containers_of, mappings, volumes
from webhook.manifests.fix.world import Key, Template, World
from webhook.manifests.reviews import review_of

Env = dict[str, str]
_NODES: Final = (Role.HEAD, Role.WORKER)
_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")

TAKEN_FROM_NODES: Final = frozenset(
    {
        contract.RAY_ADDRESS,
        contract.RAY_SERVE_ADDRESS,
        contract.RAY_DASHBOARD_ADDRESS,
        contract.RAY_API_SERVER_ADDRESS,
        contract.RAY_PORT,
    }
)
"""What a head's or worker's role takes away, or means something else there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What becomes of a pod template.

    Attributes:
        role: the one that holds, or None; what is told of a client then holds of what it would be as one.
        annotated: whether the template says it itself.
        mode: what happens to declared values that differ, where the template says it.
        source: the level that gives the connection, None where that is the built-in one.
        given: the variables that the rule book sets or removes.
        declared: the env by container without the webhook.
        env: the env by container.
        mounted: the ConfigMaps that are files in the pod.
        starts_ray: whether a container's command starts Ray itself.
        fault: why nothing is known of it: a malformed pod, or one that is refused.
    """

    role: Role | None = None
    annotated: bool = False
    mode: OnConflict | None = None
    source: str | None = None
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    declared: Mapping[str, Env] = field(default_factory=dict)
    env: Mapping[str, Env] = field(default_factory=dict)
    mounted: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    starts_ray: bool = False
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A variable that a container would have otherwise after a fix; None where it is absent."""

    key: Key
    container: str
    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """For people."""
        return f"{self.name} of container {self.container} in {self.key.title}"


def effects(world: World) -> dict[Key, tuple[Template, Effect]]:
    """What becomes of every pod template."""
    return {
        template.key: (template, effect(template, world.snapshot(group, template.key.namespace)))
        for group in world.groups
        for template in group.templates
    }


def effect(template: Template, snapshot: Snapshot) -> Effect:
    """What becomes of one."""
    namespace = template.key.namespace
    pod: Object = review_of(template.workload, namespace=namespace, uid="fix")["request"]["object"]
    try:
        asked = parse_pod(msgspec.Raw(msgspec.json.encode(pod)), commands=True)
    except msgspec.ValidationError as error:
        return Effect(fault=str(error))
    decision = decide_pod(asked, namespace=namespace, snapshot=snapshot, default_role=template.default_role)
    annotations = (asked.metadata.annotations if asked.metadata else None) or {}
    declared = _env(pod, template)
    if isinstance(decision, Deny):
        return Effect(fault=decision.message, role=decision.role, declared=declared)
    after = _patched(pod, decision)
    told = decision
    if decision.role is None:
        as_client = decide_pod(asked, namespace=namespace, snapshot=snapshot, default_role=Role.CLIENT)
        told = decision if isinstance(as_client, Deny) else as_client
    return Effect(
        role=decision.role,
        annotated=contract.ROLE in annotations,
        mode=parse_annotations(annotations, namespace=namespace).on_conflict,
        source=told.source if told.source != BUILT_IN.source else None,
        given={item.selected.container.name: frozenset(w.name for w in item.wanted) for item in told.treated},
        declared=declared,
        env=_env(after, template),
        starts_ray=told.code is Code.RAY_STARTER,
        mounted={str(reference.get("name")): _data(template, reference) for reference in volumes(pod)},
    )


def _patched(pod: Object, decision: Decision) -> Object:
    if not isinstance(decision, Inject):
        return pod
    result: Object = jsonpatch.apply_patch(pod, list(decision.operations))
    return result


def _data(template: Template, reference: Mapping[str, Any]) -> Mapping[str, str]:
    found = template.config_maps.get(str(reference.get("name")))
    return found.data if found else {}


def _env(pod: Object, template: Template) -> dict[str, Env]:
    return {
        str(container.get("name", f"{field_}/{index}")): _container_env(container, template)
        for field_, index, container in containers_of(pod)
    }


def _container_env(container: Object, template: Template) -> Env:
    env: Env = {}
    for entry in mappings(container.get("envFrom")):
        env |= _brought(entry, template)
    for entry in mappings(container.get("env")):
        env[str(entry.get("name"))] = _value(entry, template, env)
    return env


def _brought(entry: Object, template: Template) -> Env:
    """What an entry of envFrom brings; one that is not among the files is a variable of its own, which must stay."""
    reference = entry.get("configMapRef")
    known = template.config_maps.get(str(reference.get("name"))) if isinstance(reference, dict) else None
    if known is None:
        return {f"envFrom {json.dumps(entry, sort_keys=True)}": ""}
    prefix = str(entry.get("prefix") or "")
    return {prefix + key: value for key, value in known.data.items()}


def _value(entry: Object, template: Template, env: Env) -> str:
    source = entry.get("valueFrom")
    if not source:
        return _expanded(str(entry.get("value") or ""), env)
    reference = source.get("configMapKeyRef") if isinstance(source, dict) else None
    if isinstance(reference, dict):
        data, key = _data(template, reference), str(reference.get("key"))
        if key in data:
            return data[key]
    return f"valueFrom {json.dumps(source, sort_keys=True)}"


def _expanded(value: str, env: Env) -> str:
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), value)


def _counting(effect: Effect) -> Mapping[str, Env]:
    """The env that counts: what the settings give where they hold and are known, else what is declared."""
    return effect.env if effect.source is not None and effect.role is not None else effect.declared


def differences(key: Key, before: Effect, after: Effect) -> Iterator[Difference]:
    """What a fix would change of a pod template that it must not."""
    if after.fault is not None and after.fault != before.fault:
        yield Difference(key=key, container="*", name="the decision", before=before.fault, after=after.fault)
        return
    for container, old in _counting(before).items():
        yield from _container_differences(key, container, old, before, after)
    if before.mounted != after.mounted:
        for name in sorted({*before.mounted, *after.mounted}):
            if before.mounted.get(name) != after.mounted.get(name):
                yield Difference(key=key, container="*", name=f"volume of ConfigMap {name}", before="", after="")


def _container_differences(key: Key, container: str, old: Env, before: Effect, after: Effect) -> Iterator[Difference]:
    new = _counting(after).get(container, {})
    given = after.given.get(container, frozenset())
    free = _free(before, after)
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        is_set_by_role = was is None and name in given
        if was != now and name not in free and not is_set_by_role:
            yield Difference(key=key, container=container, name=name, before=was, after=now)
    was, now = old.get(contract.RAY_ADDRESS), new.get(contract.RAY_ADDRESS)
    is_wrong_or_unset = not _is_right(was) or (was is None and before.source is None)
    if after.role in _NODES and was != now and not (_is_right(now) and is_wrong_or_unset):
        yield Difference(key=key, container=container, name=contract.RAY_ADDRESS, before=was, after=now)


def _free(before: Effect, after: Effect) -> frozenset[str]:
    """What a fix may take from a head or worker."""
    if before.role not in _NODES or after.role != before.role:
        return frozenset()
    return TAKEN_FROM_NODES if before.annotated else frozenset({contract.RAY_ADDRESS})


def _is_right(address: str | None) -> bool:
    return address is None or is_direct_address(EnvVar(name=contract.RAY_ADDRESS, value=address))
