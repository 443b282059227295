"""What a kustomization calls objects, and who goes on to look for the old name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from webhook.errors import quote
from webhook.injection.findings import LintCode
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import Finding, Level
from webhook.manifests.lint.kustomization import Kustomization, mappings
from webhook.manifests.lint.parts import Part

_CONFIGURING: Final = ("configurations", "replacements")


def rename_findings(part: Part, one: Kustomization, context: Context) -> Iterator[Finding]:
    """Settings that the webhook will not find, and annotations that name what is called otherwise."""
    yield from _hashed(part, one, context)
    field = "nameSuffix" if part.get("nameSuffix") else "namePrefix"
    if not isinstance(part.get(field), str) or not part.get(field):
        return
    files = context.index.behind(one)
    for name in sorted(context.settings_names):
        if one.renamed(name) not in context.settings_names and _is_made(name, files, context):
            message = (
                f"{field} {quote(part.get(field))} makes {quote(one.renamed(name))} of the ConfigMap {quote(name)}"
            )
            yield part.at(field).finding(LintCode.SETTINGS_RENAMED, Level.ERROR, message)
    yield from _unrenamed(part, one, field, files, context)


def _hashed(part: Part, one: Kustomization, context: Context) -> Iterator[Finding]:
    for generator in one.generators:
        if generator.hashed and generator.name in context.settings_names:
            message = f"the generated ConfigMap {quote(generator.name)} gets a hash behind its name"
            yield part.at("configMapGenerator", generator.index, "name").finding(
                LintCode.SETTINGS_RENAMED, Level.ERROR, message
            )


def _is_made(name: str, files: frozenset[str], context: Context) -> bool:
    """Whether one of `files` has the ConfigMap `name`, or generates it."""
    found = context.index.config_maps.get(name, ())
    made = any(
        generator.name == name
        for path, other in context.index.kustomizations.items()
        if path in files
        for generator in other.generators
    )
    return made or any(data.where in files for data in found)


def _unrenamed(
    part: Part, one: Kustomization, field: str, files: frozenset[str], context: Context
) -> Iterator[Finding]:
    targets = {(target.kind, target.name) for target in context.index.targets if target.path in files}
    for naming in context.index.namings:
        owner, _, name = naming.name.rpartition("/")
        if naming.path not in files or (naming.kind, name) not in targets or _follows(one, context, naming.key):
            continue
        message = (
            f"{field} {quote(part.get(field))} renames {naming.kind} {name}, but not annotation "
            f"{naming.key} of {naming.workload} ({naming.path})"
        )
        fix = "add a replacement, since NAMESPACE/NAME is no name that kustomize can follow" if owner else None
        yield part.at(field).finding(LintCode.UNRENAMED, Level.ERROR, message, fix=fix)


def _follows(one: Kustomization, context: Context, key: str) -> bool:
    """Whether a replacement, or a name reference of the kustomization or its components, changes the annotation."""
    if any(key in str(entry) for _, entry in mappings(one.content.get("replacements"))):
        return True
    folders = [path for at, path in one.references if at[0] == "components"]
    others = [context.index.kustomizations.get(f"{folder}/kustomization.yaml") for folder in folders]
    files = [path for other in (one, *others) if other for at, path in other.references if at[0] in _CONFIGURING]
    return any(key.replace("/", r"\/") in (text := context.tree.read(path) or "") or key in text for path in files)
