"""The judges themselves: what is missed, what was in force, and for how long pods were refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control_plane.cluster import ControlPlane
from tests.control_plane.objects import Object
from tests.e2e.expected import client_env
from tests.soak.creator import Attempt
from tests.soak.inspector import was_missed
from tests.soak.running import longest
from tests.soak.settings import Settings


def pod(env: list[dict[str, Any]], **annotations: str) -> dict[str, Any]:
    written = {f"ray.seedcore.io/{key}": value for key, value in annotations.items()}
    return {"metadata": {"annotations": written}, "spec": {"containers": [{"env": env}]}}


def test_a_client_without_an_address_or_without_a_record_was_missed() -> None:
    assert not was_missed(pod(client_env(), role="client", status="{}"))
    assert was_missed(pod(client_env(), role="client"))
    assert was_missed(pod([], role="client", status="{}"))


class NoCluster(ControlPlane):
    """Takes what is applied."""

    def __init__(self) -> None:
        """Have nothing."""

    def apply(self, documents: Any) -> list[Object]:
        return []


def test_a_setting_holds_from_its_change_until_a_second_after_the_next_one() -> None:
    made = Settings(plane=NoCluster(), clock=iter([0.0, 1.0, 10.0, 11.0]).__next__)
    made.set_host("first")
    made.break_host()
    made.set_host("second")
    assert made.in_force(2, 9) == {"first"}
    assert made.in_force(9, 10) == made.in_force(11.5, 11.6) == {"first", "second"}
    assert made.in_force(12.1, 13) == {"second"}
    assert made.in_force(0, float("inf")) == {"first", "second"}


def test_refusals_are_timed_within_each_round() -> None:
    refused = [Attempt(begun=begun, done=begun + 0.1) for begun in (10.0, 12.0, 50.0)]
    assert longest(refused, [9.0, 49.0]) == pytest.approx(2.1)
    assert longest([], [9.0]) == 0
