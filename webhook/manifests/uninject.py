"""``uninject`` on text: what ``inject`` has put into pod templates is taken out, and what stood there is put back.

Of a template that ``inject`` never saw those entries are taken out that are what the webhook would put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from webhook.injection.decision import Deny
from webhook.injection.findings import InjectCode
from webhook.injection.treatment import Treated
from webhook.manifests.decisions import decide_workload, names_no_cluster
from webhook.manifests.env_script import Slot, changed
from webhook.manifests.outcomes import Given, Outcome, Result, line_of, shared, templates
from webhook.manifests.records import name_of
from webhook.manifests.restoring import recorded, restored
from webhook.manifests.rewrite import EnvChange, TemplateChange, rewrite
from webhook.manifests.source import Source
from webhook.manifests.workloads import Workload, value_at


def uninject(source: Source, given: Given) -> Result:
    """Take out of every pod template what was injected, leaving the annotation."""
    ours = {(at, workload.path) for at, workload, _ in recorded(source)}
    numbers = {source.documents[at].number for at, _ in ours}
    back = restored(source)
    left = {(change.document, change.template) for change in back.refused}
    outcomes = {(at, workload.path): _outcome(source, at, workload, given) for at, workload in templates(source)}
    told = {key: _told(outcome, ours=key in ours, left=key in left) for key, outcome in outcomes.items()}
    source = source.reread(back.text)
    changes = [
        change
        for at, workload in templates(source)
        if source.documents[at].number not in numbers and (change := _change(source, at, workload, given))
    ]
    rewritten = rewrite(source, changes)
    for change in changes:
        key = (change.document, change.template)
        told[key] = _told(outcomes[key], ours=True, left=change in rewritten.refused)
    return Result(text=rewritten.text, outcomes=tuple(told.values()))


def _outcome(source: Source, at: int, workload: Workload, given: Given) -> Outcome:
    title, line = workload.title(given.namespace), line_of(source, at, workload)
    return Outcome(title=title, line=line, code=InjectCode.NOTHING_OF_OURS)


def _told(outcome: Outcome, *, ours: bool, left: bool) -> Outcome:
    if left:
        return shared(outcome)
    if not ours:
        return outcome
    return Outcome(title=outcome.title, line=outcome.line, code=InjectCode.TAKEN_OUT, changed=True)


def _change(source: Source, at: int, workload: Workload, given: Given) -> TemplateChange | None:
    """The entries that the webhook would put in, taken out of a template without a record."""
    if names_no_cluster(workload):
        return None
    decision = decide_workload(workload, given.snapshot, namespace=given.namespace, default_role=given.default_role)
    treated = () if isinstance(decision, Deny) else decision.treated
    envs = tuple(_env_changes(source.documents[at].value, workload, treated))
    return TemplateChange(document=at, template=workload.path, envs=envs, record=None) if envs else None


def _env_changes(document: Any, workload: Workload, treated: tuple[Treated, ...]) -> Iterator[EnvChange]:
    for item in treated:
        path = (*workload.path, "spec", item.selected.field, item.selected.index)
        env = value_at(document, (*path, "env")) or []
        found = ours(item, env)
        script = tuple(Slot(old=index) for index in range(len(env)) if index not in found)
        if changed(script, len(env)):
            yield EnvChange(container=path, script=script)


def ours(item: Treated, env: Sequence[Any]) -> set[int]:
    """The indices of the entries that are what would be added."""
    names = [name_of(entry) for entry in env]
    added = {wanted.name: wanted.add for wanted in item.wanted if wanted.add is not None}
    return {
        index
        for index, entry in enumerate(env)
        if names.count(names[index]) == 1 and added.get(names[index] or "") == entry
    }
