"""Who is treated, in CEL: which pods, in which role, and what their annotations say.

The modules of the core of the same matter are :mod:`~webhook.injection.role`, :mod:`~webhook.injection.kuberay` and
:mod:`~webhook.injection.annotations`. CEL has no names for parts of an expression, but a list of one value and ``map``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ray_config.address import MAX_HOST
from webhook import contract
from webhook.contract import Connect, OnConflict, Role
from webhook.injection.selection import INIT, REGULAR
from webhook.manifests.policy import patterns
from webhook.manifests.policy.cel import Variable, annotation, label, pattern, text, texts

MAX_CONTAINERS: Final = 100
MAX_ENTRIES: Final = 1000
"""Of env, in all containers of a pod, so that to walk them all is quick."""
MAX_NAMES: Final = 500
"""Names in an annotation; the rest of a longer list counts as one name, which is none."""

STARTED: Final = f"c.?env.orValue([]).exists(e, e.name == {text(contract.KUBERAY_START_COMMAND)})"
"""Whether a container is KubeRay's Ray container."""
_ALL: Final = f"(object.spec.?{INIT}.orValue([]) + object.spec.{REGULAR})"
_IS_ANNOTATED: Final = f"{annotation(contract.ROLE)}.hasValue()"
_IS_OPERATORS: Final = f'{label(contract.KUBERAY_CREATED_BY)}.orValue("") == {text(contract.KUBERAY_OPERATOR)}'
_LOOKS_LIKE_KUBERAYS: Final = f"({label(contract.KUBERAY_NODE_TYPE)}.hasValue()\n&& {_IS_OPERATORS})"


def sent(default_role: Role | None) -> dict[str, str]:
    """Which pods the API server sends the webhook, by the conditions' names; the shipped configuration says the same.

    There are two ways: one for pods that say what they are, and one for the others of a namespace with a default role.
    A condition does not see the namespace (tried on 1.37).
    """
    says = f"{_IS_ANNOTATED}\n|| {_LOOKS_LIKE_KUBERAYS}"
    declares = {"declares-a-role-or-is-kuberays": says}
    declares_not = {"declares-no-role-and-is-not-kuberays": f"!({says})"}
    return {
        "no-mirror-pod": f"!{annotation(contract.MIRROR_POD)}.hasValue()",
        **(declares_not if default_role else declares),
    }


def conditions(default_role: Role | None) -> dict[str, str]:
    """Which pods the policy looks at at all: of those that the webhook would be sent."""
    submitter = [
        f"{label(contract.KUBERAY_ORIGIN_NAME)}.hasValue()",
        f'{label(contract.KUBERAY_ORIGIN_KIND)}.orValue("") == "RayJob"',
        _IS_OPERATORS,
        f"object.spec.{REGULAR}.exists(c, c.name == {text(contract.KUBERAY_SUBMITTER)})",
    ]
    node_type = f'{label(contract.KUBERAY_NODE_TYPE)}.orValue("")'
    return {
        **sent(default_role),
        "role-is-not-none": f'{annotation(contract.ROLE)}.orValue("") != {text(Role.NONE)}',
        "no-redis-cleanup": f"{node_type} != {text(contract.KUBERAY_REDIS_CLEANUP)}",
        "no-submitter": f"!({f'{chr(10)}&& '.join(submitter)})",
        "is-small-enough": f"size{_ALL} <= {MAX_CONTAINERS}\n"
        f"&& {_ALL}.map(c, size(c.?env.orValue([]))).sum() <= {MAX_ENTRIES}",
    }


def who(ray_namespace: str, default_role: Role | None) -> Iterator[Variable]:
    """The variables, each made of those before it.

    Args:
        ray_namespace: that of the settings.
        default_role: of the pods, none of which says what it is; else None.
    """
    nodes = texts([Role.HEAD, Role.WORKER])
    yield Variable(
        "isKubeRays",
        "A head or worker of KubeRay's: the label, and a container with its start command.",
        f'{label(contract.KUBERAY_NODE_TYPE)}.orValue("") in {nodes}\n&& object.spec.{REGULAR}.exists(c, {STARTED})',
    )
    own = f"{annotation(contract.ROLE)}.orValue({text(Role.NONE)})" if default_role is None else _default(default_role)
    yield Variable(
        "role",
        "KubeRay's label, else the annotation." if default_role is None else "None for a pod that starts Ray itself.",
        f"variables.isKubeRays ? object.metadata.labels[{text(contract.KUBERAY_NODE_TYPE)}]\n: {own}",
    )
    yield from _annotations(ray_namespace, OnConflict.KEEP if default_role else OnConflict.OVERRIDE)
    yield from _kuberay()


def _default(role: Role) -> str:
    line = 'c, (c.?command.orValue([]) + c.?args.orValue([])).join(" ")'
    return f"{_ALL}.exists({line}\n  .matches({pattern(patterns.RAY_START)})) ? {text(Role.NONE)} : {text(role)}"


def _annotations(ray_namespace: str, usual: OnConflict) -> Iterator[Variable]:
    override, keep = text(OnConflict.OVERRIDE), text(OnConflict.KEEP)
    yield Variable(
        "mode",
        "A KubeRay pod's annotation that is none of the three is ignored.",
        f"{annotation(contract.ON_CONFLICT)}.hasValue() && (!variables.isKubeRays\n"
        f"  || {annotation(contract.ON_CONFLICT)}.value() in {texts(OnConflict)})\n"
        f"? {annotation(contract.ON_CONFLICT)}.value() : variables.isKubeRays ? {override} : {text(usual)}",
    )
    yield Variable("keeps", "Whether declared values stay.", f"variables.mode == {keep}")
    yield Variable(
        "connect",
        "The form of a client's address.",
        f"{annotation(contract.CONNECT)}.orValue({text(Connect.CLIENT)})",
    )
    yield Variable("listed", "The only containers to be treated, if any.", _names(contract.CONTAINERS))
    yield Variable("skipped", "Containers that are not to be treated.", _names(contract.SKIP_CONTAINERS))
    yield Variable(
        "rayNamespace",
        "The annotation's, else the settings'.",
        f'[{annotation(contract.RAY_NAMESPACE_ANNOTATION)}.orValue("")].map(n, n == "" ? {text(ray_namespace)} : n)[0]',
    )
    yield Variable("isUnderstood", "The pod says nothing that is refused, and names no cluster.", _is_understood())


def _names(key: str) -> str:
    """The names of a list; of a KubeRay pod's none where one is wrong, since it is treated all the same."""
    return (
        f'[{annotation(key)}.orValue("").split(",", {MAX_NAMES})\n'
        f'  .map(n, n.find({pattern(patterns.TRIMMED)})).filter(n, n != "")]\n'
        f"  .map(l, variables.isKubeRays && !l.all(n, n.matches({pattern(patterns.DNS_LABEL)})) ? [] : l)[0]"
    )


def _is_understood() -> str:
    is_name = f"n.matches({pattern(patterns.DNS_LABEL)})"
    roles = texts(role for role in Role if role is not Role.NONE)
    return f"""\
variables.isKubeRays || (variables.role in {roles}
&& !{annotation(contract.CLUSTER)}.hasValue() && !{annotation(contract.SERVICE)}.hasValue()
&& variables.mode in {texts(OnConflict)} && variables.connect in {texts(Connect)}
&& !variables.rayNamespace.matches({pattern(patterns.UNREADABLE)})
&& variables.listed.all(n, {is_name})
&& variables.skipped.all(n, {is_name} && !(n in variables.listed)))"""


def _kuberay() -> Iterator[Variable]:
    yield Variable(
        "rayContainer",
        "The index of a KubeRay pod's Ray container.",
        f"!variables.isKubeRays ? -1 : object.spec.{REGULAR}.transformList(i, c, {STARTED}, i)[0]",
    )
    yield Variable(
        "startCommand",
        "What KubeRay starts there, where it can be read; of duplicates the last counts.",
        f"""\
!variables.isKubeRays ? "" : [object.spec.{REGULAR}[variables.rayContainer].env
  .filter(e, e.name == {text(contract.KUBERAY_START_COMMAND)})]
  .map(l, has(l[size(l) - 1].valueFrom) ? "" : l[size(l) - 1].?value.orValue(""))[0]""",
    )
    port, address = _flag("--port", patterns.PORT_FLAG), _flag("--address", patterns.ADDRESS_FLAG)
    yield Variable(
        "kuberayAddress",
        "KubeRay's own RAY_ADDRESS, as its command tells it, or empty.",
        f"""\
variables.role == {text(Role.HEAD)}
? [{port}].map(p, p == "" ? {text(str(contract.GCS_PORT))} : p)
  .map(p, variables.startCommand != "" && p.matches({pattern(patterns.PORT)}) ? "127.0.0.1:" + p : "")[0]
: [{address}]
  .map(v, {is_host_port("v")} ? v : "")[0]""",
    )


def _flag(name: str, found: str) -> str:
    """The value of a flag of the start command, or empty."""
    return (
        f'[variables.startCommand.find({pattern(found)})].map(f, f == "" ? ""\n'
        f"  : f.substring(f.indexOf({text(name)}) + {len(name) + 1}).find({pattern(patterns.WORD)}))[0]"
    )


def is_host_port(value: str) -> str:
    """Whether the text `value` is ``host:port``, as :mod:`ray_config.address` takes it."""
    return (
        f'({value}.startsWith("[") ? {value}.matches({pattern(patterns.DIRECT_IPV6)})\n'
        f'    : {value}.lastIndexOf(":") <= {MAX_HOST} && {value}.matches({pattern(patterns.DIRECT_NAME)}))'
    )
