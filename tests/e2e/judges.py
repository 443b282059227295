"""Who judges a namespace's pods where the webhook and the rendered policy are side by side: the label :data:`JUDGE`.

The selectors are all that is changed of the configuration and of the policies.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import send
from tests.e2e import installation
from tests.service import run_command

JUDGE: Final = "judge"
WEBHOOK, POLICY = "webhook", "policy"


def install_policy(plane: ControlPlane) -> subprocess.CompletedProcess[str]:
    """Apply what ``render policy`` prints for this cluster, in the namespaces of :data:`POLICY`; what it said."""
    made = run_command("render", "policy", "--kubeconfig", str(plane.kubeconfig))
    assert made.returncode == 0, made.stderr
    documents = list(installation.documents(made.stdout))
    for document in documents:
        if document["kind"] == "MutatingAdmissionPolicy":
            _leave_to(POLICY, document["spec"]["matchConstraints"]["namespaceSelector"])
    items = {"apiVersion": "v1", "kind": "List", "items": documents}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))
    return made


def restrict_webhook(plane: ControlPlane) -> None:
    """Let the webhook that was connected judge the namespaces of :data:`WEBHOOK` only."""
    path = f"{installation.CONFIGURATIONS}/{installation.NAME}"
    configuration = send(plane.admin, "GET", path).checked()
    for webhook in configuration["webhooks"]:
        _leave_to(WEBHOOK, webhook["namespaceSelector"])
    send(plane.admin, "PUT", path, configuration).checked()


def _leave_to(judge: str, selector: dict[str, Any]) -> None:
    selector["matchExpressions"].append({"key": JUDGE, "operator": "In", "values": [judge]})
