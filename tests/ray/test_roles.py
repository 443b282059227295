"""The env that the real service makes for each role, in real processes on a real Ray with token authentication."""

from __future__ import annotations

import pytest

from tests.ray.conftest import Cluster
from tests.ray.programs import FACTS, LIBRARY, run


@pytest.mark.parametrize("role", ["client", "legacy client"])
def test_a_client_connects_by_ray_client_in_its_namespace_and_runs_a_task(cluster: Cluster, role: str) -> None:
    report = run(f"{LIBRARY}{FACTS}report(**facts())", cluster.after(role)).report

    assert report["by_client"]
    assert report["namespace"] == "seedcore-dev"
    assert report["square"] == 49


@pytest.mark.parametrize("role", ["head", "worker"])
def test_a_driver_on_a_node_connects_directly_in_its_namespace_and_runs_a_task(cluster: Cluster, role: str) -> None:
    report = run(f"{LIBRARY}{FACTS}report(**facts())", cluster.after(role)).report

    assert not report["by_client"]
    assert report["namespace"] == "seedcore-dev"
    assert report["square"] == 49


def test_a_job_pod_submits_a_job_whose_driver_connects_by_itself(cluster: Cluster) -> None:
    report = run(
        """
import sys
from ray.job_submission import JobSubmissionClient
from ray_config import get_ray_dashboard_address
client = JobSubmissionClient(get_ray_dashboard_address())
driver = '''
import ray, ray_config
session = ray_config.init_ray_with_smart_defaults()
print("driver:", ray_config.get_ray_role(), session.namespace, ray.get(ray.remote(lambda: 6 * 7).remote()))
'''
job = client.submit_job(entrypoint=f"{sys.executable} -c '{driver}'")
while not (status := client.get_job_status(job)).is_terminal():
    time.sleep(0.2)
report(status=status, log=client.get_job_logs(job))
""",
        cluster.after("jobs"),
    ).report

    assert report["status"] == "SUCCEEDED", report
    assert "driver: head seedcore-dev 42" in report["log"]


def test_a_job_pod_that_connects_is_told_at_once_what_it_is_for(cluster: Cluster) -> None:
    ended = run(LIBRARY, cluster.after("jobs"))

    assert ended.status == 1
    assert "jobs_only: RAY_ADDRESS is" in ended.errors
    assert "JobSubmissionClient(get_ray_dashboard_address())" in ended.errors


SERVE = """
import os
from ray import serve
from starlette.requests import Request
import ray_config
ray_config.init_ray_with_smart_defaults(log_to_driver=False)
port = int(ray_config.get_ray_serve_address().rpartition(":")[2])
serve.start(http_options={"host": "127.0.0.1", "port": port})

@serve.deployment(ray_actor_options={"resources": {NODE: 1}, "num_cpus": 0.1})
class Replica:
    async def __call__(self, request: Request):
        import ray, ray_config.aio
        from ray.util.client import ray as client
        before = ray.get_runtime_context().get_job_id()
        session = await ray_config.aio.init_ray_with_smart_defaults()
        return {
            "reused": session.reused, "session": session.namespace, "ours": ray_config.get_ray_namespace(),
            "role": ray_config.get_ray_role(), "by_client": client.is_connected(),
            "same_job": before == ray.get_runtime_context().get_job_id(),
            "connected": await ray_config.aio.is_connected(), "square": await square.remote(7),
            "actor": ray.get_runtime_context().get_actor_id() is not None,
        }

serve.run(Replica.bind(), name=NODE, route_prefix="/" + NODE)
report(url=ray_config.get_ray_serve_address(NODE))
"""
ASK = """
import json, urllib.request
from ray_config import get_ray_serve_address
with urllib.request.urlopen(get_ray_serve_address(NODE), timeout=60) as answer:
    report(**json.load(answer))
"""


@pytest.mark.parametrize("node", ["before", "after"])
def test_a_serve_replica_on_a_worker_keeps_its_own_session(cluster: Cluster, node: str) -> None:
    constant = f"NODE = {node!r}\n"
    deployed = run(f"{FACTS}{constant}{SERVE}", cluster.after("head")).report
    answer = run(constant + ASK, cluster.after("client")).report

    assert deployed["url"] == f"http://127.0.0.1:{cluster.ports.serve}/{node}"
    assert answer == {
        "reused": True,
        "session": "seedcore-dev",
        "ours": "seedcore-dev" if node == "after" else None,
        "role": "worker",
        "by_client": False,
        "same_job": True,
        "connected": True,
        "square": 49,
        "actor": True,
    }


HANDLER = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: report(handled=True))
"""


@pytest.mark.parametrize("role", ["client", "worker"])
def test_the_applications_sigterm_handler_stays(cluster: Cluster, role: str) -> None:
    program = f"{HANDLER}{LIBRARY}os.kill(os.getpid(), signal.SIGTERM)\n"

    assert run(program, cluster.after(role)).report == {"handled": True}


def test_arguments_are_handed_on_to_ray(cluster: Cluster) -> None:
    program = """
from ray_config import init_ray_with_smart_defaults
session = init_ray_with_smart_defaults(
    namespace="other", runtime_env={"env_vars": {"GIVEN": "here"}}, log_to_driver=False, logging_level="ERROR")
import os, ray
report(namespace=session.namespace, given=ray.get(ray.remote(lambda: os.environ["GIVEN"]).remote()))
"""
    assert run(program, cluster.after("client")).report == {"namespace": "other", "given": "here"}


def test_many_threads_connect_once(cluster: Cluster) -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from ray_config import init_ray_with_smart_defaults, is_connected
with ThreadPoolExecutor(8) as pool:
    sessions = list(pool.map(lambda _: init_ray_with_smart_defaults(), range(8)))
    report(new=sum(not s.reused for s in sessions), connected=all(pool.map(lambda _: is_connected(), range(8))))
"""
    assert run(program, cluster.after("client")).report == {"new": 1, "connected": True}


def test_a_session_that_is_not_what_is_asked_for_is_refused(cluster: Cluster) -> None:
    program = f"""{LIBRARY}
from ray_config import RayConfigError
reasons = []
for arguments in ({{"namespace": "other"}}, {{"address": "ray://127.0.0.1:1"}}):
    try:
        init_ray_with_smart_defaults(**arguments)
    except RayConfigError as error:
        reasons.append(error.reason)
report(reasons=reasons, reused=init_ray_with_smart_defaults(namespace="seedcore-dev").reused)
"""
    assert run(program, cluster.after("client")).report == {"reasons": ["session_differs"] * 2, "reused": True}


def test_asking_a_session_that_has_ended_starts_no_cluster(cluster: Cluster) -> None:
    program = """
import ray
from ray_config import RayConfigError, connection_info, init_ray_with_smart_defaults, session
asked = []
for ask in (lambda: session.namespace_of_session(5), lambda: init_ray_with_smart_defaults(allow_multiple=True)):
    try:
        ask()
    except RayConfigError as error:
        asked.append(error.reason)
report(asked=asked, namespace=connection_info()["session_namespace"], open=ray.is_initialized())
"""
    report = run(program, cluster.after("client") | {"RAY_ADDRESS": ""}).report

    assert report == {"asked": ["session_failed", "rejected"], "namespace": None, "open": False}
