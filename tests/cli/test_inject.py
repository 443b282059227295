"""inject and uninject as people run them: on a terminal, in a pipe, on files that are not what they should be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.service import COMMAND, SETTINGS
from tests.terminal import check_golden, on_terminal

CLIENT: Final = """\
# The shop's API
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        ray.seedcore.io/role: client  # what it is
    spec:
      containers:
      - name: api
        env:
        - name: RAY_ADDRESS  # an old one
          value: ray://old:10001
        - {name: OTHER, value: 'x'}
        image: api:1
"""

WORKER: Final = """\
kind: Job
metadata: {name: fit, namespace: shop}
spec:
  template:
    metadata: {annotations: {ray.seedcore.io/role: worker}}
    spec: {containers: [{name: fit, env: [{name: RAY_ADDRESS, value: "ray://x"}, {name: A, value: b}]}]}
"""

DENIED: Final = """\
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  jobTemplate:
    spec:
      template: {metadata: {annotations: {ray.seedcore.io/role: clint}}, spec: {containers: [{name: c}]}}
"""

COMPOSE: Final = """\
# The shop on a laptop
x-logging: &logging
  LOG: debug
services:
  api:
    image: api:1
    labels:
      ray.seedcore.io/role: client  # what it is
    environment:
      <<: *logging
      RAY_ADDRESS: ray://old:10001  # an old one
  head:
    image: ray:2
    command: ray start --head --block
    env_file: ray.env
    labels: [ray.seedcore.io/role=head]
    environment:
    - RAY_ADDRESS=${RAY_ADDRESS:-ray://old:10001}
    - PRICE=5$$
  fit:
    labels: [ray.seedcore.io/role=fitter]
  db:
    image: postgres:17
"""

PLAIN: Final = (
    "kind: Service\nmetadata: {name: api}\n---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"api.yaml": CLIENT, "fit.yml": WORKER, "nightly.yaml": DENIED, "plain.yaml": PLAIN}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def piped(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """As :func:`tests.service.run_command`, to the byte."""
    return subprocess.run([COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, check=False)


ALL: Final = ("--settings", str(SETTINGS), "api.yaml", "-f", "fit.yml", "nightly.yaml", "plain.yaml")


def test_inject_in_a_pipe_gives_manifests_on_stdout_and_a_report_on_stderr(folder: Path) -> None:
    ended = piped("inject", *ALL)

    check_golden("inject-stdout.yaml", ended.stdout.decode())
    check_golden("inject-stderr.txt", ended.stderr.decode())
    assert ended.returncode == 1


def test_inject_on_a_terminal_has_colours_in_its_report_alone(folder: Path) -> None:
    seen = on_terminal("inject", *ALL)

    check_golden("inject-terminal.txt", seen.styled)
    assert seen.returncode == 1
    assert "\x1b" not in on_terminal("inject", *ALL, NO_COLOR="1").text


def test_a_compose_file_in_a_pipe_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)

    ended = piped("inject", "--settings", str(SETTINGS), "compose.yaml")
    back = piped("uninject", "-", stdin=ended.stdout)

    check_golden("inject-compose-stdout.yaml", ended.stdout.decode())
    check_golden("inject-compose-stderr.txt", ended.stderr.decode())
    assert ended.returncode == 1
    assert back.stdout.decode() == COMPOSE
    check_golden("uninject-compose-stderr.txt", back.stderr.decode())
    assert back.returncode == 0


def test_a_compose_file_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)

    seen = on_terminal("inject", "--settings", str(SETTINGS), "-w", "compose.yaml", folder=tmp_path)

    check_golden("inject-compose-terminal.txt", seen.styled)
    assert seen.returncode == 1
    check_golden("inject-compose-stdout.yaml", (tmp_path / "compose.yaml").read_text())


def test_uninject_in_a_pipe_gives_the_manifests_back(folder: Path) -> None:
    injected = piped("inject", *ALL).stdout

    ended = piped("uninject", "-", stdin=injected)

    assert ended.stdout.decode() == "---\n".join([CLIENT, DENIED, PLAIN, WORKER])
    check_golden("uninject-stderr.txt", ended.stderr.decode())
    assert ended.returncode == 0


def test_uninject_on_a_terminal(folder: Path) -> None:
    (folder / "injected.yaml").write_bytes(piped("inject", *ALL).stdout)

    seen = on_terminal("uninject", "injected.yaml")

    check_golden("uninject-terminal.txt", seen.styled)
    assert seen.returncode == 0


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("\n", "\r\n"), lambda text: text[:-1]])
def test_what_goes_through_both_is_the_same_byte_by_byte(folder: Path, change: Callable[[str], str]) -> None:
    given = ("\ufeff" + change(CLIENT)).encode()

    injected = piped("inject", "-", stdin=given)

    assert (injected.returncode, b"RAY_DASHBOARD_URL" in injected.stdout) == (0, True)
    assert piped("uninject", "-", stdin=injected.stdout).stdout == given


def test_json_stays_json(folder: Path) -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"annotations": {"ray.seedcore.io/role": "client"}},
        "spec": {"containers": [{"name": "c"}]},
    }
    (folder / "pod.json").write_text(json.dumps({"kind": "List", "items": [pod]}, indent=2))

    ended = piped("inject", "pod.json")

    (item,) = json.loads(ended.stdout)["items"]
    assert item["spec"]["containers"][0]["env"][0] == {"name": "RAY_HOST", "value": "seedcore-head-svc"}
    assert b'\n                "name": "RAY_HOST",\n' in ended.stdout


def test_files_are_written_in_place_where_they_change(folder: Path) -> None:
    stamp = (folder / "plain.yaml").stat().st_mtime_ns

    ended = piped("inject", "-w", "api.yaml", "plain.yaml")

    assert (ended.returncode, ended.stdout) == (0, b"")
    assert "RAY_DASHBOARD_URL" in (folder / "api.yaml").read_text()
    assert (folder / "plain.yaml").stat().st_mtime_ns == stamp
    assert piped("uninject", "-w", "api.yaml", "plain.yaml").returncode == 0
    assert (folder / "api.yaml").read_text() == CLIENT


def test_a_link_that_leads_out_of_the_directory_is_written_only_where_it_is_named(folder: Path) -> None:
    (folder / "given").mkdir()
    (folder / "given" / "link.yaml").symlink_to("../api.yaml")

    ended = piped("inject", "-w", "given")

    assert ended.returncode == 2
    assert 'file "given/link.yaml" is a link out of the folder that was given; name it' in ended.stderr.decode()
    assert (folder / "api.yaml").read_text() == CLIENT
    assert piped("inject", "-w", "given/link.yaml").returncode == 0
    assert "RAY_DASHBOARD_URL" in (folder / "api.yaml").read_text()


def test_a_directory_is_its_manifests_but_not_those_of_kustomize_or_below(folder: Path) -> None:
    (folder / "kustomization.yaml").write_text("resources: [api.yaml]\n")
    (folder / "notes.txt").write_text("role: client\n")
    (folder / "below").mkdir()
    (folder / "below" / "api.yaml").write_text(CLIENT)

    ended = piped("inject", str(folder))

    reported = [line.partition(":")[0] for line in ended.stderr.decode().splitlines() if not line.startswith("  ")]
    assert reported == [str(folder / name) for name in ("api.yaml", "fit.yml", "nightly.yaml", "plain.yaml")]


def test_a_default_role_is_for_pods_without_one(folder: Path) -> None:
    ended = piped("inject", "plain.yaml", "--default-role", "client", "-n", "shop")

    assert b"plain.yaml:4: Pod shop/p: RAY101 client settings injected" in ended.stderr
    assert piped("uninject", "-", stdin=ended.stdout).stdout.decode() == PLAIN


BAD: Final = [
    (b"\xff\xfe\x00", "has a byte at 0 that is not UTF-8"),
    (b"kind: [", "is not YAML"),
    (b"kind: Pod\nspec: {{ .Values.spec }}\n", "has a key that is no text"),
    (b"{{- if .Values.on }}\nkind: Pod\n{{- end }}\n", "is not YAML"),
    (b"services: {a: {}}\n---\nservices: {b: {}}\n", "has 2 documents; allowed: one document in a Compose file"),
    (b"services: {a: !x {}}\n", "has the tag"),
    (b"text", "has a document that is no Kubernetes object"),
    (b"[" * 200_000, "has more than 100 levels of nesting"),
    (b"kind: Pod\na: &a [*a]\n", "has more than 100 levels of nesting"),
    (b"#" * (100 * 1024 * 1024), "is larger than 67108864 bytes"),
]


@pytest.mark.parametrize("command", ["inject", "uninject"])
@pytest.mark.parametrize(("content", "told"), BAD, ids=[row[1] for row in BAD])
def test_a_bad_file_is_one_line_and_the_others_are_handled(
    folder: Path, command: str, content: bytes, told: str
) -> None:
    (folder / "bad.yaml").write_bytes(content)

    ended = piped(command, "plain.yaml", "bad.yaml", "api.yaml", "--settings", str(SETTINGS))

    (line,) = [line for line in ended.stderr.decode().splitlines() if "RAY802" in line]
    assert line.startswith('ray-webhook: RAY802: file "bad.yaml"')
    assert told in line
    assert ended.returncode == 2
    assert "Deployment shop/api" in ended.stderr.decode()
    assert ended.stdout.startswith(PLAIN.encode())
    assert b"kind: Deployment" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "RAY801: nothing is given"),
        (("-w", "-"), "RAY801: --in-place is given with standard input"),
        (("/no/such",), 'RAY802: file "/no/such" cannot be read (No such file or directory)'),
        (("--settings", "/no/such", "api.yaml"), 'RAY802: file "/no/such" cannot be read'),
        (("--default-role", "head", "api.yaml"), "RAY801: Invalid value for '--default-role'"),
    ],
)
@pytest.mark.parametrize("command", ["inject", "uninject"])
def test_wrong_usage_is_one_line_and_status_2(
    folder: Path, command: str, arguments: tuple[str, ...], told: str
) -> None:
    ended = piped(command, *arguments)

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.decode().startswith(f"ray-webhook: {told}")
    assert ended.stderr.count(b"\n") == 1


def test_a_directory_without_manifests_is_told(folder: Path) -> None:
    (folder / "empty").mkdir()

    ended = piped("inject", "empty", "plain.yaml")

    assert (ended.returncode, ended.stdout.decode()) == (2, PLAIN)
    assert b'RAY802: file "empty" has no manifest; allowed: *.yaml, *.yml, *.json; give one' in ended.stderr


def test_a_namespace_that_is_guessed_is_told(folder: Path) -> None:
    text = CLIENT.replace(", namespace: shop", "").replace(
        "role: client", "role: client\n        ray.seedcore.io/cluster: c"
    )

    guessed, given = piped("inject", "-", stdin=text.encode()), piped("inject", "-", "-n", "shop", stdin=text.encode())

    assert b"c-head-svc.default.svc.cluster.local" in guessed.stdout
    assert b'warning RAY684: the namespace is taken for "default"; give the namespace with -n' in guessed.stderr
    assert b"c-head-svc.shop.svc.cluster.local" in given.stdout
    assert b"RAY684" not in given.stderr


def test_manifests_without_pods_are_passed_on(folder: Path) -> None:
    text = "# nothing\nkind: ConfigMap\n---\n---\nkind: Strange\nspec: {template: {spec: {}}}\n"

    ended = piped("inject", "-", stdin=text.encode())

    assert (ended.returncode, ended.stdout.decode(), ended.stderr) == (0, text, b"-: no pod template\n")


def test_files_are_written_by_rename_so_that_nobody_sees_half_of_one(folder: Path) -> None:
    (folder / "api.yaml").chmod(0o640)
    with (folder / "api.yaml").open() as opened:
        assert piped("inject", "-w", "api.yaml").returncode == 0
        assert opened.read() == CLIENT
    assert (folder / "api.yaml").stat().st_mode & 0o777 == 0o640
