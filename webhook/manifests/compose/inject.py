"""``inject`` on a Compose file: each service with a role gets in its environment what a pod would get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from webhook import contract
from webhook.injection.decision import Decision, Deny, Inject
from webhook.injection.findings import LintCode
from webhook.injection.reasons import Code
from webhook.manifests.compose.entries import entry_of
from webhook.manifests.compose.file import ComposeFile, ShapeError
from webhook.manifests.compose.restoring import restored
from webhook.manifests.compose.rewrite import rewrite
from webhook.manifests.compose.service import (
    EXTENDS,
    IDLE_LABELS,
    INCLUDE,
    Service,
    decide_service,
    in_compose_terms,
    line_of,
    uses_roles,
)
from webhook.manifests.env_script import Script, Slot, changed, script_of
from webhook.manifests.inject import detail
from webhook.manifests.outcomes import Given, Outcome, Result, shared
from webhook.manifests.records import ContainerRecord, Record, container_record
from webhook.manifests.source import key_at


def inject(file: ComposeFile, given: Given) -> Result:
    """Inject into every service with a role; what an earlier run has put in is taken out before."""
    back = restored(file)
    if back.refused:
        return Result(text=file.text, outcomes=tuple(shared(_untold(file, name)) for name in sorted(back.refused)))
    file = file if back.text == file.text else ComposeFile.read(back.text, name=file.name) or file
    scripts: dict[str, Script] = {}
    done: dict[str, ContainerRecord] = {}
    outcomes = {}
    for name in file.services:
        outcomes[name], script, record = _judge(file, name, given)
        if script is not None and record is not None:
            scripts[name], done[name] = script, record
    rewritten = rewrite(file, scripts, done)
    told = (shared(outcome) if name in rewritten.refused else outcome for name, outcome in outcomes.items())
    return Result(text=rewritten.text, outcomes=(*_include(file), *told))


def _include(file: ComposeFile) -> Iterator[Outcome]:
    """That services of other files are not looked at, where the file has roles."""
    if INCLUDE in file.value and uses_roles(file):
        line, code = file.place(key_at(file.root, [INCLUDE]).start_mark.index)[0], LintCode.OTHER_FILE
        yield Outcome(title=INCLUDE, line=line, code=code, detail=code.advice)


def _untold(file: ComposeFile, name: str) -> Outcome:
    return Outcome(title=f"service {name}", line=line_of(file, name), code=Code.NO_ROLE)


def _judge(file: ComposeFile, name: str, given: Given) -> tuple[Outcome, Script | None, ContainerRecord | None]:
    untold = _untold(file, name)
    try:
        service = Service.of(file, name)
    except ShapeError as error:
        return replace(untold, code=Code.MALFORMED_POD, detail=f"its environment or labels have {error}"), None, None
    decision = decide_service(service, given)
    script, record = _change(service, decision)
    told = replace(
        untold,
        code=decision.code,
        detail=in_compose_terms(detail(decision, Record(env={name: record}) if record else None)),
        warnings=tuple(_warnings(service, decision)),
        failed=isinstance(decision, Deny),
        changed=record is not None,
    )
    return told, script, record


def _change(service: Service, decision: Decision) -> tuple[Script | None, ContainerRecord | None]:
    """What the decision's operations do to the environment; the status is the webhook's own."""
    if not isinstance(decision, Inject):
        return None, None
    items = service.environment.items
    (treated,) = decision.treated
    operations = script_of(treated.edit.operations, treated.selected.path, len(items), len(items))
    script = tuple(
        Slot(old=slot.old, entry=None if slot.entry is None else entry_of(slot.entry)) for slot in operations
    )
    return (script, container_record(items, script)) if changed(script, len(items)) else (None, None)


def _warnings(service: Service, decision: Decision) -> Iterator[str]:
    for warning in decision.warnings:
        text = in_compose_terms(str(warning))
        yield f"{text.partition(';')[0]}; give --settings" if warning.code is Code.BUILT_IN else text
    for key in IDLE_LABELS:
        if key in service.written:
            code = LintCode.IDLE_SERVICE_LABEL
            yield f"{code}: label {key} does nothing on a service; {code.advice}"
    if service.is_uncertain:
        yield f"{LintCode.OTHER_FILE}: {EXTENDS}; {LintCode.OTHER_FILE.advice}"
    if isinstance(decision, Inject) and any(_is_from_shell(one.add) for one in decision.treated[0].edit.written):
        code = LintCode.FROM_SHELL
        yield f"{code}: {contract.RAY_AUTH_TOKEN} is taken from the shell; {code.advice}"


def _is_from_shell(entry: object) -> bool:
    return isinstance(entry, dict) and "valueFrom" in entry
