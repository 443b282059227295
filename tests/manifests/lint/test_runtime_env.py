"""env_vars of a runtime_env, in texts inside RayService and RayJob and in files of Serve's own."""

from __future__ import annotations

from tests.manifests.lint.support import check, found, lint_one
from webhook.manifests.lint.finding import Level

SERVICE = """\
kind: RayService
metadata: {name: s}
spec:
  serveConfigV2: |
    # RAY_ADDRESS: in a comment
    applications:
      - name: app
        import_path: app:app
        runtime_env:
          env_vars:
            RAY_ADDRESS: ray://head:10001
            RAY_NAMESPACE: dev
            STAGE: dev
"""


def test_places_in_a_text_are_those_of_the_file() -> None:
    findings = lint_one(SERVICE)

    assert [(str(one.code), one.level, one.line, one.column) for one in findings] == [
        ("RAY608", Level.ERROR, 11, 26),
        ("RAY612", Level.WARNING, 12, 28),
    ]
    assert findings[1].message.startswith('RAY_NAMESPACE in env_vars of a runtime_env is "dev"')


def test_a_jobs_runtime_env_and_one_on_a_single_line_are_looked_at() -> None:
    check("""\
kind: RayJob
metadata: {name: j}
spec:
  runtimeEnvYAML: |
    env_vars:
      RAY_ADDRESS: auto
      RAY_DASHBOARD_ADDRESS: http://head:8265  #! RAY612
""")
    finding = found('kind: RayJob\nmetadata: {name: j}\nspec:\n  runtimeEnvYAML: "env_vars: {RAY_HOST: head}"\n')
    assert (finding.code, finding.line, finding.column) == ("RAY612", 4, 19)


def test_a_serve_config_of_its_own_is_looked_at() -> None:
    check("applications:\n- import_path: a:b\n  runtime_env:\n    env_vars:\n      RAY_HOST: h  #! RAY612\n")


def test_a_text_that_is_no_yaml_is_not_our_business() -> None:
    assert lint_one(SERVICE.replace("applications:", "applications: [")) == []
