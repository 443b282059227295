"""The judgement over all files together: what is done, and why the rest is not.

Everything that might be done is tried at once on the texts, they are read anew, and the rule book says what becomes of
every pod. What changes what a pod must keep is left out, and it is tried again, until nothing does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.edits import Edit, apply
from webhook.manifests.fix.acts import Act, ImpossibleError, edits_of, lines_around
from webhook.manifests.fix.effect import Difference, differences, effects
from webhook.manifests.fix.elsewhere import read_elsewhere
from webhook.manifests.fix.plan import Unit, added_to
from webhook.manifests.fix.proposal import Proposal, Scope, propose
from webhook.manifests.fix.texts import Texts
from webhook.manifests.fix.votes import Vote
from webhook.manifests.fix.world import World
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding
from webhook.manifests.lint.registry import is_silenced


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """Why something is left out; `scope` is the group and namespace of the pod that would not be as it has to."""

    code: LintCode
    text: str
    scope: Scope | None = None


def _not_preserved(found: Difference) -> Why:
    shown = ["nothing" if value is None else quote(value) for value in (found.after, found.before)]
    text = f"{found} would be {shown[0]} and no longer {shown[1]}"
    return Why(code=LintCode.NOT_PRESERVED, text=text, scope=(found.key.group, found.key.namespace))


@dataclass(kw_only=True, slots=True)
class Round:
    """What one look at the files comes to.

    Attributes:
        proposal: what might be done, with places in the texts as they are before.
        texts: the files afterwards.
        done: the units that are done.
        left: those that are not, each with the reason.
        stale: copies that went although their value differed.
    """

    proposal: Proposal
    texts: Texts
    done: list[Unit] = field(default_factory=list)
    left: list[tuple[Unit, Why]] = field(default_factory=list)
    stale: list[Vote] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What a fix comes to: rounds, the last of which finds nothing to do, so that a second fix finds nothing either."""

    before: Texts
    rounds: tuple[Round, ...]

    @property
    def last(self) -> Round:
        """The last look, whose places are those in the files afterwards."""
        return self.rounds[-1]

    @property
    def texts(self) -> Texts:
        """The files afterwards."""
        return self.last.texts

    @property
    def changed(self) -> list[str]:
        """The files that change."""
        return [path for path in sorted(self.before.paths) if self.before.text(path) != self.texts.text(path)]


def fix(
    texts: Mapping[str, str],
    context: Context,
    *,
    findings: Iterable[Finding] = (),
    frozen: Mapping[str, str] | None = None,
) -> Fix:
    """What can be done to `texts`, by path; paths are relative to each other, without ``.`` and inner ``..`` parts.

    Args:
        findings: those with edits of their own are taken in, if no pod loses by them what it must keep.
        frozen: paths that cannot be written, each with the reason.
    """
    before = Texts(texts)
    frozen = {**read_elsewhere(before), **(frozen or {})}
    rounds: list[Round] = []
    while not rounds or (rounds[-1].done and len(rounds) < _MOST_ROUNDS):
        world = World(texts=rounds[-1].texts if rounds else before, context=context)
        # Places in the findings are those before the first round.
        proposal = propose(world, () if rounds else findings)
        rounds.append(_Fixer(world, proposal, frozen).run())
    return Fix(before=before, rounds=tuple(rounds))


_MOST_ROUNDS: Final = 10
"""More than ever are needed: a round leaves out too much only where something else is wrong as well."""


class _Fixer:
    def __init__(self, world: World, proposal: Proposal, frozen: Mapping[str, str]) -> None:
        self.world = world
        self.proposal = proposal
        self.frozen = frozen
        self.round = Round(proposal=proposal, texts=world.texts, done=list(proposal.units))

    def run(self) -> Round:
        """Try, leave out, and try again."""
        self.round.done = [unit for unit in self.round.done if not self._is_silenced(unit)]
        self._leave_frozen()
        self._leave_unknown()
        self._leave_impossible()
        while self.round.done:
            texts = self._changed(self._edits(self.round.done))
            wrong = list(self._wrong(texts))
            if not wrong:
                self.round.texts = texts
                self.round.stale = self._gone_stale(texts)
                break
            self._leave_wrong(wrong)
        return self.round

    def _leave(self, units: Sequence[Unit], why: Why) -> None:
        self.round.left += [(unit, why) for unit in self.round.done if unit in units]
        self.round.done = [unit for unit in self.round.done if unit not in units]

    def _is_silenced(self, unit: Unit) -> bool:
        """Whether a comment says that lint is not to speak of it."""
        return any(is_silenced(lines_around(act, self.world.texts)) for act in unit.acts)

    def _leave_frozen(self) -> None:
        for path, reason in self.frozen.items():
            touched = [unit for unit in self.round.done if any(act.file == path for act in unit.acts)]
            self._leave(touched, Why(code=LintCode.NOT_POSSIBLE, text=f"{path} {reason}"))

    def _leave_unknown(self) -> None:
        """Where a kustomization cannot be followed, nothing is sure."""
        for group in self.world.groups:
            if group.unknown:
                touched = [unit for unit in self.round.done if any(key.group == group.key for key in unit.keys)]
                self._leave(touched, Why(code=LintCode.NOT_FOLLOWED, text=group.unknown[0]))

    def _leave_impossible(self) -> None:
        """What the text does not allow, by itself or beside what was taken before."""
        taken: dict[str, list[Act]] = {}
        for unit in self.round.done:
            files = {act.file: [*taken.get(act.file, ()), *unit.acts_in(act.file)] for act in unit.acts}
            try:
                for file, acts in files.items():
                    self._edits_of(file, acts)
            except ImpossibleError as error:
                self._leave([unit], Why(code=LintCode.NOT_POSSIBLE, text=str(error)))
            else:
                taken |= files

    def _edits(self, units: Sequence[Unit]) -> dict[str, list[Edit]]:
        by_file: dict[str, list[Act]] = {}
        for unit in units:
            for act in unit.acts:
                by_file.setdefault(act.file, []).append(act)
        return {file: self._edits_of(file, acts) for file, acts in sorted(by_file.items())}

    def _edits_of(self, file: str, acts: Sequence[Act]) -> list[Edit]:
        return edits_of(file, acts, self.world.texts, added_to=added_to(file, self.world))

    def _changed(self, edits: Mapping[str, Sequence[Edit]]) -> Texts:
        return self.world.texts.changed(
            {file: apply(self.world.texts.text(file), found) for file, found in edits.items()}
        )

    def _wrong(self, texts: Texts) -> Iterator[Difference]:
        """What would not stay as it has to, but for copies that no longer count."""
        after = effects(World(texts=texts, context=self.world.context))
        for key, (_, before) in self.proposal.effects.items():
            if key not in after:
                yield Difference(key=key, container="*", name="the pod template", before="", after=None)
                continue
            for found in differences(key, before, after[key][1]):
                if not self._is_stale(found):
                    yield found

    def _is_stale(self, found: Difference) -> bool:
        """Whether it is a copy that no longer counts, once the settings are written that it differs from."""
        written = {unit.settings for unit in self.round.done}
        return (found.key.group, found.key.namespace) in written and any(
            (vote.key, vote.container, vote.name, vote.text) == (found.key, found.container, found.name, found.before)
            for vote in self.proposal.stale
        )

    def _leave_wrong(self, wrong: Sequence[Difference]) -> None:
        """What is about a variable that would differ; where nothing is, what touches the pod; else everything."""
        narrow = [(found, self._touching(found, found.name)) for found in wrong]
        wide = [(wrong[0], self._touching(wrong[0], None) or self._settings_of(wrong[0]) or self.round.done)]
        for found, units in narrow if any(units for _, units in narrow) else wide:
            self._leave(units, _not_preserved(found))
        self._leave_idle_settings(_not_preserved(wrong[0]))

    def _touching(self, found: Difference, name: str | None) -> list[Unit]:
        """What a pod notices, and is about the variable `name` where one is given; its settings are what is left."""
        return [
            unit
            for unit in self.round.done
            if found.key in unit.keys and unit.settings is None and (name is None or name in unit.names)
        ]

    def _settings_of(self, found: Difference) -> list[Unit]:
        return [unit for unit in self.round.done if unit.settings == (found.key.group, found.key.namespace)]

    def _leave_idle_settings(self, why: Why) -> None:
        """Settings that nothing needs any more."""
        needed = {(key.group, key.namespace) for unit in self.round.done if unit.settings is None for key in unit.keys}
        self._leave(
            [unit for unit in self.round.done if unit.settings is not None and unit.settings not in needed], why
        )

    def _gone_stale(self, texts: Texts) -> list[Vote]:
        if not self.proposal.stale:
            return []
        after = effects(World(texts=texts, context=self.world.context))
        return [
            vote
            for vote in self.proposal.stale
            if after[vote.key][1].declared.get(vote.container, {}).get(vote.name) != vote.text
        ]
