"""Why a finding is not fixed, and what there is to say about what is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webhook import contract
from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.fix.acts import place
from webhook.manifests.fix.fixing import Fix, Round, Why
from webhook.manifests.fix.proposal import Proposal
from webhook.manifests.fix.texts import Texts, is_template
from webhook.manifests.fix.votes import Vote, Wanted
from webhook.manifests.lint.finding import Finding
from webhook.manifests.source import node_at

_PROGRAMS: Final = range(650, 670)
"""The numbers of the findings in programs, scripts and Dockerfiles."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Something to tell about a fix: where, in the files as they were, and what."""

    code: LintCode
    where: str
    text: str

    def __str__(self) -> str:
        """On one line."""
        return f"{self.where}: {self.code} {self.text}"


def unfixed(findings: Iterable[Finding], fix: Fix) -> Iterator[tuple[Finding, Why]]:
    """The findings that there are after a fix, each with the reason why it is left."""
    last = fix.last
    left = [(*found, why) for unit, why in last.left for act in unit.acts if (found := place(act, fix.texts))]
    for finding in findings:
        about = [why for file, start, end, why in left if file == finding.path and _touches(finding, start, end)]
        yield finding, _why(finding, about[0] if about else None, last)


def _touches(finding: Finding, start: int, end: int) -> bool:
    return start <= finding.end and finding.start <= end


def _why(finding: Finding, why: Why | None, last: Round) -> Why:
    if int(finding.code.removeprefix("RAY")) in _PROGRAMS:
        return Why(code=LintCode.PROPOSED, text="programs are never rewritten")
    if why is None:
        return _without_a_try(finding, last)
    if why.scope is None or why.code is not LintCode.NOT_PRESERVED:
        return why
    if why.scope in last.proposal.homeless:
        return Why(code=LintCode.NO_PLACE, text=last.proposal.homeless[why.scope])
    wanted = last.proposal.wanted.get(why.scope)
    return _disputed(wanted, last.proposal) if wanted and wanted.disputed else why


def _without_a_try(finding: Finding, last: Round) -> Why:
    """Of what was not even tried."""
    if finding.path in last.texts.paths and is_template(last.texts.text(finding.path)):
        return Why(code=LintCode.BY_TEMPLATE, text="a template makes it")
    if finding.code == LintCode.ROLE_MISSING:
        return Why(code=LintCode.PROPOSED, text="nothing shows beyond doubt that its pods are clients")
    return Why(code=LintCode.NOT_FIXABLE, text="no change is known to be right without asking")


def _disputed(wanted: Wanted, proposal: Proposal) -> Why:
    """Two values with both their places."""
    setting, given = next(iter(wanted.disputed.items()))
    first, second, *others = (f"{quote(vote.value)} by {vote.name} in {where(vote, proposal)}" for vote in given)
    more = f" (and {len(others)} more)" if others else ""
    return Why(
        code=LintCode.DISPUTED,
        text=f"{setting} is {first} and {second}{more}; {LintCode.DISPUTED.advice.removesuffix('.')}",
    )


def where(vote: Vote, proposal: Proposal) -> str:
    """The file and line that a pod has a value from."""
    for site in proposal.sites:
        for container, path, entry in site.entries() if vote.key in site.keys else ():
            if (container, entry.get("name"), entry.get("value")) == (vote.container, vote.name, vote.text):
                return _line(site.file, site.document, path, proposal.world.texts)
    for data in proposal.data:
        for setting in data.settings:
            if (setting.key, setting.value) == (vote.name, vote.text) and vote.key in proposal.readers.keys(data):
                if data.path:
                    return _line(data.file, data.document, setting.path, proposal.world.texts)
                line = proposal.world.texts.text(data.file).count("\n", 0, setting.span[0]) + 1
                return f"{data.file}:{line}"
    return vote.key.title


def _line(file: str, document: int, path: Any, texts: Texts) -> str:
    source = texts.source(file)
    if source is None:
        return file
    line, _ = source.place(node_at(texts.written(file)[document].root, path).start_mark.index)
    return f"{file}:{line}"


def told(fix: Fix) -> Iterator[Told]:
    """What there is to say about what is done: old copies, RayServices."""
    for one in fix.rounds:
        for vote in dict.fromkeys(one.stale):
            if vote.setting in (contract.RAY_HOST, vote.name):
                text = f"{vote.name} was {quote(vote.text)}, a host that nothing in the files makes; the settings hold"
                yield Told(code=LintCode.STALE_COPY, where=where(vote, one.proposal), text=text)
    for name, file in _changed_services(fix):
        text = f"RayService {name}: once it is applied, KubeRay prepares a new RayCluster beside the running one"
        yield Told(code=LintCode.NEW_CLUSTER, where=file, text=text)


def settings(fix: Fix) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Each namespace whose settings are written: its name, the file, and what they are."""
    for one in fix.rounds:
        for unit in one.done:
            if unit.settings is not None:
                placing, wanted = one.proposal.placed[unit.settings], one.proposal.wanted[unit.settings]
                yield unit.settings[1], placing.file, wanted.values


def _changed_services(fix: Fix) -> Iterator[tuple[str, str]]:
    """The RayServices of which a pod template is not what it was."""
    now = {template.key: template.workload.pod for template, _ in fix.last.proposal.effects.values()}
    found: dict[str, str] = {}
    for key, (template, _) in fix.rounds[0].proposal.effects.items():
        workload = template.workload
        if workload.kind == "RayService" and now.get(key) != workload.pod:
            found.setdefault(f"{key.namespace}/{workload.name}", template.files[0])
    yield from found.items()
