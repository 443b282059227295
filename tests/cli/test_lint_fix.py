"""``ray-webhook lint --fix`` and ``--diff``: the diff, the files, and what is said, on a pipe and on a terminal."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.service import COMMAND
from tests.terminal import on_terminal

SEED: Final = Path(__file__).parents[2] / "deploy" / "examples" / "seedcore" / "before"
CLIENT: Final = """\
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata: {annotations: {ray.seedcore.io/role: client}}
    spec:
      containers:
        - name: app
          env:
            - name: RAY_ADDRESS
              value: ray://train-head-svc:10001
            - {name: STAGE, value: dev}
"""
FIXED: Final = CLIENT.replace("            - name: RAY_ADDRESS\n              value: ray://train-head-svc:10001\n", "")
SETTINGS: Final = "RAY_HOST=train-head-svc\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to work in, with a client whose address the settings give as well."""
    (tmp_path / "settings.env").write_text(SETTINGS)
    (tmp_path / "api.yaml").write_text(CLIENT)
    return tmp_path


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run in `folder`, as people do, so that paths are short."""
    return subprocess.run(
        [COMMAND, "lint", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lint(folder, "--fix", "--settings", "settings.env", *(arguments or ("api.yaml",)))


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """A folder with a copy of SeedCore's old manifests in it."""
    shutil.copytree(SEED, tmp_path / "seedcore")
    return tmp_path


SEED_DIFF: Final = """\
--- seedcore/base/api.yaml
+++ seedcore/base/api.yaml
@@ -17,14 +17,9 @@
           image: registry.example/seedcore-api:1.0.0
           envFrom:
             - configMapRef: {name: seedcore-env}
-            - configMapRef: {name: seedcore-client-env}
           env:
             - name: POD_IP
               valueFrom: {fieldRef: {fieldPath: status.podIP}}
-            - name: RAY_ADDRESS
-              value: ray://seedcore-head-svc:10001
-            - name: RAY_NAMESPACE
-              value: seedcore-dev
           ports:
             - {name: http, containerPort: 8002}
           resources:
--- seedcore/base/raycluster.yaml
+++ seedcore/base/raycluster.yaml
@@ -17,10 +17,7 @@
             image: rayproject/ray:2.60.0-py311
             envFrom:
               - configMapRef: {name: seedcore-env}
-            env:
-              # A driver in this pod opens a client session to its own head.
-              - name: RAY_ADDRESS
-                value: ray://seedcore-head-svc:10001
+            # A driver in this pod opens a client session to its own head.
             ports:
               - {name: gcs-server, containerPort: 6379}
               - {name: dashboard, containerPort: 8265}
@@ -45,9 +42,6 @@
               image: rayproject/ray:2.60.0-py311
               envFrom:
                 - configMapRef: {name: seedcore-env}
-              env:
-                - name: RAY_ADDRESS
-                  value: ray://seedcore-head-svc:10001
               resources:
                 requests: {cpu: 500m, memory: 1Gi}
                 limits: {memory: 2Gi}
--- seedcore/base/seedcore.env
+++ seedcore/base/seedcore.env
@@ -1,6 +1,4 @@
 SEEDCORE_STAGE=dev
 COG_MIN_READY=1
 SEEDCORE_NS=seedcore-dev
-RAY_ADDRESS=ray://seedcore-head-svc:10001
-RAY_NAMESPACE=seedcore-dev
 SERVE_GATEWAY=http://seedcore-head-svc:8000
--- seedcore/base/serve.yaml
+++ seedcore/base/serve.yaml
@@ -19,10 +19,6 @@
             - configMapRef: {name: seedcore-env}
           env:
             # A copy that nobody changed when the head's Service got another name.
-            - name: RAY_ADDRESS
-              value: ray://seedcore-svc-head-svc:10001
-            - name: RAY_NAMESPACE
-              value: seedcore-dev
             - name: SERVE_GATEWAY
               value: http://seedcore-svc-head-svc:8000
             - name: HEALTH_URL
--- seedcore/overlays/dev/kustomization.yaml
+++ seedcore/overlays/dev/kustomization.yaml
@@ -4,11 +4,13 @@
 generatorOptions:
   disableNameSuffixHash: true
 configMapGenerator:
-  - name: seedcore-client-env
+  - name: ray-settings
     literals:
-      - RAY_ADDRESS=ray://seedcore-head-svc:10001
-      - RAY_SERVE_ADDRESS=http://seedcore-head-svc:8000
-      - RAY_DASHBOARD_ADDRESS=http://seedcore-head-svc:8265
+      - RAY_HOST=seedcore-head-svc
+      - RAY_SERVE_URL=http://seedcore-head-svc:8000
+      - RAY_DASHBOARD_URL=http://seedcore-head-svc:8265
+      - RAY_PORT=10001
+      - RAY_NAMESPACE=seedcore-dev
 resources:
   - namespace.yaml
   - ../../base
"""
SEED_SUMMARY: Final = """\
seedcore/base/api.yaml                    +0 -5
seedcore/base/raycluster.yaml             +1 -7
seedcore/base/seedcore.env                +0 -2
seedcore/base/serve.yaml                  +0 -4
seedcore/overlays/dev/kustomization.yaml  +6 -4
seedcore/overlays/dev/kustomization.yaml: settings of namespace seedcore-dev: RAY_HOST=seedcore-head-svc, \
RAY_PORT=10001, RAY_SERVE_URL=http://seedcore-head-svc:8000, RAY_DASHBOARD_URL=http://seedcore-head-svc:8265, \
RAY_NAMESPACE=seedcore-dev
seedcore/base/serve.yaml:22: RAY677 RAY_ADDRESS was "ray://seedcore-svc-head-svc:10001", a host that nothing in the \
files makes; the settings hold
5 files %s
"""


def test_the_seeds_migration_is_shown_and_nothing_is_written(seed: Path) -> None:
    done = lint(seed, "--diff", "seedcore")
    assert (done.returncode, done.stdout) == (1, SEED_DIFF)
    assert done.stderr.startswith(SEED_SUMMARY % "would change")
    assert same(seed / "seedcore", SEED)


def test_the_seeds_migration_is_written_and_a_second_one_changes_nothing(seed: Path) -> None:
    done = lint(seed, "--fix", "--diff", "seedcore")
    assert (done.returncode, done.stdout) == (0, SEED_DIFF)
    assert done.stderr.startswith(SEED_SUMMARY % "changed")
    again = lint(seed, "--fix", "seedcore")
    assert (again.returncode, again.stderr) == (0, "no files changed\n")


@pytest.mark.parametrize("tool", [("patch", "-p0"), ("git", "apply", "-p0")], ids=lambda tool: tool[0])
def test_the_diff_is_one_that_patch_and_git_take(seed: Path, tool: tuple[str, ...]) -> None:
    odd = seed / "seedcore" / "an odd name.yaml"
    odd.write_bytes(CLIENT.removesuffix("\n").replace("\n", "\r\n").replace("train-", "seedcore-").encode())
    diff = seed / "the.diff"
    with diff.open("wb") as opened:
        subprocess.run([COMMAND, "lint", "--diff", "seedcore"], cwd=seed, stdout=opened, check=False)
    patched = shutil.copytree(seed, seed / "patched")
    subprocess.run([*tool, str(diff)] if tool[0] == "git" else [*tool, "-i", str(diff)], cwd=patched, check=True)
    lint(seed, "--fix", "seedcore")
    assert same(patched / "seedcore", seed / "seedcore")
    assert b"\r\n" in odd.read_bytes()


def same(one: Path, other: Path) -> bool:
    return subprocess.run(["diff", "-r", one, other], capture_output=True, check=False).returncode == 0


def test_on_a_terminal_the_diff_is_coloured(folder: Path) -> None:
    seen = on_terminal("lint", "--fix", "--diff", "--settings", "settings.env", "api.yaml", folder=folder)
    assert seen.text == (
        "\x1b[1m--- api.yaml\x1b[0m\n"
        "\x1b[1m+++ api.yaml\x1b[0m\n"
        "\x1b[36m@@ -7,6 +7,4 @@\x1b[0m\n"
        "       containers:\n"
        "         - name: app\n"
        "           env:\n"
        "\x1b[31m-            - name: RAY_ADDRESS\x1b[0m\n"
        "\x1b[31m-              value: ray://train-head-svc:10001\x1b[0m\n"
        "             - {name: STAGE, value: dev}\n"
        "api.yaml  +0 -2\n"
        "1 file changed\n"
        "\x1b[32m1 file checked, all good\x1b[0m\n"
    )


def test_what_is_left_is_told_with_the_reason(folder: Path) -> None:
    (folder / "web.yaml").write_text(CLIENT.replace("train-", "other-").replace("api", "web"))
    done = lint(folder, "--fix", "api.yaml", "web.yaml")
    assert done.returncode == 1
    assert done.stdout.count("left by --fix, RAY670: RAY_HOST is ") == 2
    assert (
        '"train-head-svc" by RAY_ADDRESS in api.yaml:10 and "other-head-svc" by RAY_ADDRESS in web.yaml:10'
        in done.stdout
    )
    assert done.stderr == "no files changed\n"


def test_the_mode_of_a_file_stays(folder: Path) -> None:
    (folder / "api.yaml").chmod(0o751)
    assert fix(folder).returncode == 0
    assert (folder / "api.yaml").stat().st_mode & 0o777 == 0o751
    assert (folder / "api.yaml").read_text() == FIXED


def test_a_symbolic_link_stays_one(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "api.yaml").rename(folder / "real" / "api.yaml")
    (folder / "api.yaml").symlink_to("real/api.yaml")
    assert fix(folder).returncode == 0
    assert (folder / "api.yaml").is_symlink()
    assert (folder / "real" / "api.yaml").read_text() == FIXED


def test_a_file_under_two_names_is_written_once(folder: Path) -> None:
    (folder / "b.yaml").symlink_to("api.yaml")
    assert fix(folder, "api.yaml", "b.yaml").returncode == 0
    assert (folder / "api.yaml").read_text() == FIXED


def test_a_read_only_file_is_told_in_one_line_and_the_others_are_fixed(folder: Path) -> None:
    shutil.copy(folder / "api.yaml", folder / "other.yaml")
    (folder / "api.yaml").chmod(0o444)
    done = fix(folder, "api.yaml", "other.yaml")
    assert done.returncode == 2
    told = 'ray-webhook: RAY802: file "api.yaml" is read-only; make it writable, or leave it out'
    assert done.stderr.splitlines()[0] == told
    assert (folder / "api.yaml").read_text() == CLIENT
    assert (folder / "other.yaml").read_text() == FIXED
    assert sorted(path.name for path in folder.iterdir()) == ["api.yaml", "other.yaml", "settings.env"]


def test_what_depends_on_a_file_that_cannot_be_written_is_not_done_either(seed: Path) -> None:
    (seed / "seedcore" / "overlays" / "dev" / "kustomization.yaml").chmod(0o444)
    done = lint(seed, "--fix", "seedcore")
    assert done.returncode == 2
    assert "RAY_ADDRESS" in (seed / "seedcore" / "base" / "seedcore.env").read_text()
    assert "RAY_ADDRESS" in (seed / "seedcore" / "base" / "serve.yaml").read_text()
    assert "RAY_ADDRESS" not in (seed / "seedcore" / "base" / "raycluster.yaml").read_text()


def test_standard_input_is_not_fixed(folder: Path) -> None:
    done = lint(folder, "--fix", "-")
    assert done.returncode == 2
    assert done.stderr.startswith("ray-webhook: RAY801: standard input cannot be fixed")


def test_an_env_file_that_compose_reads_as_well_stays(seed: Path) -> None:
    compose = seed / "seedcore" / "compose.yaml"
    compose.write_text("services: {api: {image: app, env_file: base/seedcore.env}}\n")
    done = lint(seed, "--fix", "seedcore")
    assert "RAY_ADDRESS" in (seed / "seedcore" / "base" / "seedcore.env").read_text()
    assert "seedcore/base/seedcore.env is read by a Compose service of seedcore/compose.yaml as well" in done.stdout


def test_a_file_behind_a_link_out_of_the_folder_is_not_changed(folder: Path) -> None:
    (folder / "given").mkdir()
    (folder / "given" / "link.yaml").symlink_to("../api.yaml")
    done = fix(folder, "given")
    assert done.returncode == 1
    assert "given/link.yaml is a link out of the folder that was given" in done.stdout
    assert (folder / "api.yaml").read_text() == CLIENT


@pytest.mark.parametrize("tool", [("patch", "-p0", "-s"), ("git", "apply", "-p0")])
def test_the_diff_of_a_file_with_an_odd_name_steers_no_terminal_and_applies(
    folder: Path, tool: tuple[str, ...]
) -> None:
    (folder / "api.yaml").rename(folder / 'a\x1b[2J".yaml')
    done = lint(folder, "--diff", "--settings", "settings.env", ".")
    assert done.stdout.startswith('--- "a\\033[2J\\042.yaml"\n')
    subprocess.run(tool, cwd=folder, input=done.stdout, text=True, check=True, timeout=60)
    assert (folder / 'a\x1b[2J".yaml').read_text() == FIXED


def test_what_would_steer_a_terminal_is_shown_there_as_what_it_is(folder: Path) -> None:
    (folder / "api.yaml").write_text(f"{CLIENT}# caf\u00e9 \u202e\n")
    seen = on_terminal("lint", "--diff", "--settings", "settings.env", "api.yaml", folder=folder)
    assert " # caf\u00e9 \\u202e\n" in seen.text
