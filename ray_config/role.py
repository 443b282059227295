"""What this pod is to Ray, told from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ray_config import variables
from ray_config.errors import BadValueError


class Role(StrEnum):
    """What a pod is to Ray; the first two are Ray's own nodes."""

    HEAD = "head"
    WORKER = "worker"
    CLIENT = "client"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A role and where it was read."""

    role: Role
    source: str

    @property
    def is_node(self) -> bool:
        """Whether Ray itself runs here, so that a driver connects directly and never by ``ray://``."""
        return self.role is not Role.CLIENT


def find_role(env: Mapping[str, str]) -> Standing:
    """The role that `env` tells.

    A raylet that started this process outweighs everything else: variables of a client come into tasks and replicas
    by ``runtime_env``. Then SEEDCORE_RAY_ROLE, which the webhook sets, then what KubeRay writes. Without any of these
    the pod is a client.

    Raises:
        BadValueError: SEEDCORE_RAY_ROLE is none of the roles.
    """
    declared = _declared(env) or _kuberay(env)
    raylet = next((name for name in (variables.RAY_RAYLET_PID, variables.RAY_JOB_ID) if env.get(name)), None)
    if raylet is not None and (declared is None or not declared.is_node):
        return Standing(role=Role.WORKER, source=f"{raylet}: a raylet started this process")
    return declared or _DEFAULT


_DEFAULT: Final = Standing(role=Role.CLIENT, source="default: nothing says that Ray runs here")


def _declared(env: Mapping[str, str]) -> Standing | None:
    text = env.get(variables.SEEDCORE_RAY_ROLE, "").strip()
    if not text:
        return None
    if text not in tuple(Role):
        raise BadValueError(
            "there is no such role",
            variable=variables.SEEDCORE_RAY_ROLE,
            value=text,
            allowed=", ".join(Role),
            fix="correct it, or remove it and let the webhook set it",
        )
    return Standing(role=Role(text), source=variables.SEEDCORE_RAY_ROLE)


def _kuberay(env: Mapping[str, str]) -> Standing | None:
    command = env.get(variables.KUBERAY_START_COMMAND, "").split()
    if command:
        role = Role.HEAD if "--head" in command else Role.WORKER
        return Standing(role=role, source=variables.KUBERAY_START_COMMAND)
    if env.get(variables.KUBERAY_HEAD_HOST):
        return Standing(role=Role.WORKER, source=variables.KUBERAY_HEAD_HOST)
    return None
