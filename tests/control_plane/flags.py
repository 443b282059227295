"""The command lines of the servers, all on loopback with their files in one folder, and the files they read first."""

import json
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .build import Assets

Command = tuple[str | Path, ...]

ISSUER: Final = "https://kubernetes.default.svc"
"""The issuer, and so the default audience, of ServiceAccount tokens."""


def etcd(assets: Assets, folder: Path, port: int) -> Command:
    """Nothing is synced to the disk: data that outlives the machine is not wanted here."""
    url = f"http://127.0.0.1:{port}"
    return (
        assets.folder / "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def api_server(assets: Assets, folder: Path, port: int, etcd_port: int) -> Command:
    """Signs its own serving certificate in ``certs``.

    It advertises no address in the Service ``kubernetes``: an endpoint on loopback is invalid, and to look for
    another fails on a machine without a default route. At SIGTERM it ends its watches, or it would wait a minute for
    clients to. Without controllers nobody makes the ServiceAccounts that the admission plug-in of that name demands.
    """
    flags: Command = (
        assets.folder / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        f"--service-account-issuer={ISSUER}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--shutdown-watch-termination-grace-period=5s",
    )
    return flags if assets.has_controllers else (*flags, "--disable-admission-plugins=ServiceAccount")


def controller_manager(assets: Assets, folder: Path) -> Command:
    """Serves nothing itself; node IPAM is left out for it wants a pod network."""
    return (
        assets.folder / "kube-controller-manager",
        f"--kubeconfig={folder / 'admin.kubeconfig'}",
        f"--service-account-private-key-file={folder / 'service-account.key'}",
        f"--root-ca-file={folder / 'certs' / 'apiserver.crt'}",
        "--secure-port=0",
        "--leader-elect=false",
        "--controllers=*,-node-ipam-controller",
    )


def write_service_account_key(path: Path) -> None:
    """A new P-256 key, with which tokens of ServiceAccounts are signed and verified."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    path.chmod(0o600)


def write_kubeconfig(path: Path, url: str, certificate: Path, token: str) -> Path:
    """A kubeconfig of one user, as JSON, which is YAML too."""
    name = "control-plane"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority": str(certificate)}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    path.chmod(0o600)
    return path
