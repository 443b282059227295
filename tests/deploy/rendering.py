"""deploy/kustomize as users build on it: overlays and components, found by their folders, rendered by kubectl."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

Object = dict[str, Any]

KUSTOMIZE: Final = Path(__file__).parents[2] / "deploy" / "kustomize"
NAMESPACE: Final = "ray-webhook-system"
_KUBECTL: Final = Path(sys.executable).parent / "kubectl"


def folders(kind: str) -> tuple[str, ...]:
    """The names of what is there of a kind: ``overlays`` or ``components``."""
    return tuple(sorted(file.parent.name for file in (KUSTOMIZE / kind).glob("*/kustomization.yaml")))


OVERLAYS: Final = folders("overlays")
COMPONENTS: Final = folders("components")


def included(component: str) -> set[str]:
    """The components that `component` is a variant of, which it includes: guard-warn includes guard."""
    content = yaml.safe_load((KUSTOMIZE / "components" / component / "kustomization.yaml").read_text(encoding="utf-8"))
    return {Path(path).name for path in content.get("components", ())}


INCLUDED: Final = {name: included(name) for name in COMPONENTS}
EVERYTHING: Final = tuple(name for name in COMPONENTS if not INCLUDED[name])
"""All components that can be added together, each as it is."""
VARIED: Final = tuple(name for name in COMPONENTS if name not in set().union(*INCLUDED.values()))
"""The same, with their variants in their places."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Combination:
    """An overlay and the components that a user has added to it."""

    overlay: str
    components: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join((self.overlay, *self.components))


def combined(most: int) -> list[Combination]:
    """Every overlay with all sets of up to `most` components that can be added together, and with all of them."""
    few = [chosen for size in range(most + 1) for chosen in combinations(COMPONENTS, size) if can_be_together(chosen)]
    sets = dict.fromkeys((*few, EVERYTHING, VARIED))
    return [Combination(overlay=overlay, components=components) for overlay in OVERLAYS for components in sets]


def can_be_together(components: Sequence[str]) -> bool:
    """Whether none of them is there twice, once in another."""
    return all(INCLUDED[name].isdisjoint(components) for name in components)


def written(folder: Path, resources: Sequence[Path], components: Sequence[Path] = (), **fields: Any) -> Path:
    """A kustomization in `folder`, which is made; kustomize wants other folders by relative paths."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(path, folder.resolve()) for path in resources],
        "components": [os.path.relpath(path, folder.resolve()) for path in components],
        **fields,
    }
    with (folder / "kustomization.yaml").open("w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)
    return folder


def kustomization(folder: Path, combination: Combination, **fields: Any) -> Path:
    """A user's kustomization of `combination`, in `folder`."""
    components = [KUSTOMIZE / "components" / name for name in combination.components]
    return written(folder, [KUSTOMIZE / "overlays" / combination.overlay], components, **fields)


def rendered(folder: Path) -> list[str]:
    """The documents that kubectl makes of a kustomization, as text; it has nothing to say beside them."""
    done = subprocess.run([_KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n---\n")


@cache
def parsed(document: str) -> Object:
    """A document as an object, which is not to be changed: most are the same in many combinations."""
    parsed: Object = yaml.safe_load(document)
    return parsed


def objects(folder: Path) -> list[Object]:
    """The objects that kubectl makes of a kustomization, which are not to be changed."""
    return [parsed(document) for document in rendered(folder)]


@cache
def built(combination: Combination) -> tuple[Object, ...]:
    """The objects of a combination, rendered once; they are not to be changed."""
    with TemporaryDirectory() as folder:
        return tuple(objects(kustomization(Path(folder), combination)))


def of_kind(found: Sequence[Object], kind: str) -> list[Object]:
    """The objects of a kind."""
    return [item for item in found if item["kind"] == kind]


def the(found: Sequence[Object], kind: str, name: str = "ray-webhook") -> Object:
    """The object of that kind and name."""
    (one,) = [item for item in of_kind(found, kind) if item["metadata"]["name"] == name]
    return one


def pod_template(workload: Object) -> Object:
    """The pod template of a workload, Jobs made by a CronJob included."""
    spec = workload["spec"]
    template: Object = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    return template


def workloads(found: Sequence[Object]) -> list[Object]:
    """All that makes pods."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
    return [item for item in found if item["kind"] in kinds]


def templates(found: Sequence[Object]) -> list[Object]:
    """The pod templates of all workloads."""
    return [pod_template(workload) for workload in workloads(found)]
