"""``ray-webhook serve`` that looks after its certificate: the process, its readiness, its flags and its metrics."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.fake_api_server import FakeApiServer, running_api_server
from tests.cluster.support import OWN, until
from tests.cluster.test_serve import host_given, is_ready, kubeconfig_for
from tests.service import RunningService, run_command, running_service
from webhook import contract
from webhook.certificates.authority import describe
from webhook.cluster.bundle import bundle_document
from webhook.cluster.names import Names

NAMES = Names(
    namespace=OWN,
    service=contract.WEBHOOK_SERVICE,
    secret=contract.TLS_SECRET,
    lease=contract.LEASE,
    configuration=contract.WEBHOOK_CONFIGURATION,
)
SECRETS, CONFIGURATIONS = NAMES.secret_resource.path, NAMES.configuration_resource.path


@pytest.fixture
def fake() -> FakeApiServer:
    fake = FakeApiServer()
    for resource in (NAMES.secret_resource, NAMES.lease_resource, NAMES.configuration_resource):
        fake.serve_kind(resource.path)
    fake.config_map(OWN, {"RAY_HOST": "wide"})
    return fake


def configure(fake: FakeApiServer, name: str = NAMES.configuration, service: str = NAMES.service) -> None:
    (webhook,) = bundle_document(name, b"", ["one.example.com"], version="")["webhooks"]
    webhook["clientConfig"]["service"] = {"namespace": OWN, "name": service}
    fake.put(CONFIGURATIONS, "", name, webhooks=[webhook])


@contextmanager
def serving(folder: Path, fake: FakeApiServer, *flags: str) -> Iterator[RunningService]:
    kubeconfig = folder / "kubeconfig"
    with running_api_server(fake) as url:
        kubeconfig.write_text(kubeconfig_for(url))
        with running_service(
            folder, "--kubeconfig", str(kubeconfig), *flags, settings=None, self_signed=False
        ) as service:
            yield service


def shown(service: RunningService) -> str:
    """The name in the certificate that the service shows, trusted by whom it may."""
    port = int(service.url.rpartition(":")[2])
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return describe(pem.encode()).names[0]


def test_it_is_ready_when_it_is_trusted_and_no_handshake_succeeds_before_there_is_a_certificate(
    tmp_path: Path, fake: FakeApiServer
) -> None:
    configure(fake)
    fake.faults.status[SECRETS] = 500
    with serving(tmp_path, fake) as service:
        service.await_event("cluster read")
        port = int(service.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, pytest.raises(ssl.SSLError):
            ssl._create_unverified_context().wrap_socket(plain)  # noqa: S323  whatever it would show
        assert not is_ready(service)
        assert service.ops("/healthz")[0] == 200
        assert service.metric("ray_webhook_certificate_expiry_timestamp_seconds") == 0

        fake.faults.status.clear()
        until(lambda: is_ready(service), "it is ready")
        assert shown(service) == f"ray-webhook.{OWN}.svc"
        service.trust = ssl._create_unverified_context()  # noqa: S323  called by its address
        assert host_given(service) == "wide"
        service.process.terminate()
        assert service.process.wait(timeout=20) == 0
    assert not service.events("lease not released", "report not removed")
    assert b"Traceback" not in b"".join(service.lines)


def test_metrics_tell_who_leads_when_what_expires_and_what_was_done(tmp_path: Path, fake: FakeApiServer) -> None:
    configure(fake)
    with serving(tmp_path, fake) as service:
        until(lambda: is_ready(service), "it is ready")
        serving_ends = service.metric("ray_webhook_certificate_expiry_timestamp_seconds")
        authority_ends = service.metric("ray_webhook_certificate_authority_expiry_timestamp_seconds")
        assert authority_ends - serving_ends == (365 - 90) * 86400
        assert service.metric("ray_webhook_leader") == 1
        assert service.metric('ray_webhook_certificate_writes_total{reason="issued"}') == 1
        assert service.metric("ray_webhook_ca_bundle_writes_total") == 1
        assert service.metric("ray_webhook_certificate_failures_total") == 0
        watch = 'ray_webhook_watch_state{resource="secrets/ray-webhook-tls",state="watching"}'
        assert service.metric(watch) == 1


def test_names_are_those_given(tmp_path: Path, fake: FakeApiServer) -> None:
    configure(fake, "my-hook", "my-service")
    flags = ("--tls-secret", "my-tls", "--lease", "my-lease", "--webhook-configuration", "my-hook")
    with serving(tmp_path, fake, *flags, "--service", "my-service") as service:
        until(lambda: is_ready(service), "it is ready")
        assert shown(service) == f"my-service.{OWN}.svc"
    assert (OWN, "my-tls") in fake.collections[SECRETS]
    assert (OWN, "my-lease") in fake.collections[NAMES.lease_resource.path]


def test_half_a_pair_is_refused_on_a_cluster_too() -> None:
    ended = run_command("serve", "--kubeconfig", "/no/such", "--tls-cert", "a")
    assert (ended.returncode, "half of two" in ended.stderr) == (2, True)
