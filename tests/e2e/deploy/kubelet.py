"""What no control plane has: a thread that tells of pods what a kubelet would, and runs the service for them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e.installation import NAME, NAMESPACE, flags
from tests.e2e.support import be_ready
from tests.service import RunningService, running_service

_DEPLOYMENT: Final = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
_SECRET: Final = f"/api/v1/namespaces/{NAMESPACE}/secrets/ray-webhook-tls"


class Kubelet:
    """Makes pods Ready; those of the webhook only when the service answers, and while `is_well`.

    The service begins with the first Secret that is there, as its pods would, on `port`; one that looks after its
    certificate itself (`is_managed`) begins with its Deployment.
    """

    def __init__(self, plane: ControlPlane, folder: Path, port: int, *, is_managed: bool = False) -> None:
        self.is_well = True
        self.failure: BaseException | None = None
        self._plane, self._folder, self._port = plane, folder, port
        self._service: RunningService | None = None
        self._is_managed = is_managed
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be at work while the block runs."""
        thread = threading.Thread(target=self._run, name="kubelet")
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()
            if self.failure:
                raise self.failure

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                while not self._stopping.wait(0.1):
                    self._look(stack)
        except BaseException as error:  # noqa: BLE001  raised in the test's own thread
            self.failure = error

    def _look(self, stack: ExitStack) -> None:
        if self._service is None and self.is_well and self._can_begin():
            run = running_service(
                self._folder, *self._flags(), "--port", str(self._port), settings=None, self_signed=False
            )
            self._service = stack.enter_context(run)
        for pod in send(self._plane.admin, "GET", "/api/v1/pods").checked()["items"]:
            if not _is_ready(pod) and (pod["metadata"]["namespace"] != NAMESPACE or self._is_ready()):
                send_ready(self._plane, pod)

    def _flags(self) -> list[str]:
        if self._is_managed:
            return ["--kubeconfig", str(self._plane.service_account_kubeconfig(NAMESPACE, NAME))]
        return flags(self._plane, self._folder / "tls")

    def _can_begin(self) -> bool:
        if self._is_managed:
            return send(self._plane.admin, "GET", _DEPLOYMENT).status == 200
        return self._has_certificate()

    def _has_certificate(self) -> bool:
        answer = send(self._plane.admin, "GET", _SECRET)
        if answer.status != 200:
            return False
        tls = self._folder / "tls"
        tls.mkdir(exist_ok=True)
        for name, content in answer.body["data"].items():
            (tls / name).write_bytes(base64.b64decode(content))
        return True

    def _is_ready(self) -> bool:
        return self.is_well and self._service is not None and self._service.ops("/readyz")[0] == 200


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(item["type"] == "Ready" for item in pod.get("status", {}).get("conditions", ()))


def send_ready(plane: ControlPlane, pod: dict[str, Any]) -> None:
    """As :func:`~tests.e2e.support.be_ready`, but for a pod that has just gone."""
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
    if send(plane.admin, "GET", path).status == 200:
        be_ready(plane, pod)


def overlay(folder: Path, base: str, port: int) -> None:
    """An overlay of the shape of deploy/kustomize/overlays, with a Service that leads to this machine.

    Its certificate is one that is brought: what the script issues where there is none. Its Deployment mounts another
    Secret as well, which comes first.
    """
    (folder / "policy.yaml").write_text(_POLICY)
    (folder / "kustomization.yaml").write_text(
        f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{base}, policy.yaml]
components: [{base}/../components/own-certificate]
generatorOptions: {{disableNameSuffixHash: true}}
configMapGenerator:
  - {{name: ray-settings, namespace: {NAMESPACE}, envs: [settings.env]}}
patches:
  - target: {{kind: Service}}
    patch: |-
      - op: replace
        path: /spec
        value: {{type: ExternalName, externalName: localhost, ports: [{{port: {port}}}]}}
  - target: {{kind: Deployment}}
    patch: |-
      - op: add
        path: /spec/template/spec/volumes/0
        value: {{name: clients, secret: {{secretName: ray-webhook-clients, optional: true}}}}
      - op: add
        path: /spec/template/spec/containers/0/volumeMounts/0
        value: {{name: clients, mountPath: /clients}}
  - target: {{kind: MutatingWebhookConfiguration}}
    patch: |-
      - {{op: replace, path: /webhooks/0/clientConfig/service/port, value: {port}}}
      - {{op: replace, path: /webhooks/1/clientConfig/service/port, value: {port}}}
"""
    )


_POLICY: Final = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: ray-webhook-test}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "true"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: ray-webhook-test}
spec: {policyName: ray-webhook-test, validationActions: [Warn]}
"""
