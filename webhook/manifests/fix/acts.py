"""What a fix does to a file, named by paths into its documents and made into edits of the text all at once.

A list that would be left empty goes with its key, unless a JSON Patch adds to it: then ``[]`` stays. A comment on a
line that goes stays on a line of its own; where it cannot, nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from webhook.manifests import layout, yaml_edits
from webhook.manifests.composer import AliasNode, target
from webhook.manifests.edits import Edit, OverlapError, apply
from webhook.manifests.fix.comments import keep_comments
from webhook.manifests.fix.texts import Texts
from webhook.manifests.source import node_at, step_to
from webhook.manifests.workloads import Path

_LISTS_THAT_GO: Final = frozenset({"env", "envFrom", "data", "literals", "env_vars", "runtime_env"})
"""What means the same where it is empty and where it is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """An item of a list, or a key of a mapping, goes."""

    file: str
    document: int
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """A scalar gets another text; with `renames` it is the key that the path ends with."""

    file: str
    document: int
    path: Path
    text: str
    renames: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """Items go to the end of the list, or keys to the end of the mapping, at `path`; what is missing there is made."""

    file: str
    document: int
    path: Path
    values: Mapping[str, Any] | tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextChange:
    """Characters of a file that is no YAML, or the end of one that is."""

    file: str
    start: int
    end: int
    text: str


Act = Removal | Replacement | Addition | TextChange


class ImpossibleError(ValueError):
    """An act that the text does not allow; says why."""


def edits_of(
    file: str, acts: Iterable[Act], texts: Texts, *, added_to: Mapping[int, frozenset[Path]] | None = None
) -> list[Edit]:
    """The edits that `acts`, all of one file, come to.

    Args:
        added_to: by document, the paths of lists that a JSON Patch adds to.

    Raises:
        ImpossibleError: the text does not allow one of them.
    """
    text, chosen = texts.text(file), _once(acts)
    try:
        edits: list[Edit] = []
        for number, document in enumerate(texts.written(file)):
            here = [act for act in chosen if not isinstance(act, TextChange) and act.document == number]
            edits += (
                _Editor(text, document.root, here, (added_to or {}).get(number, frozenset())).edits() if here else ()
            )
        # Last, since a document of its own goes behind what is added to the one before it.
        edits += [Edit(act.start, act.end, act.text) for act in chosen if isinstance(act, TextChange)]
        apply(text, edits)
    except (LookupError, OverlapError) as error:
        raise ImpossibleError(str(error)) from None
    return edits


def _once(acts: Iterable[Act]) -> list[Act]:
    chosen: list[Act] = []
    for act in acts:
        chosen += [] if act in chosen else [act]
    return chosen


class _Editor:
    """The acts on one document."""

    def __init__(self, text: str, root: Node, acts: list[Any], added_to: frozenset[Path]) -> None:
        self.text = text
        self.root = root
        self.acts = acts
        self.added_to = added_to

    def edits(self) -> list[Edit]:
        """All of them."""
        removed = list(self._removals())
        kept = keep_comments(self.text, self.root, removed)
        if kept is None:
            raise ImpossibleError("a comment would be lost")
        replaced = [self._replaced(act) for act in self.acts if isinstance(act, Replacement)]
        return [*kept, *replaced, *self._additions()]

    def _removals(self) -> Iterator[Edit]:
        gone, emptied = self._escalated()
        yield from (self._emptied(path) for path in sorted(emptied))
        for parent, steps in _by_parent(gone).items():
            node = self._own(parent)
            if isinstance(node, SequenceNode):
                yield from yaml_edits.remove_items(self.text, node, [step for step in steps if isinstance(step, int)])
            elif isinstance(node, MappingNode):
                for step in steps:
                    yield from yaml_edits.remove_key(self.text, node, str(step))

    def _escalated(self) -> tuple[set[Path], set[Path]]:
        """What goes, and the lists that stay empty."""
        gone: set[Path] = {act.path for act in self.acts if isinstance(act, Removal)}
        emptied: set[Path] = set()
        while whole := next(self._wholly(gone), None):
            gone = {path for path in gone if path[:-1] != whole}
            (emptied if whole in self.added_to else gone).add(whole)
        return gone, emptied

    def _wholly(self, gone: set[Path]) -> Iterator[Path]:
        """The lists of which nothing would be left."""
        grown = {act.path for act in self.acts if isinstance(act, Addition)}
        for parent, steps in _by_parent(gone).items():
            if parent not in grown and len(steps) == len(self._own(parent).value):
                if not parent or parent[-1] not in _LISTS_THAT_GO:
                    raise ImpossibleError("nothing would be left of it")
                yield parent

    def _own(self, path: Path) -> CollectionNode:
        """The collection at `path`, which no other place shares.

        Raises:
            ImpossibleError: it is reached through an alias, so that a change would be one of several places.
        """
        node = target(self.root)
        for step in path:
            child = step_to(node, step)
            if isinstance(child, AliasNode):
                raise ImpossibleError("it is an alias, so a change would be one of other places too")
            node = child
        if not isinstance(node, CollectionNode):
            raise ImpossibleError("it is neither a list nor a mapping")
        return node

    def _emptied(self, path: Path) -> Edit:
        """A list becomes ``[]``, in the place that it has."""
        parent = self._own(path[:-1])
        if not isinstance(parent, MappingNode):
            raise ImpossibleError("it is no mapping")
        (edit,) = yaml_edits.replace_value(self.text, parent, str(path[-1]), [])
        return edit

    def _replaced(self, act: Replacement) -> Edit:
        if act.renames:
            parent = self._own(act.path[:-1])
            key = next(name for name, _ in parent.value if name.value == act.path[-1])
            return yaml_edits.replace_scalar(self.text, key, act.text, in_flow=bool(parent.flow_style))
        node, parent = node_at(self.root, act.path), self._own(act.path[:-1])
        if not isinstance(node, ScalarNode):
            raise ImpossibleError("it is no text")
        return yaml_edits.replace_scalar(self.text, node, act.text, in_flow=bool(parent.flow_style))

    def _additions(self) -> Iterator[Edit]:
        merged: dict[Path, Any] = {}
        for act in self.acts:
            if isinstance(act, Addition):
                merged[act.path] = _joined(merged.get(act.path), act.values)
        dash = yaml_edits.dash_indent(self.text, self.root)
        for path, values in merged.items():
            yield from self._added(path, values, dash)

    def _added(self, path: Path, values: Any, dash: int) -> list[Edit]:
        """What is missing on the way is made, from the deepest part that is there."""
        found = path
        while not self._is_filled(found):
            *parent, key = found
            values, found = {str(key): values if isinstance(values, dict) else list(values)}, tuple(parent)
        node = self._own(found)
        if isinstance(node, SequenceNode) and not isinstance(values, dict):
            return yaml_edits.insert_items(self.text, node, len(node.value), list(values), dash=dash)
        if not isinstance(node, MappingNode) or not isinstance(values, dict):
            raise ImpossibleError("a list stands where a mapping is to be, or a mapping where a list is")
        edits = []
        for key, value in values.items():
            try:
                step_to(node, key)
            except LookupError:
                edits += yaml_edits.insert_key(self.text, node, key, value, dash=dash)
            else:
                edits += yaml_edits.replace_value(self.text, node, key, value, dash=dash)
        return edits

    def _is_filled(self, path: Path) -> bool:
        try:
            node = node_at(self.root, path)
        except LookupError:
            return False
        return isinstance(node, CollectionNode) and (bool(node.value) or not path)


def _joined(old: Any, new: Any) -> Any:
    if old is None:
        return new
    return {**old, **new} if isinstance(old, dict) else (*old, *new)


def _by_parent(paths: Iterable[Path]) -> dict[Path, list[str | int]]:
    found: dict[Path, list[str | int]] = {}
    for path in paths:
        found.setdefault(path[:-1], []).append(path[-1])
    return found


def place(act: Act, texts: Texts) -> tuple[str, int, int] | None:
    """The file and the characters that an act is about; None for an addition."""
    if isinstance(act, Addition):
        return None
    if isinstance(act, TextChange):
        return act.file, act.start, act.end
    for number, document in enumerate(texts.written(act.file)):
        if number == act.document:
            node = node_at(document.root, act.path)
            return act.file, layout.start_of(node), layout.end_of(texts.text(act.file), node)
    return None


def lines_around(act: Act, texts: Texts) -> str:
    """The lines that an act is about, with the comments above them."""
    found = place(act, texts)
    if found is None:
        return ""
    file, start, end = found
    text = texts.text(file)
    return text[layout.above_comments(text, start) : layout.line_end(text, max(start, end - 1))]
