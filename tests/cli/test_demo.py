from __future__ import annotations

from tests.service import run_command


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


def test_piped_output_has_no_colours() -> None:
    assert "\x1b" not in run_command("demo").stdout
