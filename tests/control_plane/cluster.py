"""A control plane from start to end: etcd, kube-apiserver and kube-controller-manager.

There is no kubelet and no scheduler: Deployments, Jobs and StatefulSets make pods, which stay Pending.
"""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from kubernetes.client import ApiClient, Configuration
from urllib3.exceptions import HTTPError

from . import flags, objects
from .build import Assets
from .errors import ControlPlaneError, Fault
from .process import Server, free_ports, wait_for, without_proxies


class ControlPlane:
    """A cluster of its own in ``folder``, started and ended by ``with``; ports are free ones on loopback.

        with ControlPlane(find_assets(), tmp_path) as plane:
            plane.create_namespace("one")
            plane.apply(yaml.safe_load_all(text))

    ``api_server_flags`` are added to the API server's own, such as
    ``--runtime-config=admissionregistration.k8s.io/v1beta1=true``. Logs stay in ``folder/logs``.
    """

    def __init__(self, assets: Assets, folder: Path, *, api_server_flags: Sequence[str] = ()) -> None:
        self._port, etcd_port = free_ports(2)
        self._token = secrets.token_hex(16)
        self._assets, self.folder, self.logs = assets, folder, folder / "logs"
        self.url = f"https://127.0.0.1:{self._port}"
        self.certificate = folder / "certs" / "apiserver.crt"
        self.kubeconfig = folder / "admin.kubeconfig"
        api_server = (*flags.api_server(assets, folder, self._port, etcd_port), *api_server_flags)
        self.etcd = Server(flags.etcd(assets, folder, etcd_port), self.logs / "etcd.log")
        self.api_server = Server(api_server, self.logs / "kube-apiserver.log")
        self.controller_manager = Server(
            flags.controller_manager(assets, folder), self.logs / "kube-controller-manager.log"
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until pods can be created in the namespace ``default``.

        Raises:
            ControlPlaneError: a server ended or did not become ready; nothing is left running then.
        """
        try:
            self._write_files()
            self.etcd.start()
            self.start_api_server()
            if self._assets.has_controllers:
                self.controller_manager.start()
            self.wait_for_namespace("default")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End what runs, each before what it depends on, and remove the data; nothing happens the second time."""
        for server in (self.controller_manager, self.api_server, self.etcd):
            server.stop()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def start_api_server(self) -> None:
        """Start the API server, on the same port and data as before, and wait until it is ready."""
        self.api_server.start()
        wait_for(self._is_ready, f"{self.url}/readyz answers 200", seconds=60)

    def stop_api_server(self) -> None:
        """End the API server alone; etcd and the controller manager stay.

        It says goodbye to its clients; for one that crashes there is ``plane.api_server.stop(seconds=0)``.
        """
        self.api_server.stop()

    def _is_ready(self) -> bool:
        for server in (self.etcd, self.api_server):
            server.require_running()
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            return objects.send(self.admin, "GET", "/readyz").status == 200
        except (OSError, HTTPError):
            return False

    def _write_files(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.folder / "tokens.csv").write_text(f'{self._token},admin,admin,"system:masters"\n', encoding="utf-8")
        flags.write_service_account_key(self.folder / "service-account.key")
        flags.write_kubeconfig(self.kubeconfig, self.url, self.certificate, self._token)

    @cached_property
    def admin(self) -> ApiClient:
        """A client that may do everything."""
        return self.client(self._token)

    def client(self, token: str) -> ApiClient:
        """A client with a bearer token, such as one of :meth:`service_account_token`."""
        return ApiClient(
            Configuration(
                host=self.url,
                ssl_ca_cert=str(self.certificate),
                api_key={"authorization": token},
                api_key_prefix={"authorization": "Bearer"},
                no_proxy="*",
            )
        )

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token of a ServiceAccount, valid for an hour."""
        return objects.service_account_token(self.admin, namespace, name)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig file with a new token of a ServiceAccount."""
        token = self.service_account_token(namespace, name)
        return flags.write_kubeconfig(self.folder / f"{namespace}.{name}.kubeconfig", self.url, self.certificate, token)

    def apply(self, documents: Iterable[objects.Document]) -> list[objects.Object]:
        """Apply documents as the administrator (:func:`objects.apply`)."""
        return objects.apply(self.admin, documents)

    def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Create a namespace and wait until it takes pods; returns its name."""
        metadata = {"name": name, "labels": dict(labels or {})}
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
        self.wait_for_namespace(name)
        return name

    def wait_for_namespace(self, name: str) -> None:
        """Wait until a namespace takes pods: where there are controllers, for its ServiceAccount ``default``."""
        kind = "serviceaccounts/default" if self._assets.has_controllers else ""
        path = f"/api/v1/namespaces/{name}/{kind}".rstrip("/")
        wait_for(lambda: objects.send(self.admin, "GET", path).status == 200, f"{path} is there")

    def environment(self) -> dict[str, str]:
        """Environment variables for programs that shall find this cluster, kubectl of its version first on PATH."""
        return without_proxies() | {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
            "KUBERC": "off",
            "PATH": os.pathsep.join((str(self._assets.folder), os.environ.get("PATH", os.defpath))),
        }

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, such as ``kubectl("apply", "-k", folder)``; warnings are on its stderr.

        Raises:
            ControlPlaneError: with ``KUBECTL_FAILED`` and what it printed.
        """
        run = partial(subprocess.run, input=stdin, env=self.environment(), capture_output=True, text=True, check=False)
        try:
            done: subprocess.CompletedProcess[str] = run(("kubectl", *arguments))
        except FileNotFoundError:
            here = self._assets.folder
            raise ControlPlaneError(
                Fault.KUBECTL_FAILED, f"kubectl is neither in {here} nor on PATH; install it"
            ) from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise ControlPlaneError(Fault.KUBECTL_FAILED, f"kubectl {' '.join(arguments)}: {said}")
        return done
