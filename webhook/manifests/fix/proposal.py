"""What might be done to the files: the units of a plan, with the settings that they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from webhook.contract import Role
from webhook.manifests.fix import plan
from webhook.manifests.fix.acts import TextChange
from webhook.manifests.fix.effect import Effect, effects
from webhook.manifests.fix.placing import NoPlaceError, Placing, place
from webhook.manifests.fix.plan import Unit
from webhook.manifests.fix.sites import DataSite, Effects, Readers, Site, data_sites, sites
from webhook.manifests.fix.votes import Vote, Wanted, count, made_services, votes
from webhook.manifests.fix.world import Group, Key, World
from webhook.manifests.lint.finding import Finding

Scope = tuple[str, str]
"""A group and a namespace in it."""


@dataclass(kw_only=True)
class Proposal:
    """All that might be done.

    Attributes:
        wanted: the settings that each scope's pods ask for.
        placed: where they go.
        homeless: why there is no place for them.
    """

    world: World
    effects: Effects
    sites: list[Site]
    data: list[DataSite]
    readers: Readers
    clear: frozenset[Key]
    wanted: dict[Scope, Wanted] = field(default_factory=dict)
    placed: dict[Scope, Placing] = field(default_factory=dict)
    homeless: dict[Scope, str] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)

    @property
    def stale(self) -> list[Vote]:
        """Copies of a name that nothing here makes."""
        return [vote for wanted in self.wanted.values() for vote in wanted.stale]


def propose(world: World, findings: Iterable[Finding] = ()) -> Proposal:
    """What might be done to the files of `world`; `findings` may have edits of their own."""
    found = effects(world)
    data, written = data_sites(world), sites(world, found)
    proposal = Proposal(
        world=world,
        effects=found,
        sites=written,
        data=data,
        readers=Readers(found, written),
        clear=frozenset(key for key, pair in found.items() if plan.is_clear_client(*pair, data)),
    )
    _settle(proposal)
    proposal.units = [*_units(proposal), *_found(findings, proposal)]
    return proposal


def _settle(proposal: Proposal) -> None:
    """Count the votes of each namespace of each group, and find a place for what they ask for."""
    made = made_services(proposal.world)
    only_effects: Mapping[Key, Effect] = {key: effect for key, (_, effect) in proposal.effects.items()}
    by_scope: dict[Scope, list[Vote]] = {}
    for key, effect in only_effects.items():
        is_client = key in proposal.clear or effect.role is Role.CLIENT
        by_scope.setdefault((key.group, key.namespace), []).extend(votes(key, effect, is_client=is_client))
    proposal.wanted = {scope: count(given, only_effects, made) for scope, given in by_scope.items() if given}
    _dispute(proposal, by_scope)
    groups = {group.key: group for group in proposal.world.groups}
    for scope in proposal.wanted:
        _place(proposal, groups[scope[0]], scope)


def _dispute(proposal: Proposal, by_scope: Mapping[Scope, list[Vote]]) -> None:
    """Two groups may not write different settings for one namespace, unless they are variants of each other.

    Variants, such as overlays for several clusters, have pod templates of one name; they are never applied together.
    """
    titles: dict[Scope, set[str]] = {}
    disputed: dict[Scope, dict[str, list[Vote]]] = {}
    for key in proposal.effects:
        titles.setdefault((key.group, key.namespace), set()).add(key.title)
    for one, other in combinations(list(proposal.wanted), 2):
        values = [proposal.wanted[scope].values for scope in (one, other)]
        if one[1] == other[1] and all(values) and values[0] != values[1] and titles[one].isdisjoint(titles[other]):
            disputed |= {scope: _differing([*by_scope[one], *by_scope[other]]) for scope in (one, other)}
    for scope, found in disputed.items():
        proposal.wanted[scope] = replace(proposal.wanted[scope], values={}, disputed=found)


def _differing(given: Sequence[Vote]) -> dict[str, list[Vote]]:
    """The settings that have several values, with a vote for each."""
    found: dict[str, dict[str, Vote]] = {}
    for vote in given:
        found.setdefault(vote.setting, {}).setdefault(vote.value, vote)
    return {setting: list(by_value.values()) for setting, by_value in found.items() if len(by_value) > 1}


def _place(proposal: Proposal, group: Group, scope: Scope) -> None:
    values = proposal.wanted[scope].values
    if not values:
        return
    voters = [site.file for site in proposal.sites if any((key.group, key.namespace) == scope for key in site.keys)]
    try:
        proposal.placed[scope] = place(proposal.world, group, scope[1], values, proposal.data, voters)
    except NoPlaceError as error:
        proposal.homeless[scope] = str(error)


def _units(proposal: Proposal) -> Iterator[Unit]:
    became = {id(placing.became): placing for placing in proposal.placed.values() if placing.became is not None}
    yield from plan.in_sites(proposal.sites, proposal.effects, proposal.clear)
    yield from plan.in_patches(proposal.effects, proposal.world)
    yield from plan.in_runtime_envs(proposal.effects, proposal.world)
    left = [site for site in proposal.data if id(site) not in became]
    yield from plan.in_data(left, proposal.readers, proposal.effects, proposal.world)
    for scope, placing in proposal.placed.items():
        keys = frozenset(key for key in proposal.effects if (key.group, key.namespace) == scope)
        acts = placing.acts
        if placing.became is not None:
            acts = plan.whole(placing.became, proposal.readers, acts).acts
        yield Unit(acts=acts, keys=keys, settings=scope)


def _found(findings: Iterable[Finding], proposal: Proposal) -> Iterator[Unit]:
    """What families of findings know to do by themselves."""
    for finding in findings:
        if finding.edits:
            acts = tuple(
                TextChange(file=finding.path, start=edit.start, end=edit.end, text=edit.text) for edit in finding.edits
            )
            keys = frozenset(key for key, (one, _) in proposal.effects.items() if finding.path in one.files)
            yield Unit(acts=acts, keys=keys)
