"""``ray-webhook render policy``: what goes to a file and what a person reads, and where there is nothing to render.

The golden files are what the command prints: ``ray-webhook render policy --settings tests/fixtures/settings.env``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.fake_api_server import CONFIG_MAPS, FakeApiServer
from tests.cluster.test_serve import kubeconfig_for
from tests.service import SETTINGS, run_command
from tests.terminal import GOLDEN, check_golden, on_terminal
from webhook.injection.findings import LimitCode

OWN = "ray-webhook-system"
OF_TEAM_A = {"ray-settings.team-a", "default-role.ray-settings.team-a"}
PLACE = "/namespaces/team-a"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def test_piped_the_policy_is_on_stdout_and_what_it_cannot_do_on_stderr() -> None:
    ended = run_command("render", "policy", "--settings", str(SETTINGS))

    assert ended.returncode == 0
    check_golden("render-policy-stdout.yaml", ended.stdout)
    check_golden("render-policy-stderr.txt", ended.stderr)
    assert re.findall(r"^(RAY\d+)  ", ended.stderr, re.MULTILINE) == list(LimitCode)


def test_on_a_terminal_the_codes_are_coloured_and_nothing_else_differs() -> None:
    seen = on_terminal("render", "policy", "--settings", str(SETTINGS))

    assert (seen.returncode, COLOURS.sub("", seen.text)) == (
        0,
        golden("render-policy-stdout.yaml") + golden("render-policy-stderr.txt"),
    )
    assert all(f"\x1b[1m{code}\x1b[0m  {code.summary}\n" in seen.text for code in LimitCode)
    assert not COLOURS.search(seen.text[: seen.text.index("Made from")])


@pytest.mark.parametrize(("flags", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_colours_can_be_turned_off(flags: list[str], environment: dict[str, Any]) -> None:
    seen = on_terminal("render", "policy", "--settings", str(SETTINGS), *flags, **environment)

    assert "\x1b" not in seen.text


def test_the_policies_can_be_named_and_flags_come_from_the_environment() -> None:
    ended = run_command("render", "policy", RAY_WEBHOOK_SETTINGS=str(SETTINGS), RAY_WEBHOOK_NAME="lab")

    assert {document["metadata"]["name"] for document in yaml.safe_load_all(ended.stdout)} == {
        "lab",
        "default-role.lab",
    }


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.config_map(OWN, {"RAY_HOST": "head", "RAY_NAMESPACE": "lab"})
    return server


def test_the_settings_of_a_cluster_make_policies_for_everybody_and_for_each_namespace_that_has_its_own(
    fake: FakeApiServer, kubeconfig: Path
) -> None:
    fake.config_map("team-a", {"RAY_HOST": "other"})
    fake.config_map("team-b", {"UNRELATED": "x"})
    ended = run_command("render", "policy", "--kubeconfig", str(kubeconfig))

    names = [document["metadata"]["name"] for document in yaml.safe_load_all(ended.stdout)]
    assert (ended.returncode, names[::4]) == (0, ["ray-settings", "ray-settings.team-a"])
    assert ended.stderr.startswith("Made from the ConfigMaps ray-settings of the cluster. ")


def test_a_broken_config_map_is_told_and_nothing_is_rendered(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.config_map("team-a", {"RAY_PORT": "70000"})
    ended = run_command("render", "policy", "--kubeconfig", str(kubeconfig))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert 'RAY803: ConfigMap team-a/ray-settings, RAY_PORT is "70000"; allowed: a port of 1-65535' in ended.stderr


def names_of(stdout: str) -> set[str]:
    return {document["metadata"]["name"] for document in yaml.safe_load_all(stdout)}


def limited(fake: FakeApiServer) -> None:
    """Whoever asks has rights in team-a only, and none to Ray's kinds."""
    fake.faults.status |= dict.fromkeys((CONFIG_MAPS, f"/api/v1/namespaces/{OWN}/configmaps"), 403)
    for kind in ("rayclusters", "rayservices"):
        fake.faults.status |= dict.fromkeys((f"/apis/ray.io/v1{place}/{kind}" for place in ("", PLACE)), 403)


def test_one_namespace_gets_policies_of_its_own(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.config_map("team-b", {"RAY_PORT": "70000"})
    ended = run_command("render", "policy", "--kubeconfig", str(kubeconfig), "-n", "team-a")

    policy = next(yaml.safe_load_all(ended.stdout))
    chosen = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert (ended.returncode, names_of(ended.stdout)) == (0, OF_TEAM_A)
    assert {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["team-a"]} in chosen
    assert '"ray://head:10001"' in ended.stdout


def test_rights_in_one_namespace_are_enough_where_its_settings_name_the_host(
    fake: FakeApiServer, kubeconfig: Path
) -> None:
    fake.config_map("team-a", {"RAY_HOST": "own"})
    limited(fake)
    ended = run_command("render", "policy", "--kubeconfig", str(kubeconfig), "-n", "team-a")

    assert (ended.returncode, names_of(ended.stdout)) == (0, OF_TEAM_A)
    assert f"note: you may not list configmaps/ray-settings in {OWN}: " in ended.stderr
    assert "Made from the ConfigMaps ray-settings of team-a. " in ended.stderr


def test_settings_that_may_not_be_read_are_not_guessed(fake: FakeApiServer, kubeconfig: Path) -> None:
    fake.config_map("team-a", {"RAY_NAMESPACE": "own"})
    limited(fake)
    one = run_command("render", "policy", "--kubeconfig", str(kubeconfig), "-n", "team-a")
    every = run_command("render", "policy", "--kubeconfig", str(kubeconfig))

    assert (one.returncode, one.stdout) == (3, "")
    assert one.stderr == (
        f"ray-webhook: RAY806: the ConfigMaps ray-settings of {OWN} may not be listed, and what may be names no host "
        "for team-a; set RAY_HOST in team-a, or let somebody render it who may\n"
    )
    assert (every.returncode, every.stdout) == (3, "")
    assert every.stderr.endswith("or name with --namespace the one that you may read\n")


@pytest.mark.parametrize("status", [403, 500])
def test_without_rights_or_with_a_sick_cluster_it_ends_with_3(
    fake: FakeApiServer, kubeconfig: Path, status: int
) -> None:
    fake.faults.status[CONFIG_MAPS] = status
    ended = run_command("render", "policy", "--kubeconfig", str(kubeconfig))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert ended.stderr.startswith("ray-webhook: RAY806: ")


def test_without_a_cluster_it_ends_with_3(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(kubeconfig_for("http://127.0.0.1:1"))
    ended = run_command("render", "policy", "--kubeconfig", str(file))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe\x00", 'RAY802: file "{file}" has a byte at 0 that is not UTF-8'),
        (None, 'RAY802: file "{file}" is larger than 67108864 bytes'),
        (b"", "RAY802: file settings names no host for everybody"),
        (b"RAY_PORT=7\n", "RAY802: file settings names no host for everybody"),
        (b"RAY_HOST=a b\n", 'RAY803: settings file "{file}", line 1, RAY_HOST is "a b"'),
        (b"nonsense\n", 'RAY803: settings file "{file}", line 1 is "nonsense"; allowed: KEY=VALUE'),
    ],
)
def test_bad_settings_are_one_line_and_status_2(tmp_path: Path, content: bytes | None, told: str) -> None:
    """Without content it is a large file of nothing."""
    file = tmp_path / "settings"
    file.write_bytes(content or b"")
    if content is None:
        os.truncate(file, 64 * 2**20 + 1)
    ended = run_command("render", "policy", "--settings", str(file))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told.format(file=file)}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--settings", "/no/such"], 'RAY802: file "/no/such" cannot be read (No such file or directory)'),
        (["--settings", "/"], 'RAY802: file "/" cannot be read (Is a directory)'),
        (["--settings", ""], "RAY801: Invalid value for '--settings': the path is empty"),
        (["--settings", "a", "--kubeconfig", "b"], "RAY801: --settings and --kubeconfig exclude each other"),
        (["--settings", "a", "--settings-name", "b"], "RAY801: --settings and --settings-name exclude each other"),
        (["--kubeconfig", "/no/such"], "RAY807: "),
        (["--settings", "{settings}", "-n", "kube-system"], 'RAY801: --namespace is "kube-system"; allowed: one whose'),
        (["--name", "A B"], "RAY801: Invalid value for '--name': 'A B' is no DNS name"),
        (["--settings-name", "A B"], 'RAY801: --settings-name is "A B"; allowed: the name of a ConfigMap'),
        ([], "RAY801: no kubeconfig file is given, and this is no pod with a service account"),
        (["extra"], "RAY801: Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], told: str) -> None:
    given = [argument.format(settings=SETTINGS) for argument in arguments]
    ended = run_command("render", "policy", *given, HOME=str(tmp_path))

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_what_can_be_rendered_is_listed_where_nothing_is_named() -> None:
    ended = run_command("render")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "  policy  " in ended.stderr
    assert run_command("render", "nonsense").stderr.startswith("ray-webhook: RAY801: No such command 'nonsense'")
