"""``ray-webhook serve`` on a cluster: not ready before the first list, then decisions by what the cluster says."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cluster.fake_api_server import CLUSTERS, CONFIG_MAPS, FakeApiServer, running_api_server
from tests.cluster.support import until
from tests.service import COMMAND, RunningService, client_pod, run_command, running_service

OWN = "ray-webhook-system"


@pytest.fixture
def fake() -> FakeApiServer:
    server = FakeApiServer()
    server.serve_kind(CLUSTERS)
    server.config_map(OWN, {"RAY_HOST": "wide"})
    return server


@contextmanager
def serving(folder: Path, url: str, *flags: str) -> Iterator[RunningService]:
    """Run the service on the cluster at `url`; gives it as soon as it listens."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(kubeconfig_for(url))
    with running_service(folder, "--kubeconfig", str(kubeconfig), *flags, settings=None) as service:
        yield service


def kubeconfig_for(url: str) -> str:
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def is_ready(service: RunningService) -> bool:
    return service.ops("/readyz")[0] == 200


def host_given(service: RunningService, **annotations: str) -> str:
    """The RAY_HOST that a client in the namespace of the sample pod gets."""
    review = client_pod({f"ray.seedcore.io/{key}": value for key, value in annotations.items()})
    operations = json.loads(base64.b64decode(service.review(review)["patch"]))
    return str(next(entry["value"] for entry in operations[0]["value"] if entry["name"] == "RAY_HOST"))


def test_pods_get_what_the_cluster_says_and_changes_are_in_force_at_once(tmp_path: Path, fake: FakeApiServer) -> None:
    namespace = client_pod()["request"]["namespace"]
    with running_api_server(fake) as url, serving(tmp_path, url) as service:
        until(lambda: is_ready(service), "it is ready")
        assert host_given(service) == "wide"

        fake.config_map(namespace, {"RAY_HOST": "own"})
        until(lambda: host_given(service) == "own", "the namespace's settings hold", seconds=1)
        moved = {"headGroupSpec": {"headService": {"metadata": {"name": "moved"}}}}
        fake.put(CLUSTERS, namespace, "train", spec=moved)
        expected = f"moved.{namespace}.svc.cluster.local"
        until(lambda: host_given(service, cluster="train") == expected, "the cluster is found", seconds=1)


def test_until_the_first_list_nobody_is_answered_but_told_to_ask_again(tmp_path: Path, fake: FakeApiServer) -> None:
    fake.faults.status[CONFIG_MAPS] = 500
    with running_api_server(fake) as url, serving(tmp_path, url) as service:
        answer = service.post(json.dumps(client_pod()).encode())
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert service.ops("/readyz")[0] == 503
        assert service.ops("/healthz")[0] == 200
        assert service.events("cluster request failed")

        fake.faults.status.clear()
        until(lambda: is_ready(service), "it is ready")
        assert host_given(service) == "wide"


def test_without_an_api_server_it_answers_from_what_it_knew(tmp_path: Path, fake: FakeApiServer) -> None:
    stack = ExitStack()
    with running_api_server(fake) as url:
        service = stack.enter_context(serving(tmp_path, url))
        until(lambda: is_ready(service), "it is ready")
    with stack:
        service.await_event("cluster request failed")
        assert is_ready(service)
        assert host_given(service) == "wide"


def test_metrics_tell_of_settings_targets_and_watches(tmp_path: Path, fake: FakeApiServer) -> None:
    fake.put(CLUSTERS, "team-a", "train", spec={})
    with running_api_server(fake) as url, serving(tmp_path, url) as service:
        until(lambda: is_ready(service), "it is ready")
        assert service.metric("ray_webhook_settings_good") == 1
        assert service.metric("ray_webhook_targets") == 1
        assert service.metric('ray_webhook_watch_state{resource="rayservices",state="absent"}') == 1
        fake.config_map("team-b", {"RAY_PORT": "99999"})

        broken = 'ray_webhook_settings_broken_key{config_map="team-b/ray-settings",key="RAY_PORT"}'
        until(lambda: service.metric(broken) == 1, "the key is named")
        until(lambda: service.metric("ray_webhook_settings_good") == 0, "it is told")
        assert service.metric('ray_webhook_settings_configmaps{state="broken"}') == 1
        assert service.metric('ray_webhook_settings_configmaps{state="good"}') == 1
        fake.faults.status[CLUSTERS] = 500
        fake.break_watches()
        until(lambda: service.metric('ray_webhook_watch_failures_total{resource="rayclusters"}') > 0, "it is counted")


def test_it_ends_on_a_signal_with_status_0_while_it_watches(tmp_path: Path, fake: FakeApiServer) -> None:
    with running_api_server(fake) as url, serving(tmp_path, url) as service:
        until(lambda: is_ready(service), "it is ready")
        os.kill(service.process.pid, signal.SIGTERM)
        assert service.process.wait(timeout=5) == 0

    assert service.events("ended")
    assert b"Traceback" not in b"".join(service.lines)


def test_own_namespace_is_the_one_given(tmp_path: Path, fake: FakeApiServer) -> None:
    fake.config_map("elsewhere", {"RAY_HOST": "elsewhere"})
    with running_api_server(fake) as url, serving(tmp_path, url, "--namespace", "elsewhere") as service:
        until(lambda: is_ready(service), "it is ready")

        assert host_given(service) == "elsewhere"


def test_settings_names_are_those_given(tmp_path: Path, fake: FakeApiServer) -> None:
    fake.config_map(OWN, {"RAY_HOST": "renamed"}, name="settings-v2")
    names = ("--settings-name", "settings-v2", "--settings-name", "ray-settings")
    with running_api_server(fake) as url, serving(tmp_path, url, *names) as service:
        until(lambda: is_ready(service), "it is ready")

        assert host_given(service) == "renamed"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--kubeconfig", "/no/such"), 'RAY807: kubeconfig file "/no/such" cannot be read (No such file or directory)'),
        (("--kubeconfig", "/no/such", "--settings-name", "A B"), 'RAY801: --settings-name is "A B"; allowed: the name'),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_status_2(tmp_path: Path, flags: tuple[str, ...], told: str) -> None:
    ended = run_command("serve", "--self-signed", str(tmp_path), *flags)

    assert (ended.returncode, ended.stderr.count("\n"), ended.stdout) == (2, 1, "")
    assert ended.stderr.startswith(f"ray-webhook: {told}")


def test_the_client_library_is_not_imported_where_a_file_has_the_settings() -> None:
    code = "import sys; import webhook.cli.serve; sys.exit(any(name.startswith('kubernetes') for name in sys.modules))"

    assert subprocess.run([Path(COMMAND).parent / "python", "-c", code], check=False).returncode == 0
