"""A pod template in a file, with the rule book's judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webhook import contract
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.judge import NAMESPACE, Judgement, Setting, judge
from webhook.manifests.lint.parts import Part
from webhook.manifests.lint.placeholders import without_placeholders
from webhook.manifests.reviews import review_of
from webhook.manifests.workloads import Part as TemplatePart
from webhook.manifests.workloads import Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A pod template.

    Attributes:
        part: where it stands.
        workload: what it is of.
        judgement: the rule book's.
        is_patch: whether it is but a part of a template, which has the rest elsewhere.
    """

    part: Part
    workload: Workload
    judgement: Judgement
    is_patch: bool

    @property
    def name(self) -> str:
        """The workload, for people."""
        return workload_name(self.workload)

    @property
    def is_node(self) -> bool:
        """Whether KubeRay makes a head or worker of it."""
        return self.workload.part in (TemplatePart.HEAD, TemplatePart.WORKER)

    @property
    def written(self) -> Mapping[str, Any]:
        """The annotations that stand in this file."""
        return _mapping(self.part.get("metadata", "annotations"))

    @property
    def settings(self) -> Sequence[Setting]:
        """Its declared settings; what `ray-webhook inject` wrote is meant to stand there."""
        found = self.judgement.settings
        return [one for one in found if one.is_wrong_inside] if contract.INJECTED in self.written else found

    def entry(self, setting: Setting) -> Part:
        """The env entry of a declared setting."""
        return self.part.at("spec", setting.field, setting.container, "env", setting.index)

    @property
    def lacks_role(self) -> bool:
        """Whether no role is written, here or where a patch has the rest."""
        return self.judgement.assumed and contract.ROLE not in self.written and not self.is_patch


def workload_name(workload: Workload) -> str:
    """The workload, for people: ``RayCluster team/train head``."""
    place = f"{workload.namespace}/" if workload.namespace else ""
    part = "" if workload.part is TemplatePart.PLAIN else f" {workload.part} {workload.group}".rstrip()
    return f"{workload.kind} {place}{workload.name}{part}"


def judged(part: Part, workload: Workload, context: Context, *, is_patch: bool) -> Template:
    """The template `part` of `workload`; `workload.pod` is what the rule book is asked about."""
    asked = replace(workload, pod=without_placeholders(workload.pod))
    review = review_of(asked, namespace=workload.namespace or NAMESPACE, uid="lint")
    judgement = judge(review["request"]["object"], context, namespace=workload.namespace)
    return Template(part=part, workload=workload, judgement=judgement, is_patch=is_patch)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
