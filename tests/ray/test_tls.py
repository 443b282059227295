"""The probe over TLS, against a real gRPC server that answers as Ray Client does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from ray_config.errors import ClosedError, TlsError
from ray_config.probe import probe
from ray_config.resolve import Setting
from webhook.certificates.directory import ensure_self_signed


def certificate(folder: Path) -> dict[str, str]:
    """Ray's variables for an authority and a certificate of its own."""
    ensure_self_signed(folder, names=["127.0.0.1", "localhost"], now=datetime.now(UTC))
    files = {"RAY_TLS_CA_CERT": "ca.crt", "RAY_TLS_SERVER_CERT": "tls.crt", "RAY_TLS_SERVER_KEY": "tls.key"}
    return {"RAY_USE_TLS": "1"} | {name: str(folder / file) for name, file in files.items()}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return certificate(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def address(own: dict[str, str]) -> Iterator[Setting]:
    """A server that answers ClusterInfo over TLS."""

    def cluster_info(request: bytes, context: Any) -> bytes:
        return b"\x12\x02{}"

    method = grpc.unary_unary_rpc_method_handler(cluster_info)
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("ray.rpc.RayletDriver", {"ClusterInfo": method})]
    )
    key, certificate = (Path(own[name]).read_bytes() for name in ("RAY_TLS_SERVER_KEY", "RAY_TLS_SERVER_CERT"))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    yield Setting(value=f"ray://127.0.0.1:{port}", source="RAY_ADDRESS")
    server.stop(None).wait()


def test_the_right_files_reach_it(address: Setting, own: dict[str, str]) -> None:
    assert probe(own, address).what.startswith("Ray Client answered at 127.0.0.1:")


def test_without_tls_it_hangs_up_and_the_error_asks_whether_tls_is_wanted(address: Setting) -> None:
    with pytest.raises(ClosedError, match="does it want RAY_USE_TLS"):
        probe({}, address)


def test_another_authority_is_refused(address: Setting, tmp_path: Path) -> None:
    with pytest.raises(TlsError, match=r"compare RAY_TLS_\* with the head's"):
        probe(certificate(tmp_path), address)
