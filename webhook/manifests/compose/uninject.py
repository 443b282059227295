"""``uninject`` on a Compose file: what ``inject`` has put in is taken out, and what stood there is put back.

Of a file that ``inject`` never saw those entries are taken out that are what it would put in.
"""

from __future__ import annotations

from webhook.injection.decision import Deny
from webhook.injection.findings import InjectCode
from webhook.manifests.compose.entries import env_var
from webhook.manifests.compose.file import ComposeFile, ShapeError
from webhook.manifests.compose.restoring import restored
from webhook.manifests.compose.rewrite import rewrite
from webhook.manifests.compose.service import Service, decide_service, line_of
from webhook.manifests.env_script import Script, Slot, changed
from webhook.manifests.outcomes import Given, Outcome, Result, shared
from webhook.manifests.uninject import ours


def uninject(file: ComposeFile, given: Given) -> Result:
    """Take out of every service what was injected, leaving the labels."""
    record = file.record
    if record is not None:
        rewritten = restored(file)
        taken = frozenset(record.env)
    else:
        changes = {name: script for name in file.services if (script := _script(file, name, given)) is not None}
        rewritten = rewrite(file, changes, {})
        taken = frozenset(changes)
    outcomes = [_outcome(file, name, is_taken=name in taken) for name in file.services]
    told = [
        shared(outcome) if name in rewritten.refused else outcome
        for name, outcome in zip(file.services, outcomes, strict=True)
    ]
    return Result(text=rewritten.text, outcomes=tuple(told))


def _outcome(file: ComposeFile, name: str, *, is_taken: bool) -> Outcome:
    code = InjectCode.TAKEN_OUT if is_taken else InjectCode.NOTHING_OF_OURS
    return Outcome(title=f"service {name}", line=line_of(file, name), code=code, changed=is_taken)


def _script(file: ComposeFile, name: str, given: Given) -> Script | None:
    """The environment without the entries that inject would put in; None where it has none of them."""
    try:
        service = Service.of(file, name)
    except ShapeError:
        return None
    decision = decide_service(service, given)
    env = [env_var(item) for item in service.environment.items]
    found = {at for item in (() if isinstance(decision, Deny) else decision.treated) for at in ours(item, env)}
    script = tuple(Slot(old=index) for index in range(len(env)) if index not in found)
    return script if changed(script, len(env)) else None
