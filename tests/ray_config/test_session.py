"""What is asked of a session, and when."""

from __future__ import annotations

import threading

import pytest

from ray_config import session
from ray_config.bounded import Call


def test_a_session_that_is_only_being_opened_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would connect a second time, and refuse the first."""
    opened = threading.Event()
    monkeypatch.setattr(session, "is_open", lambda: True)
    monkeypatch.setattr(session._calls, "is_answered", lambda _: True)
    assert session.is_alive(1) is True
    monkeypatch.setattr(session._changes, "_opening", Call(opened.wait, "init"))
    assert session.is_alive(1) is False
    opened.set()
