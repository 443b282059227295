"""The namespace of a session that is open; unlike ``ray.get_runtime_context`` it opens none."""

from __future__ import annotations

import ray


class RuntimeContext:
    @property
    def namespace(self) -> str:
        if not ray._state["open"]:
            raise AttributeError("no session")
        return str(ray._state["namespace"])


def get_runtime_context() -> RuntimeContext:
    return RuntimeContext()
