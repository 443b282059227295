"""What --fix does where kustomizations put several files together."""

from __future__ import annotations

import pytest

from tests.manifests.fix.files import ADDRESS, HEAD, deployment, fixed, left, literal, settings, text

BASE = "resources: [api.yaml]\n"
SHARED = {"base/kustomization.yaml": BASE, "base/api.yaml": deployment(env_from="app-env")}
OVERLAY = """\
namespace: {stage}
resources: [../../base]
configMapGenerator:
- name: app-env
  literals:
  - STAGE={stage}
  - RAY_ADDRESS=ray://{host}:10001
"""


def overlay(stage: str, host: str) -> dict[str, str]:
    return {f"overlays/{stage}/kustomization.yaml": OVERLAY.format(stage=stage, host=host)}


def test_each_overlay_has_settings_of_its_own() -> None:
    done = fixed(SHARED | overlay("dev", "dev-head-svc") | overlay("prod", "prod-head-svc"))
    for stage in ("dev", "prod"):
        after = text(done, f"overlays/{stage}/kustomization.yaml")
        assert "RAY_ADDRESS" not in after
        assert (
            "- name: ray-settings\n  options:\n    disableNameSuffixHash: true\n  literals:\n"
            f"  - RAY_HOST={stage}-head-svc\n"
        ) in after


def test_a_literal_of_the_base_that_differs_in_an_overlay_by_a_patch_goes_with_the_patch() -> None:
    patch = deployment(*literal("RAY_ADDRESS", "ray://prod-head-svc:10001"))
    files = {
        "base/kustomization.yaml": BASE,
        "base/api.yaml": deployment(*literal("RAY_ADDRESS", "ray://dev-head-svc:10001")),
        "dev/kustomization.yaml": "namespace: dev\nresources: [../base]\n",
        "prod/kustomization.yaml": "namespace: prod\nresources: [../base]\npatches:\n  - path: address.yaml\n",
        "prod/address.yaml": patch,
    }
    done = fixed(files)
    assert text(done, "base/api.yaml") == deployment()
    assert text(done, "prod/address.yaml") == deployment()
    assert "RAY_HOST=dev-head-svc" in text(done, "dev/kustomization.yaml")
    assert "RAY_HOST=prod-head-svc" in text(done, "prod/kustomization.yaml")


def test_a_patch_alone_that_sets_the_address_goes_where_its_pod_is_a_client() -> None:
    files = {
        "base/kustomization.yaml": BASE,
        "base/api.yaml": deployment(),
        "dev/kustomization.yaml": "namespace: dev\nresources: [../base]\npatchesStrategicMerge: [address.yaml]\n",
        "dev/address.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), role=None),
    }
    done = fixed(files)
    assert text(done, "dev/address.yaml") == deployment(role=None)
    assert f"RAY_HOST={HEAD}" in text(done, "dev/kustomization.yaml")


JSON_PATCH = """\
- op: add
  path: /spec/template/spec/containers/0/env/-
  value: {name: LEVEL, value: debug}
- op: add
  path: /spec/template/spec/containers/0/env/-
  value: {name: RAY_ADDRESS, value: "ray://train-head-svc:10001"}
"""
PATCHED = {
    "kustomization.yaml": (
        "namespace: dev\nresources: [api.yaml]\npatches:\n  - path: more.yaml\n    target: {kind: Deployment}\n"
    ),
    "api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS)),
}


def test_an_env_that_a_patch_adds_to_stays_as_an_empty_list() -> None:
    done = fixed(PATCHED | {"more.yaml": JSON_PATCH})
    assert "          env: []\n          ports:" in text(done, "api.yaml")
    assert (
        text(done, "more.yaml")
        == JSON_PATCH.split(
            "- op: add\n  path: /spec/template/spec/containers/0/env/-\n  value: {name: RAY", maxsplit=1
        )[0]
    )


def test_a_patch_of_nothing_else_is_left_to_people() -> None:
    lines = JSON_PATCH.splitlines(keepends=True)
    done = fixed(PATCHED | {"more.yaml": "".join(lines[3:])})
    assert "more.yaml" not in done.changed
    assert ("RAY675", "more.yaml") in left(done)


@pytest.mark.parametrize(
    "more",
    [
        "replacements: [{source: {kind: ConfigMap, name: x}}]\n",
        "resources: [api.yaml, missing.yaml]\n",
        "patches: [{path: missing.yaml}]\n",
        "configMapGenerator: [{name: x, envs: [missing.env]}]\n",
    ],
)
def test_a_kustomization_that_cannot_be_followed_is_left_alone(more: str) -> None:
    whole = {"kustomization.yaml": f"{more}{'' if 'resources' in more else 'resources: [api.yaml]'}\n"}
    done = fixed(whole | {"api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS))}, given=settings(RAY_HOST=HEAD))
    assert done.changed == []
    assert left(done) == {("RAY674", "api.yaml")}


SUFFIXED = {
    "kustomization.yaml": "nameSuffix: -dev\nnamespace: shop\nresources: [api.yaml]\n",
    "api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS)),
}


def test_settings_are_not_written_where_their_name_would_be_another() -> None:
    done = fixed(SUFFIXED)
    assert done.changed == []
    assert "--settings-name ray-settings-dev" in next(iter(done.last.proposal.homeless.values()))


def test_settings_are_written_so_that_they_get_a_name_that_is_followed() -> None:
    done = fixed(SUFFIXED, settings_names=frozenset({"ray-settings-dev"}))
    assert "  - name: ray-settings\n" in text(done, "kustomization.yaml")
    assert text(done, "api.yaml") == deployment()


def test_a_generator_of_client_settings_alone_becomes_the_settings_and_nobody_takes_it_by_env_from() -> None:
    files = {
        "kustomization.yaml": (
            "namespace: shop\nresources: [api.yaml, head.yaml]\n"
            "configMapGenerator:\n  # for clients\n  - name: clients\n    literals:\n"
            "      - RAY_ADDRESS=ray://train-head-svc:10001  # Ray Client\n"
        ),
        "api.yaml": deployment(env_from="clients", role=None),
        "head.yaml": deployment(env_from="clients", role="head", name="head"),
    }
    done = fixed(files)
    assert text(done, "kustomization.yaml") == (
        "namespace: shop\nresources: [api.yaml, head.yaml]\n"
        "configMapGenerator:\n  # for clients\n  - name: ray-settings\n    literals:\n"
        f"      - RAY_HOST={HEAD}  # Ray Client\n      - RAY_PORT=10001\n      - RAY_SERVE_URL=http://{HEAD}:8000\n"
        f"      - RAY_DASHBOARD_URL=http://{HEAD}:8265\n    options:\n      disableNameSuffixHash: true\n"
    )
    assert "envFrom" not in text(done, "api.yaml")
    assert "envFrom" not in text(done, "head.yaml")
    assert "role: client" in text(done, "api.yaml")


def test_settings_for_everybody_are_found_in_the_webhooks_own_overlay() -> None:
    files = {
        "webhook/kustomization.yaml": (
            "generatorOptions: {disableNameSuffixHash: true}\nconfigMapGenerator:\n"
            "  - {name: ray-settings, namespace: ray-webhook-system, literals: [RAY_HOST=train-head-svc.ray]}\n"
        ),
        "app/api.yaml": deployment(*literal("RAY_ADDRESS", "ray://old:10001")),
    }
    done = fixed(files)
    assert text(done, "app/api.yaml") == deployment()
    assert done.changed == ["app/api.yaml"]


def test_a_component_is_followed() -> None:
    files = {
        "app/kustomization.yaml": "namespace: shop\nresources: [api.yaml]\ncomponents: [../ray]\n",
        "app/api.yaml": deployment(),
        "ray/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: address.yaml}]\n"
        ),
        "ray/address.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS)),
    }
    done = fixed(files)
    assert text(done, "ray/address.yaml") == deployment()
    assert f"RAY_HOST={HEAD}" in text(done, "app/kustomization.yaml")


INLINE = """\
namespace: dev
resources: [api.yaml]
patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: LEVEL, value: debug}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: RAY_ADDRESS, value: "ray://train-head-svc:10001"}
  - patch: |
      kind: Deployment
      metadata: {name: api}
      spec:
        template:
          spec:
            containers:
              - name: app
                env:
                  - name: RAY_SERVE_ADDRESS  # where Serve is
                    value: http://train-head-svc:8000
                  - {name: B, value: b}
"""


def test_patches_that_are_written_in_the_kustomization_lose_what_the_settings_give() -> None:
    done = fixed({"kustomization.yaml": INLINE, "api.yaml": deployment(*literal("A", "a"))})
    first, last = INLINE.rindex("      - op: add\n"), INLINE.index("  - patch: |\n")
    serve = (
        f"                  - name: RAY_SERVE_ADDRESS  # where Serve is\n{' ' * 20}value: http://train-head-svc:8000\n"
    )
    wanted = INLINE.replace(INLINE[first:last], "").replace(serve, "                  # where Serve is\n")
    after = text(done, "kustomization.yaml")
    assert after.startswith(wanted)
    assert f"RAY_HOST={HEAD}" in after.removeprefix(wanted)


APART = "namespace: shop\nresources: [app.yaml]\n"


def test_two_kustomizations_of_one_namespace_do_not_write_settings_that_differ() -> None:
    done = fixed(
        {
            "one/kustomization.yaml": APART,
            "one/app.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), name="one"),
            "two/kustomization.yaml": APART,
            "two/app.yaml": deployment(*literal("RAY_ADDRESS", "ray://other-head-svc:10001"), name="two"),
        }
    )
    assert done.changed == []
    disputed = next(iter(done.last.proposal.wanted.values())).disputed
    assert {vote.value for vote in disputed["RAY_HOST"]} == {HEAD, "other-head-svc"}


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("compose.yaml", "services: {api: {image: app, env_file: [app.env]}}\n"),
        ("other/kustomization.yaml", "secretGenerator: [{name: x, envs: [../app.env]}]\n"),
    ],
)
def test_an_env_file_that_something_else_reads_stays(reader: str, content: str) -> None:
    files = {
        "kustomization.yaml": "configMapGenerator: [{name: app-env, envs: [app.env]}]\nresources: [api.yaml]\n",
        "app.env": "A=a\nRAY_ADDRESS=ray://train-head-svc:10001\n",
        "api.yaml": deployment(env_from="app-env"),
    }
    assert "app.env" in fixed(files).changed
    done = fixed(files | {reader: content})
    assert "app.env" not in done.changed
    assert ("RAY675", "app.env") in left(done)
