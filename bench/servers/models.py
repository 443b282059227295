"""The way that most tutorials go: FastAPI with Pydantic bodies, a deep copy, and jsonpatch.make_patch.

It does less than the service: a role's fixed variables in every container, without any of the contract's rules.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any, Final

import jsonpatch
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

_CLIENT: Final = {
    "RAY_ADDRESS": "ray://seedcore-head-svc:10001",
    "RAY_HOST": "seedcore-head-svc",
    "RAY_PORT": "10001",
    "RAY_SERVE_URL": "http://seedcore-head-svc:8000",
    "RAY_DASHBOARD_URL": "http://seedcore-head-svc:8265",
    "RAY_NAMESPACE": "seedcore-dev",
    "SEEDCORE_RAY_ROLE": "client",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")


class EnvVar(_Model):
    """A container's variable."""

    name: str
    value: str | None = None


class Container(_Model):
    """A container."""

    name: str
    env: list[EnvVar] = Field(default_factory=list)


class Spec(_Model):
    """A pod's spec."""

    containers: list[Container]


class Metadata(_Model):
    """A pod's metadata."""

    annotations: dict[str, str] = Field(default_factory=dict)


class Pod(_Model):
    """A pod."""

    metadata: Metadata
    spec: Spec


class Request(_Model):
    """An AdmissionReview's request."""

    uid: str
    object: Pod


class Review(_Model):
    """An AdmissionReview."""

    request: Request


app = FastAPI()


@app.post("/mutate")
async def mutate(review: Review) -> dict[str, Any]:
    """Answer with the patch between the pod and its changed copy."""
    before = review.request.object.model_dump(mode="json", exclude_unset=True)
    after = copy.deepcopy(before)
    for container in after["spec"]["containers"] if "ray.seedcore.io/role" in str(before["metadata"]) else ():
        env = container.setdefault("env", [])
        declared = {entry["name"] for entry in env}
        env.extend({"name": name, "value": value} for name, value in _CLIENT.items() if name not in declared)
    patch = jsonpatch.make_patch(before, after).patch
    response = {"uid": review.request.uid, "allowed": True}
    if patch:
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
