"""What --fix does and leaves, over all files together."""

from __future__ import annotations

from tests.manifests.fix.files import ADDRESS, HEAD, deployment, fixed, left, literal, settings, text

GIVEN = settings(RAY_HOST=HEAD, RAY_NAMESPACE="train")


def test_a_literal_that_equals_the_settings_goes_with_its_empty_env() -> None:
    done = fixed({"api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS))}, given=GIVEN)
    assert text(done, "api.yaml") == deployment()


def test_what_is_not_a_setting_stays_byte_for_byte() -> None:
    other = ("- name: B  # b", "  value: '1'   ")
    done = fixed({"api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), *other)}, given=GIVEN)
    assert text(done, "api.yaml") == deployment(*other)


def test_a_literal_that_the_webhook_replaces_anyway_goes() -> None:
    done = fixed({"api.yaml": deployment(*literal("RAY_ADDRESS", "ray://elsewhere:10001"))}, given=GIVEN)
    assert text(done, "api.yaml") == deployment()


def test_a_literal_that_differs_stays_where_no_role_is_declared() -> None:
    before = deployment(*literal("RAY_ADDRESS", "ray://elsewhere:10001"), role=None)
    done = fixed({"api.yaml": before}, given=GIVEN)
    assert done.changed == []
    assert left(done) == {("RAY671", "api.yaml")}


def test_a_clear_client_gets_the_role_when_its_literal_goes() -> None:
    done = fixed({"api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), role=None)}, given=GIVEN)
    assert "ray.seedcore.io/role: client" in text(done, "api.yaml")
    assert "RAY_ADDRESS" not in text(done, "api.yaml")


def test_literals_that_agree_move_into_settings() -> None:
    done = fixed(
        {
            "a/api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), *literal("RAY_NAMESPACE", "train")),
            "a/web.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), name="web", role=None),
        }
    )
    document = f"""---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ray-settings
data:
  RAY_HOST: {HEAD}
  RAY_PORT: "10001"
  RAY_SERVE_URL: http://{HEAD}:8000
  RAY_DASHBOARD_URL: http://{HEAD}:8265
  RAY_NAMESPACE: train
"""
    assert text(done, "a/api.yaml") == deployment() + document
    assert "role: client" in text(done, "a/web.yaml")
    assert "RAY_ADDRESS" not in text(done, "a/web.yaml")


def test_literals_that_differ_stay_and_both_are_told() -> None:
    done = fixed(
        {
            "api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS)),
            "web.yaml": deployment(*literal("RAY_ADDRESS", "ray://other-head-svc:10001"), name="web"),
        }
    )
    assert done.changed == []
    assert left(done) == {("RAY671", "api.yaml"), ("RAY671", "web.yaml")}
    (wanted,) = done.last.proposal.wanted.values()
    assert {vote.value for vote in wanted.disputed["RAY_HOST"]} == {HEAD, "other-head-svc"}


def test_a_head_loses_a_client_address_whatever_the_settings() -> None:
    done = fixed({"head.yaml": deployment(*literal("RAY_ADDRESS", "ray://other:10001"), role="head")})
    assert text(done, "head.yaml") == deployment(role="head")


def test_a_direct_address_in_a_worker_stays() -> None:
    done = fixed({"worker.yaml": deployment(*literal("RAY_ADDRESS", "train-head-svc:6379"), role="worker")})
    assert done.changed == []


def test_what_a_pod_keeps_stays() -> None:
    before = deployment(*literal("RAY_ADDRESS", ADDRESS), more="ray.seedcore.io/on-conflict: keep")
    assert fixed({"api.yaml": before}, given=GIVEN).changed == []


def test_a_pod_that_opted_out_stays() -> None:
    assert fixed({"api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS), role="none")}, given=GIVEN).changed == []


RAYCLUSTER = """\
apiVersion: ray.io/v1
kind: {kind}
metadata: {{name: train}}
spec:
  {spec}
    headGroupSpec:
      template:
        spec:
          containers:
            - name: ray-head
              image: ray
              env:
                - {{name: RAY_ADDRESS, value: "ray://x:10001"}}  # why
                - {{name: OTHER, value: "1"}}
    workerGroupSpecs:
      - groupName: small
        template:
          spec:
            containers:
              - name: ray-worker
                image: ray
                env:
                  - {{name: RAY_ADDRESS, value: "ray://x:10001"}}
"""


def test_kuberay_templates_lose_the_address_get_no_annotation_and_keep_the_comment() -> None:
    before = RAYCLUSTER.format(kind="RayService", spec="rayClusterConfig:")
    done = fixed({"service.yaml": before})
    after = text(done, "service.yaml")
    assert "RAY_ADDRESS" not in after
    assert "annotations" not in after
    assert "                # why\n                - {name: OTHER" in after


MIXED = "STAGE=dev\n# where Ray is\nRAY_ADDRESS=ray://train-head-svc:10001\nRAY_NAMESPACE=train"
KUSTOMIZATION = """\
namespace: shop
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator:
  - name: app-env
    envs: [app.env]
resources: [api.yaml]
"""


def test_an_env_file_of_a_generator_becomes_settings() -> None:
    done = fixed({"kustomization.yaml": KUSTOMIZATION, "app.env": MIXED, "api.yaml": deployment(env_from="app-env")})
    assert text(done, "app.env") == "STAGE=dev\n# where Ray is\n"
    added = f"""\
  - name: ray-settings
    literals:
      - RAY_HOST={HEAD}
      - RAY_PORT=10001
      - RAY_SERVE_URL=http://{HEAD}:8000
      - RAY_DASHBOARD_URL=http://{HEAD}:8265
      - RAY_NAMESPACE=train
"""
    before, after = KUSTOMIZATION.split("resources")
    assert text(done, "kustomization.yaml") == f"{before}{added}resources{after}"


def test_an_env_file_of_ray_settings_alone_becomes_them_in_its_place() -> None:
    done = fixed(
        {
            "kustomization.yaml": KUSTOMIZATION,
            "app.env": "# where Ray is\nRAY_ADDRESS=ray://train-head-svc:10001\nRAY_SERVE_ADDRESS=http://train-head-svc:8000",
            "api.yaml": deployment(env_from="app-env"),
        }
    )
    assert text(done, "kustomization.yaml") == KUSTOMIZATION.replace("app-env", "ray-settings")
    assert text(done, "app.env") == (
        "# where Ray is\nRAY_HOST=train-head-svc\nRAY_SERVE_URL=http://train-head-svc:8000\n"
        "RAY_PORT=10001\nRAY_DASHBOARD_URL=http://train-head-svc:8265\n"
    )
    assert text(done, "api.yaml") == deployment()


def test_settings_whose_env_file_says_ray_address_get_the_host_instead() -> None:
    kustomization = KUSTOMIZATION.replace("app-env", "ray-settings")
    done = fixed(
        {
            "kustomization.yaml": kustomization,
            "app.env": "RAY_ADDRESS=ray://train-head-svc:10001\n",
            "api.yaml": deployment(*literal("RAY_ADDRESS", ADDRESS)),
        }
    )
    assert text(done, "app.env").startswith("RAY_HOST=train-head-svc\nRAY_PORT=10001\n")
    assert text(done, "api.yaml") == deployment()


def test_a_reader_that_has_no_role_keeps_the_env_file_as_it_is() -> None:
    done = fixed(
        {
            "kustomization.yaml": KUSTOMIZATION.replace("[api.yaml]", "[api.yaml, job.yaml]"),
            "app.env": MIXED,
            "api.yaml": deployment(env_from="app-env"),
            "job.yaml": deployment(env_from="app-env", name="job", role=None),
        }
    )
    assert "app.env" not in done.changed
    assert ("RAY671", "app.env") in left(done)


SERVICE = """\
apiVersion: ray.io/v1
kind: RayService
metadata: {name: train}
spec:
  serveConfigV2: |
    applications:
      - name: one
        runtime_env:
          working_dir: x
          env_vars:
            RAY_ADDRESS: ray://train-head-svc:10001
      - name: two
        runtime_env:
          env_vars: {RAY_ADDRESS: "ray://train-head-svc:10001", B: b}
  rayClusterConfig:
    headGroupSpec: {template: {spec: {containers: [{name: head, image: ray}]}}}
"""


def test_a_clients_address_in_a_runtime_env_goes() -> None:
    done = fixed({"service.yaml": SERVICE})
    assert text(done, "service.yaml") == SERVICE.replace(
        "          env_vars:\n            RAY_ADDRESS: ray://train-head-svc:10001\n", ""
    ).replace('RAY_ADDRESS: "ray://train-head-svc:10001", ', "")


def test_a_runtime_env_on_one_line_is_left_to_people() -> None:
    job = SERVICE.replace("RayService", "RayJob").replace(
        "serveConfigV2: |", "runtimeEnvYAML: 'env_vars: {RAY_ADDRESS: ray://x:1}'"
    )
    assert fixed({"job.yaml": job[: job.index("    applications")] + job[job.index("  rayCluster") :]}).changed == []
