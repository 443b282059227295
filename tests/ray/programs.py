"""Programs as they run inside pods: real processes with nothing of ours in their env but what the pod has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SECONDS: Final = 120
PYTHON: Final = (sys.executable, "-P")
"""Without the current folder on its path: the installed wheel is what is tested."""

REPORT: Final = """
import json, time
def report(**fields):
    print("REPORT " + json.dumps(fields), flush=True)
"""
"""Put before each program: it tells its results by ``report(name=value)``."""

FACTS: Final = """
import os, ray
from ray.util.client import ray as client
@ray.remote
def square(number):
    return number * number
def facts():
    context = ray.get_runtime_context()
    return {
        "by_client": client.is_connected(), "namespace": context.namespace, "square": ray.get(square.remote(7)),
        "job": context.get_job_id(),
    }
"""
"""What a program that has connected can find out: how, in which namespace, and whether a task runs."""

LIBRARY: Final = """
from ray_config import init_ray_with_smart_defaults
init_ray_with_smart_defaults()
"""
MANUAL: Final = """
import os, ray
ray.init(address=os.getenv("RAY_ADDRESS", "auto"), namespace=os.getenv("RAY_NAMESPACE"))
"""
DERIVING: Final = """
import os, ray
address = os.getenv("RAY_ADDRESS")
if not address:
    address = f"ray://{os.environ['RAY_HOST']}:{os.environ.get('RAY_PORT', CLIENT_PORT)}"
ray.init(address=address, namespace=os.getenv("RAY_NAMESPACE"))
"""
"""The seed's two hand-written patterns; CLIENT_PORT is replaced by that of the test's cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A program that has ended."""

    status: int
    output: str
    errors: str

    @property
    def report(self) -> dict[str, Any]:
        """What it reported; fails with all that it printed where it reported nothing."""
        lines = [line for line in self.output.splitlines() if line.startswith("REPORT ")]
        assert lines, f"status {self.status}, no report; stdout: {self.output} stderr: {self.errors}"
        report: dict[str, Any] = json.loads(lines[-1].removeprefix("REPORT "))
        return report


def run(program: str, environment: Mapping[str, str], *, seconds: float = SECONDS) -> Ended:
    """Run Python source to its end."""
    return run_command([*PYTHON, "-c", REPORT + program], environment, seconds=seconds)


def run_command(command: list[str], environment: Mapping[str, str], *, seconds: float = SECONDS) -> Ended:
    """Run a command to its end."""
    ended = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False)
    return Ended(status=ended.returncode, output=ended.stdout, errors=ended.stderr)


class Shell:
    """A program that goes on: it evaluates an expression a line and answers with its value, or with its reason."""

    _PROGRAM: Final = """
import json, sys, time
import ray, ray_config
from prometheus_client import REGISTRY
for line in sys.stdin:
    started = time.monotonic()
    try:
        answer = {"value": eval(line)}
    except ray_config.RayConfigError as error:
        answer = {"reason": error.reason, "message": str(error)}
    answer["seconds"] = time.monotonic() - started
    print("ANSWER " + json.dumps(answer, default=str), flush=True)
"""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [*PYTHON, "-c", self._PROGRAM],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, expression: str) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                answer: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                return answer
        raise AssertionError(f"the program ended with {self.process.wait()} at {expression}")

    def close(self) -> None:
        """End it and wait."""
        self.process.kill()
        self.process.communicate()
