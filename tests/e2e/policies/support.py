"""How the policies' tests install them, send objects, and read what a policy said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Answer, send
from tests.control_plane.process import wait_for
from tests.deploy.rendering import KUSTOMIZE, written
from tests.e2e import workloads
from tests.e2e.installation import BASE, rendered
from tests.e2e.support import DRY_RUN, MERGE

Object = dict[str, Any]

POLICIES: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_TOLD: Final = re.compile(r"ValidatingAdmissionPolicy '([^']*)' with binding '[^']*'(?: denied request)?: (RAY\d+)")


def overlay(folder: Path, *components: str, **fields: Any) -> Path:
    """An overlay over the base with these components; returns its folder."""
    return written(folder, [BASE], [KUSTOMIZE / "components" / name for name in components], **fields)


def apply_bindings(plane: ControlPlane, folder: Path) -> None:
    """Apply of an overlay the bindings alone, as the one who installed them: by another, actions would add up."""
    bindings = [item for item in rendered(plane, folder) if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    items = {"apiVersion": "v1", "kind": "List", "items": bindings}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))


def try_out(plane: ControlPlane, document: Mapping[str, Any]) -> Answer:
    """Create an object without storing it."""
    return send(plane.admin, "POST", collection(document), document, query=DRY_RUN)


def update(plane: ControlPlane, stored: Mapping[str, Any], spec: Mapping[str, Any]) -> Answer:
    """Store an object, and merge this into its spec without storing it."""
    plane.apply([stored])
    path = f"{collection(stored)}/{stored['metadata']['name']}"
    return send(plane.admin, "PATCH", path, {"spec": spec}, query=DRY_RUN, content_type=MERGE)


def collection(document: Mapping[str, Any]) -> str:
    """Where an object is created; without asking the API server, for thousands are tried out."""
    version, kind = document["apiVersion"], document["kind"]
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    where = f"/namespaces/{document['metadata']['namespace']}" if kind != "Namespace" else ""
    return f"{prefix}{where}/{kind.lower()}s"


def told(answer: Answer) -> list[str]:
    """The codes that policies told, as a refusal or as warnings, in order."""
    return [code for _, code in _found(answer)]


def policies_of(answer: Answer) -> list[str]:
    """The policies that said something."""
    return [policy for policy, _ in _found(answer)]


def _found(answer: Answer) -> list[tuple[str, str]]:
    texts = (*answer.warnings, *([answer.body["message"]] if answer.status >= 400 else []))
    return [(match[1], match[2]) for text in texts if (match := _TOLD.search(text))]


def wait_until_told(plane: ControlPlane, document: Mapping[str, Any], codes: Iterable[str], status: int) -> None:
    """Wait until the policies are in force of which `document` shall hear."""
    wanted = (list(codes), status)
    wait_for(lambda: answered(try_out(plane, document)) == wanted, f"{document['kind']} hears {wanted}")


def answered(answer: Answer) -> tuple[list[str], int]:
    """What was told, and the status."""
    return told(answer), answer.status


def labelled(document: Object, **labels: str) -> Object:
    """The object with these labels, written with dots and slashes as they are."""
    document["metadata"]["labels"] = labels
    return document


def annotated(**written: str) -> Object:
    """The metadata of a pod template with our annotations."""
    return {"annotations": workloads.our_annotations(written)}


def in_namespace(document: Object, namespace: str = "apps") -> Object:
    """The object, to be created there."""
    document["metadata"]["namespace"] = namespace
    return document
