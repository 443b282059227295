"""Counts and log records, with the libraries and without."""

from __future__ import annotations

import pytest

from ray_config.errors import all_reasons
from tests.ray_config.support import close_at_once, free_port, run, serving

PROGRAM = """
import logging, os
records = []
class Handler(logging.Handler):
    def emit(self, record):
        records.append([record.levelname, getattr(record, "ray_reason", None)])
logging.getLogger("ray_config").addHandler(Handler())
logging.getLogger("ray_config").setLevel("INFO")
from ray_config import RayConfigError, init_ray_with_smart_defaults, is_connected, wait_ready
try:
    init_ray_with_smart_defaults("ray://127.0.0.1:" + os.environ["CLOSED"], retry=0)
except RayConfigError:
    pass
init_ray_with_smart_defaults()
import ray
ray.die()
is_connected()
wait_ready()
"""
PROMETHEUS = """
from prometheus_client import REGISTRY
result = {sample.name: sample.value for metric in REGISTRY.collect() for sample in metric.samples
          if sample.name.startswith("ray_config") and not sample.name.endswith(("_bucket", "_created"))}
result["reasons"] = [sample.labels for metric in REGISTRY.collect() for sample in metric.samples
                     if sample.name == "ray_config_connect_failures_total"]
"""
OPEN_TELEMETRY = """
import sys, types
measured = []
class Instrument:
    def __init__(self, name, **_): self.name = name
    def add(self, value, attributes): measured.append([self.name, value, attributes])
    def record(self, value): measured.append([self.name, "seconds", {}])
    def set(self, value): measured.append([self.name, value, {}])
class Meter:
    create_counter = create_histogram = create_gauge = lambda self, name, **_: Instrument(name)
metrics = types.SimpleNamespace(get_meter=lambda name: Meter())
sys.modules |= {"opentelemetry": types.SimpleNamespace(metrics=metrics), "opentelemetry.metrics": metrics}
"""


@pytest.fixture
def env() -> object:
    with serving(close_at_once) as port:
        yield {"RAY_ADDRESS": f"ray://127.0.0.1:{port}", "CLOSED": str(free_port())}


def test_prometheus_counts_attempts_failures_by_reason_successes_seconds_and_reconnects(env: dict[str, str]) -> None:
    counted = run(PROGRAM + PROMETHEUS, fake_ray=True, hidden=("grpc", "opentelemetry"), env=env)

    assert 0 < counted.pop("ray_config_connect_seconds_sum") < 10
    assert counted == {
        "ray_config_connect_attempts_total": 3,
        "ray_config_connect_successes_total": 2,
        "ray_config_connect_failures_total": 1,
        "ray_config_connect_seconds_count": 2,
        "ray_config_reconnects_total": 1,
        "ray_config_connected": 1,
        "reasons": [{"reason": "refused"}],
    }


def test_opentelemetry_is_told_the_same(env: dict[str, str]) -> None:
    program = f"{OPEN_TELEMETRY}{PROGRAM}\nresult = measured"
    measured = run(program, fake_ray=True, hidden=("grpc", "prometheus_client"), env=env)

    assert ["ray_config_connect_failures", 1, {"reason": "refused"}] in measured
    names = [name for name, *_ in measured]
    assert {name: names.count(name) for name in set(names) - {"ray_config_connected"}} == {
        "ray_config_connect_attempts": 3,
        "ray_config_connect_failures": 1,
        "ray_config_connect_successes": 2,
        "ray_config_connect_seconds": 2,
        "ray_config_reconnects": 1,
    }
    assert [value for name, value, _ in measured if name == "ray_config_connected"] == [1, 0, 1]


def test_log_records_tell_it_without_any_library(env: dict[str, str]) -> None:
    assert run(f"{PROGRAM}\nresult = records", fake_ray=True, env=env) == [
        ["WARNING", "refused"],
        ["INFO", None],
        ["INFO", None],
    ]


def test_threads_that_count_first_at_the_same_time_make_the_instruments_once() -> None:
    program = """
import sys, threading, time
import prometheus_client
make = prometheus_client.Counter
prometheus_client.Counter = lambda *given: time.sleep(0.05) or make(*given)
from concurrent.futures import ThreadPoolExecutor
from ray_config import is_connected
with ThreadPoolExecutor(4) as pool:
    answers = list(pool.map(lambda _: is_connected(), range(4)))
result = [answers, prometheus_client.REGISTRY.get_sample_value("ray_config_connected")]
"""
    assert run(program, hidden=("grpc", "opentelemetry")) == [[False] * 4, 0]


@pytest.mark.parametrize(
    "broken",
    [
        "del Meter.create_gauge",
        "def fail(*_): raise RuntimeError('broken')\nInstrument.add = Instrument.set = fail",
    ],
)
def test_a_library_that_fails_is_told_once_and_done_without(broken: str, env: dict[str, str]) -> None:
    program = f"{OPEN_TELEMETRY}\n{broken}\n{PROGRAM}\nresult = [records, is_connected()]"
    records, connected = run(program, fake_ray=True, hidden=("grpc", "prometheus_client"), env=env)

    assert connected is True
    assert records == [["WARNING", None], ["WARNING", "refused"], ["INFO", None], ["INFO", None]]


def test_a_missing_folder_of_prometheus_does_no_harm(env: dict[str, str]) -> None:
    env = env | {"PROMETHEUS_MULTIPROC_DIR": "/nonexistent"}
    program = f"{PROGRAM}\nresult = [records[0], is_connected()]"

    assert run(program, fake_ray=True, hidden=("grpc", "opentelemetry"), env=env) == [["WARNING", None], True]


def test_a_reason_is_a_short_word_fit_for_a_label() -> None:
    assert all(reason.isascii() and reason.replace("_", "").isalpha() and len(reason) < 20 for reason in all_reasons())
