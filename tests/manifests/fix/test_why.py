"""Why something is left, and what is told about what is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.manifests.fix.files import ADDRESS, HEAD, deployment, fixed, literal, settings, text
from tests.manifests.fix.test_fixing import RAYCLUSTER
from webhook.injection.findings import LintCode, ManifestCode
from webhook.manifests.edits import Edit
from webhook.manifests.fix.fixing import Fix, fix
from webhook.manifests.fix.why import told, unfixed
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, FileKind, Finding, Level

GIVEN = settings(RAY_HOST=HEAD)


def finding(path: str, content: str, part: str, code: ManifestCode | LintCode = ManifestCode.DECLARED) -> Finding:
    """A finding about `part` of a file."""
    start = content.index(part)
    file = File(path=path, text=content, kind=FileKind.YAML)
    return file.finding(code, Level.WARNING, (start, start + len(part)), "a message")


def reasons(done: Fix, *findings: Finding) -> Iterator[str]:
    for _, why in unfixed(findings, done):
        yield f"{why.code}: {why.text}"


def test_what_a_pod_would_get_instead_is_told() -> None:
    before = deployment(*literal("RAY_ADDRESS", "ray://other:10001"), role=None)
    done = fixed({"api.yaml": before}, given=GIVEN)
    (why,) = reasons(done, finding("api.yaml", before, "ray://other"))
    assert why == (
        "RAY671: RAY_ADDRESS of container app in Deployment default/api would be "
        f'"{ADDRESS}" and no longer "ray://other:10001"'
    )


def test_values_that_differ_are_told_with_both_places() -> None:
    one = deployment(*literal("RAY_ADDRESS", ADDRESS))
    files = {
        "api.yaml": one,
        "web.yaml": deployment(name="web", env_from="c"),
        "c.yaml": "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  A: a\n  RAY_ADDRESS: ray://x-head-svc:10001\n",
    }
    (told_,) = reasons(fixed(files), finding("api.yaml", one, ADDRESS))
    assert told_ == (
        f'RAY670: RAY_HOST is "{HEAD}" by RAY_ADDRESS in api.yaml:14 and "x-head-svc" by RAY_ADDRESS in c.yaml:5; '
        "make them the same, or give by --settings what holds"
    )


def test_programs_and_templates_are_left_to_people() -> None:
    before = deployment("- name: RAY_ADDRESS", '  value: "{{ .Values.address }}"')
    done = fixed({"api.yaml": before}, given=GIVEN)
    assert list(reasons(done, finding("api.yaml", before, "{{"))) == ["RAY673: a template makes it"]


def test_a_pod_that_is_no_client_beyond_doubt_gets_no_role() -> None:
    before = deployment(*literal("RAY_SERVE_ADDRESS", f"http://{HEAD}:8000"), role=None)
    done = fixed({"api.yaml": before}, given=GIVEN)
    assert done.changed == []
    (why,) = reasons(done, finding("api.yaml", before, f"http://{HEAD}", LintCode.ROLE_MISSING))
    assert why.startswith("RAY672: ")


def test_what_applying_does_to_a_running_rayservice_is_told() -> None:
    service = RAYCLUSTER.format(kind="RayService", spec="rayClusterConfig:")
    (said,) = told(fixed({"service.yaml": service}))
    assert str(said) == (
        "service.yaml: RAY678 RayService default/train: once it is applied, KubeRay prepares a new RayCluster beside "
        "the running one"
    )
    cluster = RAYCLUSTER.format(kind="RayCluster", spec="").replace("    ", "  ")
    assert list(told(fixed({"cluster.yaml": cluster}))) == []


def test_a_silenced_finding_is_not_fixed() -> None:
    entry = ("# ray-webhook: ignore RAY604", *literal("RAY_ADDRESS", ADDRESS))
    assert fixed({"api.yaml": deployment(*entry)}, given=GIVEN).changed == []


def test_a_family_that_knows_the_edit_itself_has_it_made_if_no_pod_loses_by_it() -> None:
    before = deployment(*literal("OTHER", "one"))
    known = finding("api.yaml", before, "one")
    for at, new, is_made in ((known.start, "n", False), (0, "# ours\n", True)):
        found = replace(known, edits=(Edit(at, at, new),))
        done = fix({"api.yaml": before}, Context(), findings=[found])
        assert text(done, "api.yaml") == (new + before if is_made else before)
