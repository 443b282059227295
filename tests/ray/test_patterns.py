"""The seed's three ways to connect side by side, with the webhook and without: where the hand-written ones go wrong."""

from __future__ import annotations

import pytest

from tests.ray.conftest import Cluster
from tests.ray.programs import DERIVING, FACTS, LIBRARY, MANUAL, run

PATTERNS = {"manual": MANUAL, "deriving": DERIVING, "library": LIBRARY}


def program(cluster: Cluster, pattern: str) -> str:
    connect = PATTERNS[pattern].replace("CLIENT_PORT", repr(str(cluster.ports.client)))
    return f"{connect}{FACTS}report(**facts())"


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("role", ["client", "head"])
def test_under_injected_env_all_three_do_the_same(cluster: Cluster, role: str, pattern: str) -> None:
    report = run(program(cluster, pattern), cluster.after(role)).report

    assert report["by_client"] is (role == "client")
    assert report["namespace"] == "seedcore-dev"
    assert report["square"] == 49


@pytest.mark.parametrize(("pattern", "by_client"), [("manual", False), ("library", False), ("deriving", True)])
def test_on_a_worker_deriving_opens_a_client_session_to_its_own_cluster(
    cluster: Cluster, pattern: str, *, by_client: bool
) -> None:
    environment = cluster.after("worker")
    assert "RAY_ADDRESS" not in environment

    assert run(program(cluster, pattern), environment).report["by_client"] is by_client


IN_A_TASK = """
import ray, ray_config
ray_config.init_ray_with_smart_defaults(log_to_driver=False)

@ray.remote(num_cpus=0.1, max_calls=1)  # a process of its own each time
def task(pattern):
    import os, time
    from ray.util.client import ray as client
    before = ray.get_runtime_context().get_job_id()
    started = time.monotonic()
    if pattern == "library":
        ray_config.init_ray_with_smart_defaults()
    else:
        ray.init(os.getenv("RAY_ADDRESS", "auto"), namespace=os.getenv("RAY_NAMESPACE"), ignore_reinit_error=True)
    took = time.monotonic() - started
    nested = client.is_connected()
    return {"nested": nested, "same_job": before == ray.get_runtime_context().get_job_id(), "seconds": took}

cases = [(node, pattern) for node in ("before", "after") for pattern in ("manual", "library")]
tasks = {" ".join(case): task.options(resources={case[0]: 1}).remote(case[1]) for case in cases}
report(**{name: ray.get(result) for name, result in tasks.items()})
"""


def test_in_a_task_only_the_manual_pattern_without_the_webhook_opens_a_nested_session(cluster: Cluster) -> None:
    found = run(IN_A_TASK, cluster.after("client")).report

    assert {case for case, told in found.items() if told["nested"]} == {"before manual"}
    assert {case for case, told in found.items() if not told["same_job"]} == {"before manual"}
    assert all(told["seconds"] < 0.5 for case, told in found.items() if case != "before manual")


def test_a_polluted_head_breaks_rays_own_commands_until_the_webhook_mends_it(cluster: Cluster) -> None:
    program = "import subprocess, sys\nreport(status=subprocess.run(['ray', 'status'], capture_output=True).returncode)"

    assert run(program, cluster.before("head")).report["status"] != 0
    assert run(program, cluster.after("head")).report["status"] == 0


@pytest.mark.parametrize("role", ["head", "worker"])
def test_a_polluted_node_that_knows_its_role_connects_directly_all_the_same(cluster: Cluster, role: str) -> None:
    environment = cluster.before(role) | {
        "SEEDCORE_RAY_ROLE": role,
        "RAY_ADDRESS": f"ray://127.0.0.1:{cluster.ports.client}",
    }
    report = run(f"{LIBRARY}{FACTS}report(**facts(), address=os.environ.get('RAY_ADDRESS'))", environment).report

    assert not report["by_client"]
    assert report["address"] is None


def test_without_a_cluster_the_library_never_starts_one_where_a_bare_init_does(cluster: Cluster) -> None:
    environment = {**cluster.base, "RAY_TMPDIR": f"{cluster.base['RAY_TMPDIR']}/none"}
    ended = run(LIBRARY, environment)

    assert "not_configured: RAY_ADDRESS is not set" in ended.errors
