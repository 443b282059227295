"""``inject`` on text: what the webhook would put into the pods of a manifest is put into its pod templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from webhook.errors import quote
from webhook.injection.decision import Decision, Deny, Inject
from webhook.injection.findings import InjectCode
from webhook.injection.snapshot import TargetKind
from webhook.injection.treatment import Treated
from webhook.manifests.decisions import decide_workload, names_no_cluster
from webhook.manifests.env_script import changed, script_of
from webhook.manifests.outcomes import Given, Outcome, Result, line_of, shared, templates
from webhook.manifests.records import ContainerRecord, Record, container_record, name_of
from webhook.manifests.restoring import restored
from webhook.manifests.rewrite import EnvChange, TemplateChange, rewrite
from webhook.manifests.source import Source
from webhook.manifests.workloads import Workload, value_at


def inject(source: Source, given: Given) -> Result:
    """Inject into every pod template; what an earlier run has put in is taken out before."""
    source = source.reread(restored(source).text)
    judged = [_judge(source, at, workload, given) for at, workload in templates(source)]
    rewritten = rewrite(source, [change for _, change in judged if change])
    told = tuple(shared(outcome) if change in rewritten.refused else outcome for outcome, change in judged)
    return Result(text=rewritten.text, outcomes=told)


def _judge(source: Source, at: int, workload: Workload, given: Given) -> tuple[Outcome, TemplateChange | None]:
    title, line = workload.title(given.namespace), line_of(source, at, workload)
    if names_no_cluster(workload):
        code = InjectCode.GENERATED_NAME
        return Outcome(title=title, line=line, code=code, detail=code.advice), None
    decision = decide_workload(workload, given.snapshot, namespace=given.namespace, default_role=given.default_role)
    change = _change(source.documents[at].value, at, workload, decision) if isinstance(decision, Inject) else None
    outcome = Outcome(
        title=title,
        line=line,
        code=decision.code,
        detail=detail(decision, change.record if change else None),
        warnings=tuple(_warnings(workload, decision, given)),
        failed=isinstance(decision, Deny),
        changed=change is not None,
    )
    return outcome, change


def detail(decision: Decision, record: Record | None) -> str:
    """What there is to say of a decision that was carried out as `record` says."""
    if isinstance(decision, Deny):
        return decision.message
    if record is None:
        return ""
    told = ", ".join(part for name, done in record.env.items() for part in _container_detail(name, done))
    return f"{told}; connection from {decision.source}" if decision.source else told


def _container_detail(container: str, done: ContainerRecord) -> Iterator[str]:
    gone = dict.fromkeys(name for _, entry in done.was if (name := name_of(entry)) and name not in done.set)
    if done.set:
        yield f"{len(done.set)} set in {container}"
    if gone:
        yield f"{', '.join(gone)} removed from {container}"


def _warnings(workload: Workload, decision: Decision, given: Given) -> Iterator[str]:
    yield from map(str, decision.warnings)
    source = decision.source if isinstance(decision, Inject) and workload.namespace is None else None
    named = tuple(f"{kind} {given.namespace}/" for kind in TargetKind)
    if given.is_assumed and source is not None and source.startswith(named):
        code = InjectCode.ASSUMED_NAMESPACE
        yield f"{code}: the namespace is taken for {quote(given.namespace)}; {code.advice}"


def _change(document: Any, at: int, workload: Workload, decision: Inject) -> TemplateChange | None:
    """The change that the decision's operations are, but for the status, which is the webhook's own."""
    envs: list[EnvChange] = []
    done: dict[str, ContainerRecord] = {}
    for item in decision.treated:
        change, record = _env_change(document, workload, item)
        if change is not None and record is not None:
            envs.append(change)
            done[item.selected.container.name] = record
    if not envs:
        return None
    return TemplateChange(document=at, template=workload.path, envs=tuple(envs), record=Record(env=done))


def _env_change(document: Any, workload: Workload, item: Treated) -> tuple[EnvChange | None, ContainerRecord | None]:
    path = (*workload.path, "spec", item.selected.field, item.selected.index)
    env: Sequence[Any] = value_at(document, (*path, "env")) or []
    length = len(item.selected.container.env or ())
    script = script_of(item.edit.operations, item.selected.path, length, len(env))
    if not changed(script, len(env)):
        return None, None
    return EnvChange(container=path, script=script), container_record(env, script)
