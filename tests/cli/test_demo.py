from __future__ import annotations

import fcntl
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.picture import picture
from tests.service import COMMAND, run_command
from tests.terminal import check_golden, on_terminal
from webhook.cli import demo

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "demo.svg"


def test_demo_shows_each_pod_with_what_changed_and_why_and_ends_by_itself() -> None:
    ended = run_command("demo")

    assert (ended.returncode, ended.stderr) == (0, "")
    text = ended.stdout
    assert "~ RAY_ADDRESS             ray://seedcore-head-svc:10001   (was ray://ray-old-svc:10001)" in text
    assert "denied RAY301: annotation ray.seedcore.io/role" in text
    table = text[text.rindex("\npod ") :].splitlines()[2:]
    outcomes = {line.split()[0]: (line.split()[2], line.split()[3]) for line in table}
    assert outcomes == {
        "api": ("allowed", "RAY101"),
        "serve-before-the-migration": ("allowed", "RAY101"),
        "nightly-train": ("allowed", "RAY101"),
        "head": ("allowed", "RAY102"),
        "worker": ("allowed", "RAY103"),
        "kuberay-worker": ("allowed", "RAY105"),
        "opted-out": ("allowed", "RAY203"),
        "strict": ("denied", "RAY309"),
        "misspelt": ("denied", "RAY301"),
    }


def test_the_picture_in_the_readme_is_what_it_prints() -> None:
    """Two of the pods are shown. The port, another each time, is written as 8443. `make picture` draws it anew."""
    paragraphs = on_terminal("demo").text.split("\n\n")
    (api,) = (text for text in paragraphs if text.startswith("\x1b[1mapi\x1b"))
    (head,) = (text for text in paragraphs if text.startswith("\x1b[1mhead\x1b"))
    seen = "\n\n".join(["$ make demo\n" + paragraphs[0], api, "...", head, "...", paragraphs[-1]])

    check_golden(str(PICTURE), picture("make demo", re.sub(r"(?<=127\.0\.0\.1:)\d+", "8443", seen)))


def test_piped_output_has_no_colours() -> None:
    assert "\x1b" not in run_command("demo").stdout


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_demo_leaves_no_service_running(sent: signal.Signals, status: int) -> None:
    """A pipe of one page, less than the demo prints, keeps it from ending by itself.

    Whoever runs the tests in the background may ignore SIGINT, and would have the demo ignore it, too.
    """
    command = ["env", "--default-signal=INT", COMMAND, "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        line = process.stdout.readline().decode()
        process.send_signal(sent)
        _, told = process.communicate(timeout=60)

    assert (process.returncode, told.strip()) == (status, b"")
    port = int(line.removeprefix("ray-webhook serves https://127.0.0.1:").split()[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_service_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_SECONDS", 0.1)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"

    demo._end(process)

    assert process.returncode == -signal.SIGKILL


def test_one_change_is_one_change() -> None:
    text = run_command("demo").stdout

    assert " 1 change\n" in text
    assert " 1 changes" not in text


def test_disk_that_takes_no_file_is_one_line_and_status_3() -> None:
    script = 'ulimit -f 0; exec "$0" demo'
    ended = subprocess.run(["/bin/sh", "-c", script, COMMAND], capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (3, "", 1)
    assert ended.stderr.startswith('ray-webhook: RAY800: the system refused ("[Errno 2] No usable temporary directory')
