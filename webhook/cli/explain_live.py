"""``ray-webhook explain KIND/NAME``: what is the matter with a pod that runs, or with a workload and its pods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from webhook import contract
from webhook.cli.cluster_flags import api_of, kubeconfig_of, settings_names
from webhook.cli.explanation import body_lines, headline, hint_lines, influence_lines
from webhook.cli.output import Style
from webhook.cluster.audit import Audit
from webhook.cluster.auditor import HELPED, code_of
from webhook.cluster.identity import namespace_of
from webhook.cluster.kinds import parse_target
from webhook.cluster.live import Live, find
from webhook.cluster.mending import mend_of
from webhook.cluster.owners import Workload
from webhook.cluster.pod import own_namespace
from webhook.errors import InputError, UsageError, escape, quote
from webhook.injection.codes import ReasonCode
from webhook.injection.decision import decide
from webhook.injection.findings import FindingCode, LimitCode
from webhook.injection.review import parse_pod, parse_review
from webhook.injection.routing import Route, route, unsent
from webhook.injection.settings import is_dns_subdomain
from webhook.injection.snapshot import Snapshot
from webhook.injection.standing import Standing, judge
from webhook.manifests.decisions import names_no_cluster
from webhook.manifests.documents import Document
from webhook.manifests.explanation import (
    Explained,
    explain_new,
    explain_standing,
    explain_unnamed,
    explain_unread,
    explain_unsent,
    hints,
    influences,
)
from webhook.manifests.history import record_of, status_of, why
from webhook.manifests.influences import runtime_influences
from webhook.manifests.keys import Hint, misplaced_hints, namespace_hints, pod_hints
from webhook.manifests.policy.limits import limit_of
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import value_at, workloads_of

_UNREAD: Final = "Its values cannot be told, for you may not read all settings."


def explain_live(target: Sequence[str], style: Style, **flags: Any) -> tuple[Explained, Iterator[str]]:
    """The explanation as a document and as lines."""
    kind, name = parse_target(target)
    file = kubeconfig_of(flags["kubeconfig"])
    api = api_of(file, flags["context"])
    own = flags["webhook_namespace"] or own_namespace() or contract.WEBHOOK_NAMESPACE
    of_context = namespace_of(file, flags["context"]) if file else own_namespace()
    namespace = flags["namespace"] or of_context or "default"
    if not is_dns_subdomain(namespace):
        raise UsageError("the namespace", value=namespace, allowed="a DNS name", fix="mend it")
    live = find(
        api,
        kind,
        name,
        namespace=namespace,
        settings_names=settings_names(flags["settings_name"]),
        first=Snapshot(webhook_namespace=own, cluster_domain=flags["cluster_domain"]),
    )
    if kind.name == "Pod":
        explained = _explain_pod(live)
        return explained, _pod_lines(explained, style)
    explained = _explain_workload(live)
    return explained, _workload_lines(explained, style)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sending:
    """Whether the API server sends a pod: the route, or the code and the reason why not; and what else is known.

    Attributes:
        policy: the one that does the webhook's work.
    """

    route: Route | None
    code: ReasonCode
    text: str
    policy: str | None = None
    created: str | None = None
    unknown: str | None = None


def _sending(live: Live, pod: Document) -> _Sending:
    labels, annotations = (value_at(pod, ("metadata", field)) or {} for field in ("labels", "annotations"))
    space = live.namespace["metadata"]
    spaces_labels = space.get("labels") or {}
    reason = unsent(
        space["name"], spaces_labels, labels, annotations, webhook_namespace=live.snapshot.webhook_namespace
    )
    if reason is not None:
        return _Sending(route=None, code=reason[0], text=reason[1])
    sent = route(labels, annotations, namespace_labels=spaces_labels)
    found = live.registration(sent.default_role if sent else None)
    return _Sending(
        route=None if found.fault else sent,
        code=FindingCode.NOT_SENT,
        text=found.fault or "",
        policy=found.policy,
        created=found.created,
        unknown=found.unknown,
    )


def _explain_pod(live: Live) -> Explained:
    pod, namespace = live.document, live.namespace["metadata"]["name"]
    name = f"Pod {namespace}/{pod['metadata']['name']}"
    sending = _sending(live, pod)
    found: list[Hint] = [*pod_hints(pod), *namespace_hints(namespace, live.namespace)]
    # The one that somebody wrote: a Deployment's annotations are on its ReplicaSets as well.
    for owner in live.owners[-1:]:
        found += misplaced_hints(_called(owner, namespace), owner, [pod])
    standing: Standing | None = None
    if sending.route is None:
        item = explain_unsent(name, sending.code, sending.text)
    else:
        judged = _judge(live, pod, sending.route)
        limit = limit_of(pod, judged.decision) if sending.policy else None
        if live.leaves_open(judged.decision):
            item = explain_unread(name, judged.decision, f"{_UNREAD} {record_of(pod)}")
        elif limit:
            item = explain_unsent(name, limit, f"{limit.meaning} {limit.fix}")
        else:
            standing = judged
            item = explain_standing(name, pod, standing, live.read_config_map)
    code = code_of(standing) if standing else None
    return {
        **item,
        "workload": None if live.owner.kind == "Pod" else _named(live.owner),
        "standing": _standing(pod, standing, sending) if standing else None,
        "mend": _mend(live.owner, code, is_missing=live.is_owner_missing),
        "mayBringIn": influences(found for owner in live.owners for found in runtime_influences(owner)),
        "hints": hints(found),
        "notes": _notes(live, sending),
    }


def _notes(live: Live, sending: _Sending | None = None) -> list[str]:
    """What is not known, and so may be otherwise."""
    unseen = [f"you may not list {text}" for text in live.reading.unseen]
    known = [sending.unknown, _of_policy(sending.policy)] if sending else []
    return [*filter(None, known), *unseen]


def _of_policy(policy: str | None) -> str | None:
    """What a policy in place of the webhook means for all that is told."""
    if policy is None:
        return None
    return (
        f"MutatingAdmissionPolicy {policy} does the webhook's work here: what is told is by the settings of now, and "
        f"the policy has those of its rendering ({LimitCode.SNAPSHOT}); render it again where they changed"
    )


def _judge(live: Live, pod: Document, sent: Route) -> Standing:
    raw = msgspec.Raw(msgspec.json.encode(pod))
    try:
        parsed = parse_pod(raw, commands=sent.default_role is not None)
    except msgspec.ValidationError as error:
        raise InputError(f"the pod is malformed ({quote(str(error))})", fix="see kubectl get -o yaml") from None
    namespace = live.namespace["metadata"]["name"]
    return judge(parsed, namespace=namespace, snapshot=live.snapshot, default_role=sent.default_role)


def _standing(pod: Document, standing: Standing, sending: _Sending) -> Explained:
    code = code_of(standing)
    return {
        "fine": code is None,
        "code": code,
        "summary": code.summary if code else "as it should be",
        "message": why(pod, code, installed=sending.created, by_policy=sending.policy is not None),
        "status": status_of(pod),
    }


def _mend(owner: Workload, code: FindingCode | None, *, is_missing: bool) -> Explained | None:
    if code not in HELPED:
        return None
    mend = mend_of(owner, is_missing=is_missing)
    return {"text": mend.text, "command": mend.command}


def _explain_workload(live: Live) -> Explained:
    document, namespace = live.document, live.namespace["metadata"]["name"]
    name = _called(document, namespace)
    workloads = list(workloads_of(document))
    templates, sendings = [], []
    written = live.owners[-1] if live.owners else document
    found = [*misplaced_hints(_called(written, namespace), written, [workload.pod for workload in workloads])]
    for workload in workloads:
        title, review = workload.title(namespace), review_of(workload, namespace=namespace, uid="explain")
        if names_no_cluster(workload):
            templates.append(explain_unnamed(title))
        else:
            sendings.append(_sending(live, review["request"]["object"]))
            templates.append(_explain_template(live, sendings[-1], title, review))
        found += pod_hints(workload.pod)
    found += namespace_hints(namespace, live.namespace)
    audit = live.audit()
    is_unread = FindingCode.SETTINGS_UNREADABLE in audit.counts or any(map(_is_open, templates))
    return {
        "name": name,
        "templates": templates,
        "pods": None if is_unread else _pods(audit),
        "mend": None if is_unread else _mend(live.owner, _helped(audit), is_missing=live.is_owner_missing),
        "mayBringIn": influences(found for owner in (document, *live.owners) for found in runtime_influences(owner)),
        "hints": hints(dict.fromkeys(found)),
        "notes": _notes(live, next(iter(sendings), None)),
    }


def _is_open(template: Explained) -> bool:
    """Whether nobody can tell from here what its pods should have."""
    return template["code"] in {FindingCode.SETTINGS_UNREADABLE, *LimitCode}


def _explain_template(live: Live, sending: _Sending, name: str, review: Document) -> Explained:
    pod: Document = review["request"]["object"]
    if sending.route is None:
        return explain_unsent(name, sending.code, sending.text)
    request = parse_review(msgspec.json.encode(review))
    decision = decide(request, live.snapshot, default_role=sending.route.default_role)
    if live.leaves_open(decision):
        return explain_unread(name, decision, _UNREAD)
    limit = limit_of(pod, decision) if sending.policy else None
    if limit:
        return explain_unsent(name, limit, f"{limit.meaning} {limit.fix}")
    return explain_new(name, pod, decision, live.read_config_map)


def _helped(audit: Audit) -> FindingCode | None:
    """A finding that a restart mends, if there is one and none that it would make worse."""
    return None if FindingCode.WOULD_BE_REFUSED in audit.wrong else next(iter(audit.wrong), None)


def _pods(audit: Audit) -> Explained:
    findings = [finding for audited in audit.workloads for finding in audited.findings.values()]
    return {
        "count": audit.pods,
        "right": audit.pods - sum(audit.counts.values()),
        "findings": [
            {"code": item.code, "summary": item.code.summary, "count": item.count, "pods": item.pods}
            for item in findings
        ],
    }


def _called(document: Document, namespace: str) -> str:
    return f"{document['kind']} {namespace}/{document['metadata']['name']}"


def _named(workload: Workload) -> str:
    return f"{workload.kind} {workload.namespace}/{workload.name}"


def _pod_lines(explained: Explained, style: Style) -> Iterator[str]:
    standing = explained["standing"]
    yield headline(explained, style, standing["code"] if standing else None)
    yield f"  {escape(standing['message'] if standing else explained['message'])}"
    if standing and not explained["allowed"]:
        yield f"  {escape(explained['message'])}"
    if explained["workload"]:
        yield f"  It belongs to {escape(explained['workload'])}."
    yield from _end_lines(explained, style)
    yield from body_lines(explained, style)
    for found in explained["mayBringIn"]:
        yield from influence_lines(found, style)


def _workload_lines(explained: Explained, style: Style) -> Iterator[str]:
    for template in explained["templates"]:
        yield headline(template, style)
        yield f"  {escape(template['message'])}"
    if not explained["templates"]:
        yield f"{style(escape(explained['name']), bold=True)} has no pod template"
    yield f"  {escape(_pods_line(explained['pods']))}"
    yield from _end_lines(explained, style)
    for template in explained["templates"]:
        yield from body_lines(template, style)
    for found in explained["mayBringIn"]:
        yield from influence_lines(found, style)


def _pods_line(pods: Explained | None) -> str:
    if pods is None:
        return "Of its pods it cannot be told whether they have what they should."
    if not pods["count"]:
        return "It has no pods."
    wrong = [
        f"{item['count']} {item['summary']} ({item['code']}): {', '.join(item['pods'][:3])}"
        for item in pods["findings"]
    ]
    return (
        f"Of its pods {pods['right']} of {pods['count']} are as they should be{''.join(f'; {text}' for text in wrong)}."
    )


def _end_lines(explained: Explained, style: Style) -> Iterator[str]:
    """What to do, before the long part."""
    yield from hint_lines(explained["hints"], style)
    if explained["mend"]:
        command = f": {explained['mend']['command']}" if explained["mend"]["command"] else ""
        yield escape(f"  To mend it, {explained['mend']['text']}{command}")
    yield from (f"  {style('note', 'yellow')} {escape(note)}" for note in explained["notes"])
