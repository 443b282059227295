"""Connecting, with a fake Ray that does to its process what a real one does; tests/ray has the real one."""

from __future__ import annotations

import pytest

from tests.ray_config.support import close_at_once, dashboard, free_port, run, serving

CALL = """
import os, sys, time, signal, threading, logging
import ray_config
from ray_config import *
def told(function, *arguments, **named):
    started = time.monotonic()
    try:
        return {"value": function(*arguments, **named), "seconds": time.monotonic() - started}
    except RayConfigError as error:
        return {"reason": error.reason, "message": str(error), "seconds": time.monotonic() - started}
"""

MISMATCH = """Version mismatch: The cluster was started with:
    Ray: {ray}
    Python: {python}
This process on Ray Client was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


@pytest.fixture
def port() -> object:
    with serving(close_at_once) as port:
        yield port


def client(port: int, **env: str) -> dict[str, str]:
    return {"RAY_ADDRESS": f"ray://127.0.0.1:{port}", "RAY_NAMESPACE": "ns", **env}


def test_address_namespace_and_arguments_reach_ray(port: int) -> None:
    program = f"""{CALL}
session = init_ray_with_smart_defaults(num_cpus=1)
import ray
result = [ray.calls, session.address, session.namespace, session.reused, session.context]
"""
    calls, *session = run(program, fake_ray=True, env=client(port))

    address = f"ray://127.0.0.1:{port}"
    assert calls == [{"address": address, "RAY_ADDRESS": address, "namespace": "ns", "num_cpus": 1}]
    assert session == [address, "ns", False, "a context"]


def test_a_missing_namespace_is_handed_on_as_none_and_never_as_an_empty_one(port: int) -> None:
    program = f"{CALL}init_ray_with_smart_defaults()\nimport ray\nresult = ray.calls[0]['namespace']"

    assert run(program, fake_ray=True, env=client(port, RAY_NAMESPACE="")) is None


def test_a_second_call_returns_the_session_and_does_not_call_ray_again(port: int) -> None:
    program = f"""{CALL}
sessions = [init_ray_with_smart_defaults(), init_ray_with_smart_defaults(namespace="ns"), wait_ready(1)]
import ray
result = [len(ray.calls), [session.reused for session in sessions]]
"""
    assert run(program, fake_ray=True, env=client(port)) == [1, [False, True, True]]


@pytest.mark.parametrize("given_up", [False, True])
def test_a_dead_session_is_replaced_with_the_same_arguments(port: int, *, given_up: bool) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults(namespace="mine", num_cpus=1)
import ray
ray.die(given_up={given_up})
dead = is_connected()
again = wait_ready(5)
result = [dead, again.reused, again.namespace, ray.calls[0] == ray.calls[1], len(ray.calls), is_connected()]
"""
    assert run(program, fake_ray=True, env=client(port)) == [False, False, "mine", True, 2, True]


def test_a_session_that_is_only_slow_is_kept(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
import ray
answer = ray.cluster_resources
ray.cluster_resources = lambda: time.sleep(2.2) or answer()
result = [is_connected(0.1), init_ray_with_smart_defaults().reused, len(ray.calls)]
"""
    assert run(program, fake_ray=True, env=client(port)) == [False, True, 1]


def test_a_task_never_ends_the_raylets_session() -> None:
    program = f"""{CALL}
import ray, ray._private.worker
ray.init("auto", namespace="job's")
ray.die()
result = init_ray_with_smart_defaults().reused
"""
    assert (
        run(program, fake_ray=True, env={"FAKE_RAY_WORKER": "1", "RAY_RAYLET_PID": "1", "RAY_NAMESPACE": "ns"}) is True
    )


@pytest.mark.parametrize(
    ("plan", "reason", "calls"),
    [
        ("ConnectionError:x;ok", None, 2),
        ("ConnectionAbortedError:x;ConnectionError:x;ok", None, 3),
        ("ValueError:no such argument;ok", "rejected", 1),
        ("RuntimeError:Invalid authentication token;ok", "token_wrong", 1),
        (f"RuntimeError:{MISMATCH.format(ray='2.60.0', python='3.12.1')};ok", "python_version", 1),
        (f"RuntimeError:{MISMATCH.format(ray='2.61.0', python='3.11.7')};ok", "ray_version", 1),
    ],
)
def test_what_can_pass_is_tried_again_and_what_cannot_is_not(
    port: int, plan: str, reason: str | None, calls: int
) -> None:
    program = f"""{CALL}
answer = told(lambda: init_ray_with_smart_defaults().namespace)
import ray
result = [answer.get("reason"), len(ray.calls)]
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY=plan)) == [reason, calls]


def test_retries_end_after_their_time_and_tell_the_last_reason() -> None:
    program = f"{CALL}result = told(init_ray_with_smart_defaults, retry=0.5)"
    answer = run(program, fake_ray=True, env=client(free_port()))

    assert answer["reason"] == "refused"
    assert 0.05 < answer["seconds"] < 3


def test_wait_ready_waits_for_a_port_that_comes_later() -> None:
    port = free_port()
    program = f"""{CALL}
import socket
def later():
    time.sleep(0.5)
    globals()["server"] = socket.create_server(("127.0.0.1", {port}))
threading.Thread(target=later).start()
result = told(lambda: wait_ready(20).namespace)["value"]
"""
    assert run(program, fake_ray=True, env=client(port)) == "ns"


def test_a_server_that_stalls_is_left_at_the_deadline_and_can_be_tried_again(port: int) -> None:
    program = f"""{CALL}
first = told(init_ray_with_smart_defaults, timeout=0.5)
second = told(lambda: init_ray_with_smart_defaults().namespace)
result = [first, second]
"""
    first, second = run(program, fake_ray=True, env=client(port, FAKE_RAY="hang;ok"))

    assert first["reason"] == "deadline"
    assert first["seconds"] < 3
    assert second["value"] == "ns"


def test_a_call_that_was_given_up_and_hangs_on_is_never_overtaken(port: int) -> None:
    program = f"""{CALL}
reasons = [told(init_ray_with_smart_defaults, timeout=0.5)["reason"] for _ in range(2)]
import ray
result = [reasons, len(ray.calls)]
"""
    env = client(port, FAKE_RAY="hang;ok", FAKE_RAY_NEVER_ENDS="1")
    assert run(program, fake_ray=True, env=env) == [["deadline"] * 2, 1]


def test_a_call_that_stalls_says_not_connected_and_is_not_joined_by_more(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
answers = [told(is_connected, 0.2) for _ in range(3)]
calling = [thread.name for thread in threading.enumerate() if thread.name == "ray_config.call"]
result = [[answer["value"] for answer in answers], max(answer["seconds"] for answer in answers), len(calling)]
"""
    values, slowest, calling = run(program, fake_ray=True, env=client(port, FAKE_RAY_STALLS="1"))

    assert values == [False] * 3
    assert slowest < 2
    assert calling == 1


def test_rays_time_outs_are_short_unless_the_environment_has_its_own(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
import ray.util.client.worker as worker
result = [worker.TIMEOUTS, os.environ.get("RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S")]
"""
    assert run(program, fake_ray=True, env=client(port)) == [["2", "2"], None]
    own = client(port, RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S="7")
    assert run(program, fake_ray=True, env=own) == [["7", "2"], "7"]


@pytest.mark.parametrize("plan", ["ok", "ValueError:x"])
@pytest.mark.parametrize("address", [None, "local"])
def test_the_sigterm_handler_stays_even_where_ray_fails(port: int, plan: str, address: str | None) -> None:
    program = f"""{CALL}
def handler(*_): pass
signal.signal(signal.SIGTERM, handler)
told(lambda: init_ray_with_smart_defaults({address!r}).namespace)
result = signal.getsignal(signal.SIGTERM) is handler
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY=plan)) is True


@pytest.mark.parametrize("text", ["ray://admin:hunter2@h:10001", "http://h:8265", "local"])
def test_a_wrong_address_on_a_node_is_taken_out_before_ray_reads_it(text: str) -> None:
    program = f"""{CALL}
from ray_config import probe
probe._raylet_runs = lambda: True
told = []
handler = logging.Handler(level="WARNING")
handler.emit = lambda record: told.append(record.getMessage())
logging.getLogger("ray_config").addHandler(handler)
init_ray_with_smart_defaults()
import ray
result = [ray.calls[0]["address"], ray.calls[0]["RAY_ADDRESS"], told]
"""
    env = {"SEEDCORE_RAY_ROLE": "worker", "RAY_ADDRESS": text, "RAY_TMPDIR": "/nonexistent"}
    *called, [told] = run(program, fake_ray=True, env=env)
    assert called == ["auto", None]
    assert "is wrong on a Ray node; connecting to auto" in told
    assert "hunter2" not in told


def test_what_ray_says_is_told_without_passwords(port: int) -> None:
    program = f"{CALL}result = told(init_ray_with_smart_defaults)['message']"
    env = client(port, FAKE_RAY="ValueError:no working_dir https://me:hunter2@git/x.zip here")

    assert "no working_dir https://***@git/x.zip here" in run(program, fake_ray=True, env=env)


def test_without_settings_ray_is_never_called() -> None:
    program = f"""{CALL}
answer = told(init_ray_with_smart_defaults)
result = [answer["reason"], "ray" in sys.modules]
"""
    assert run(program, fake_ray=True) == ["not_configured", False]


def test_a_local_cluster_is_started_where_the_program_says_so() -> None:
    program = f"{CALL}init_ray_with_smart_defaults('local')\nimport ray\nresult = ray.calls[0]['address']"

    assert run(program, fake_ray=True) == "local"


def test_a_jobs_address_cannot_be_connected_to() -> None:
    program = f"{CALL}result = told(init_ray_with_smart_defaults)['reason']"

    assert run(program, fake_ray=True, env={"RAY_ADDRESS": "http://h:8265"}) == "jobs_only"


def test_without_ray_the_error_says_what_to_install(port: int) -> None:
    program = f"{CALL}result = told(init_ray_with_smart_defaults)"
    answer = run(program, env=client(port))

    assert answer["reason"] == "ray_missing"
    assert "install ray[client]" in answer["message"]


def test_without_rays_client_the_error_says_what_to_install(port: int) -> None:
    program = f"{CALL}result = told(init_ray_with_smart_defaults)"
    answer = run(program, hidden=("grpc", "ray.util.client.worker"), fake_ray=True, env=client(port))

    assert answer["reason"] == "ray_missing"


def test_another_version_is_told_before_ray_is_called(port: int) -> None:
    program = f"""{CALL}
answer = told(init_ray_with_smart_defaults)
import ray
result = [answer["reason"], ray.calls]
"""
    with serving(dashboard("2.61.0")) as other:
        url = f"http://127.0.0.1:{other}"
        assert run(program, fake_ray=True, env=client(port, RAY_DASHBOARD_URL=url)) == ["ray_version", []]


def test_one_thread_connects_and_the_others_wait_for_it(port: int) -> None:
    program = f"""{CALL}
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    sessions = list(pool.map(lambda _: init_ray_with_smart_defaults(), range(16)))
import ray
result = [len(ray.calls), sum(not session.reused for session in sessions)]
"""
    assert run(program, fake_ray=True, env=client(port)) == [1, 1]


def test_a_thread_waits_for_another_only_within_its_own_deadline(port: int) -> None:
    program = f"""{CALL}
first = threading.Thread(target=told, args=(init_ray_with_smart_defaults,), kwargs={{"timeout": 2}})
first.start()
time.sleep(0.3)
result = told(init_ray_with_smart_defaults, timeout=0.2)
first.join()
"""
    answer = run(program, fake_ray=True, env=client(port, FAKE_RAY="hang"))

    assert answer["reason"] == "deadline"
    assert "another thread" in answer["message"]


def test_without_a_session_it_is_not_connected_and_ray_is_not_imported() -> None:
    assert run(f"{CALL}result = [is_connected(), 'ray' in sys.modules]", fake_ray=True) == [False, False]


def test_asking_for_the_namespace_never_opens_a_session(port: int) -> None:
    program = f"""{CALL}
from ray_config import session
init_ray_with_smart_defaults()
import ray
ray.shutdown()
result = [told(session.namespace_of_session, 1)["reason"], len(ray.calls)]
"""
    assert run(program, fake_ray=True, env=client(port)) == ["session_failed", 1]


def test_one_session_of_several_is_refused_before_ray_is_called(port: int) -> None:
    program = f"""{CALL}
answer = told(init_ray_with_smart_defaults, allow_multiple=True)
result = [answer["reason"], "ray" in sys.modules, wait_ready(5).namespace]
"""
    assert run(program, fake_ray=True, env=client(port)) == ["rejected", False, "ns"]


def test_waiting_uses_the_arguments_of_the_session_and_not_those_of_calls_that_opened_none(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults(namespace="mine", num_cpus=1)
init_ray_with_smart_defaults()
refused = told(init_ray_with_smart_defaults, namespace="other")["reason"]
kept = wait_ready(5).reused
import ray
ray.die()
again = [wait_ready(5).namespace]
ray.die()
again.append(init_ray_with_smart_defaults().namespace)
result = [refused, kept, again, [call["num_cpus"] for call in ray.calls]]
"""
    assert run(program, fake_ray=True, env=client(port)) == ["session_differs", True, ["mine"] * 2, [1, 1, 1]]


def test_an_address_is_told_only_of_the_session_that_was_opened_here(port: int) -> None:
    program = f"""{CALL}
import ray
here = os.environ["RAY_ADDRESS"]
ray.init(here)
other = told(init_ray_with_smart_defaults, here)["reason"]
plain = init_ray_with_smart_defaults().address
ray.shutdown()
ours = init_ray_with_smart_defaults(here).address == init_ray_with_smart_defaults(here).address == here
ray.shutdown()
ray.init("ray://elsewhere:10001")
result = [other, plain, ours, told(init_ray_with_smart_defaults, here)["reason"], connection_info()["session_address"]]
"""
    assert run(program, fake_ray=True, env=client(port)) == ["session_differs", None, True, "session_differs", None]


def test_another_address_than_the_sessions_is_refused(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
answer = told(init_ray_with_smart_defaults, "ray://127.0.0.1:1")
result = [answer["reason"], answer["message"]]
"""
    reason, message = run(program, fake_ray=True, env=client(port))
    assert reason == "session_differs"
    assert f"connected already, with address ray://127.0.0.1:{port}" in message


def test_a_head_that_stalls_is_told_at_once_and_the_session_is_left_alone() -> None:
    program = f"""{CALL}
import socket, subprocess
server = socket.create_server(("127.0.0.1", int(os.environ["RAY_ADDRESS"].rpartition(":")[2])))
init_ray_with_smart_defaults()
import ray
ray.cluster_resources = lambda: time.sleep(60)
server.close()
answer = told(init_ray_with_smart_defaults)
result = [answer["reason"], answer["seconds"], ray.is_initialized(), len(ray.calls)]
"""
    reason, seconds, *session = run(program, fake_ray=True, env=client(free_port()))

    assert reason == "refused"
    assert seconds < 5
    assert session == [True, 1]


def test_without_retries_a_probe_has_its_whole_time() -> None:
    program = f"""{CALL}
from ray_config import connect
given = []
real = connect.probe
def probe(env, address, seconds):
    given.append(seconds)
    return real(env, address, seconds)
connect.probe = probe
told(init_ray_with_smart_defaults, retry=0)
told(init_ray_with_smart_defaults, retry=0.5)
result = given
"""
    given = run(program, fake_ray=True, env=client(free_port()))

    assert len(given) > 2
    assert set(given) == {2}


def test_no_attempt_begins_that_has_less_time_than_the_last_one_took() -> None:
    program = f"""{CALL}
from ray_config import connect
def probe(env, address, seconds):
    given.append(seconds)
    time.sleep(0.5)
    raise ray_config.errors.SilentError("x", fix="y")
given = []
connect.probe = probe
result = [told(wait_ready, 1.4)["reason"], len(given), min(given)]
"""
    reason, attempts, shortest = run(program, fake_ray=True, env=client(free_port()))

    assert (reason, attempts) == ("silent", 2)
    assert shortest > 0.5


def test_a_thread_that_waits_is_told_the_reason_that_another_one_has_found() -> None:
    program = f"""{CALL}
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda seconds: told(wait_ready, seconds), [3] + [0.5] * 7))
result = [[answer["reason"], answer["seconds"]] for answer in answers]
"""
    (first, *others) = run(program, fake_ray=True, env=client(free_port()))

    assert first[0] == "refused"
    assert [reason for reason, _ in others] == ["refused"] * 7
    assert max(seconds for _, seconds in others) < 2


def test_a_fork_while_another_thread_connects_leaves_the_child_free(port: int) -> None:
    program = f"""{CALL}
thread = threading.Thread(target=told, args=(init_ray_with_smart_defaults,), kwargs={{"timeout": 2}}, daemon=True)
thread.start()
import ray
while not ray.calls:
    time.sleep(0.01)
child = os.fork()
if child == 0:
    os._exit(7 if "thread" in told(init_ray_with_smart_defaults, timeout=1)["message"] else 3)
result = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY="hang")) == 3


@pytest.mark.parametrize("seconds", ["float('inf')", "1e11"])
def test_a_time_without_end_is_taken(port: int, seconds: str) -> None:
    program = f"{CALL}result = [wait_ready({seconds}).namespace, is_connected({seconds})]"

    assert run(program, fake_ray=True, env=client(port)) == ["ns", True]


@pytest.mark.parametrize("seconds", ["None", "-1", "float('nan')", "'x'"])
def test_what_is_no_time_is_named(seconds: str) -> None:
    program = f"{CALL}result = [told(wait_ready, {seconds})['message'], is_connected({seconds})]"
    message, connected = run(program, fake_ray=True)

    assert message.startswith("bad_value: argument timeout is ")
    assert connected is False


@pytest.mark.parametrize("address", [None, "local"])
def test_a_handler_that_python_did_not_set_is_no_error(port: int, address: str | None) -> None:
    program = f"""{CALL}
signal.getsignal = lambda _: None
result = init_ray_with_smart_defaults({address!r}).namespace
"""
    assert run(program, fake_ray=True, env=client(port)) == "ns"


def test_on_a_node_a_ray_that_stalls_is_left_at_the_deadline() -> None:
    program = f"""{CALL}
from ray_config import probe
probe._raylet_runs = lambda: True
result = [told(init_ray_with_smart_defaults, timeout=0.5), told(lambda: init_ray_with_smart_defaults().reused)]
"""
    env = {"SEEDCORE_RAY_ROLE": "head", "RAY_TMPDIR": "/nonexistent", "FAKE_RAY": "hang;ok"}
    first, second = run(program, fake_ray=True, env=env)

    assert first["reason"] == "deadline"
    assert first["seconds"] < 3
    assert second["value"] is False


def test_a_shutdown_that_was_given_up_does_not_end_the_next_session(port: int) -> None:
    program = f"""{CALL}
import ray
end = ray.shutdown
ray.shutdown = lambda: (ray._released.set(), time.sleep(1), end())
first = told(init_ray_with_smart_defaults, timeout=0.5)["reason"]
session = init_ray_with_smart_defaults()
time.sleep(1.5)
result = [first, session.namespace, is_connected()]
"""
    assert run(program, fake_ray=True, env=client(port, FAKE_RAY="hang;ok")) == ["deadline", "ns", True]


def test_a_call_that_hangs_in_a_dead_session_says_nothing_of_its_successor(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
import ray
answer = ray.cluster_resources
ray.cluster_resources = lambda: time.sleep(60)
hung = is_connected(0.2)
ray.cluster_resources = answer
ray.shutdown()
again = init_ray_with_smart_defaults()
result = [hung, again.reused, is_connected()]
"""
    assert run(program, fake_ray=True, env=client(port)) == [False, False, True]


def test_a_shutdown_that_fails_is_told_as_ours_and_tried_again(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
import ray
end = ray.shutdown
def shutdown():
    ray.shutdown = end
    raise RuntimeError("x")
def broken(): ray.shutdown = shutdown; ray.die()
broken()
first = told(init_ray_with_smart_defaults, retry=0)["reason"]
broken()
result = [first, told(lambda: init_ray_with_smart_defaults().reused)["value"]]
"""
    assert run(program, fake_ray=True, env=client(port)) == ["session_failed", False]


def test_a_session_that_never_ends_is_left_at_the_deadline(port: int) -> None:
    program = f"""{CALL}
init_ray_with_smart_defaults()
import ray
ray.shutdown = lambda: time.sleep(60)
ray.die()
answer = told(init_ray_with_smart_defaults, timeout=0.5)
result = [answer["reason"], answer["message"], answer["seconds"]]
"""
    reason, message, seconds = run(program, fake_ray=True, env=client(port))

    assert reason == "deadline"
    assert "does not let go" in message
    assert seconds < 2


def test_rays_warning_about_its_sigterm_handler_is_kept_back_and_no_other_one(port: int) -> None:
    program = f"""{CALL}
told = []
handler = logging.Handler()
handler.emit = lambda record: told.append(record.getMessage())
log = logging.getLogger("ray._private.worker")
log.addHandler(handler)
init_ray_with_smart_defaults()
log.warning("SIGTERM")
result = told
"""
    assert run(program, fake_ray=True, env=client(port)) == ["SIGTERM"]
