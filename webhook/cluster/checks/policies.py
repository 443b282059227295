"""Group "policies": the guard and the manifest policy, where they are in place, do what their components say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import Item, dicts, part, texts
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped
from webhook.cluster.names import ADMISSION
from webhook.errors import escape
from webhook.injection.check_codes import CheckCode

_OURS: Final = {"app.kubernetes.io/part-of": "ray-webhook"}
_CONFIGURATION: Final = "MutatingWebhookConfiguration"
_SHOWN: Final = 300


def _policies(context: Context) -> list[Item]:
    return context.items(f"{ADMISSION}/validatingadmissionpolicies", labels=_OURS)


def _bindings(context: Context) -> list[Item]:
    return context.items(f"{ADMISSION}/validatingadmissionpolicybindings", labels=_OURS)


def are_bound(context: Context) -> Iterator[Outcome]:
    """Whether each policy has its binding and each binding its policy."""
    policies = {policy.metadata.name for policy in _policies(context)}
    bound = {_policy_of(binding): binding.metadata.name for binding in _bindings(context)}
    if not policies and not bound:
        yield Skipped("none is installed: the components are guard and manifest-policy")
        return
    for name in sorted(policies - bound.keys()):
        yield Failed(
            CheckCode.NOT_BOUND,
            f"the policy {name} has no binding, so it does nothing",
            f"apply its component again, or remove it: kubectl delete validatingadmissionpolicy {name}",
        )
    for name in sorted(bound.keys() - policies):
        yield Failed(
            CheckCode.NOT_BOUND,
            f"the binding {bound[name]} is for the policy {name}, which is not there",
            f"apply its component again, or remove it: kubectl delete validatingadmissionpolicybinding {bound[name]}",
        )
    yield Passed(", ".join(sorted(policies)))


def _policy_of(binding: Item) -> str:
    return part(binding.spec, str, "policyName") or ""


def are_sound(context: Context) -> Iterator[Outcome]:
    """Whether the API server's type checker has nothing to say."""
    for policy in _policies(context):
        for warning in dicts(policy.status, "typeChecking", "expressionWarnings"):
            text = escape(f"{warning.get('fieldRef')}: {warning.get('warning')}")[:_SHOWN]
            name = policy.metadata.name
            yield Failed(
                CheckCode.POLICY_FAULT,
                f"{name}: {text}",
                f"apply its component again; kubectl get validatingadmissionpolicy {name} -o yaml shows all",
            )


def have_parameters(context: Context) -> Iterator[Outcome]:
    """Whether what the guard reads is there; without it, it lets everything pass."""
    kinds = {policy.metadata.name: part(policy.spec, str, "paramKind", "kind") for policy in _policies(context)}
    for binding in _guards(context):
        name = part(binding.spec, str, "paramRef", "name")
        if kinds.get(_policy_of(binding)) == _CONFIGURATION and not _is_there(context, name):
            yield Failed(
                CheckCode.NO_PARAMETER,
                f"the binding {binding.metadata.name} reads the {_CONFIGURATION} {name}, which is not there",
                f"kubectl patch validatingadmissionpolicybinding {binding.metadata.name} --type merge "
                f"""-p '{{"spec":{{"paramRef":{{"name":"{context.installation.configuration}"}}}}}}'""",
            )


def _is_there(context: Context, name: str | None) -> bool:
    path = context.installation.names.configuration_resource.path
    return name is not None and context.find(path, name) is not None


def _guards(context: Context) -> list[Item]:
    """The bindings of policies with a parameter: those that judge pods."""
    return [binding for binding in _bindings(context) if part(binding.spec, dict, "paramRef") is not None]


def only_warn_in_observe(context: Context) -> Iterator[Outcome]:
    """Whether the guard lets pods pass that the service, which observes, leaves as they are."""
    if not context.installation.observes:
        yield Passed("the service enforces, so it may refuse")
        return
    for binding in _guards(context):
        if "Deny" in texts(binding.spec, "validationActions"):
            name = binding.metadata.name
            yield Failed(
                CheckCode.REFUSES_IN_OBSERVE,
                f"the service observes, and the binding {name} refuses the pods that it leaves as they are",
                f"kubectl patch validatingadmissionpolicybinding {name} --type merge "
                """-p '{"spec":{"validationActions":["Warn","Audit"]}}', or guard-warn in place of guard""",
            )


CHECKS: Final = (
    Check(group=Group.POLICIES, name="policies", title="each policy is bound", run=are_bound),
    Check(
        group=Group.POLICIES,
        name="policy-types",
        title="the type checker has nothing to say",
        run=are_sound,
        needs=("policies",),
    ),
    Check(
        group=Group.POLICIES,
        name="guard-parameter",
        title="the guard reads the webhook configuration",
        run=have_parameters,
        needs=("policies",),
    ),
    Check(
        group=Group.POLICIES,
        name="guard-mode",
        title="the guard only warns where the service observes",
        run=only_warn_in_observe,
        needs=("policies",),
    ),
)
