from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from webhook.certificates.directory import ensure_self_signed
from webhook.server import followers
from webhook.server.followers import following
from webhook.server.logging import Log, LogFormat
from webhook.server.metrics import Metrics
from webhook.server.pairs import PairFiles
from webhook.server.settings_file import SettingsFile
from webhook.server.state import Mode, State
from webhook.server.tls import ServingCertificate


def follow_for(seconds: float, folder: Path, settings: SettingsFile | None, renew: Callable[[], object]) -> list[str]:
    """Follow with short waits, and return the events that were logged."""
    log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
    state = State(mode=Mode.ENFORCE, metrics=Metrics("enforce"), log=Log(log, LogFormat.JSON))
    files = ensure_self_signed(folder / "tls", names=["localhost"], now=datetime.now(UTC))
    certificate = ServingCertificate(PairFiles(certificate=files.certificate, key=files.key))

    async def run() -> None:
        tasks = [asyncio.create_task(task) for task in following(state, settings, certificate, renew)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()

    asyncio.run(run())
    os.close(log)
    return [json.loads(line)["event"] for line in (folder / "log").read_text().splitlines()]


def test_renewal_is_done_again_and_again_on_a_thread_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "RENEWAL_SECONDS", 0.01)
    threads: list[int] = []

    follow_for(0.3, tmp_path, None, lambda: threads.append(threading.get_ident()))

    assert len(threads) > 1
    assert threading.get_ident() not in threads


def test_a_fault_is_told_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "RENEWAL_SECONDS", 0.01)

    def broken() -> None:
        raise ZeroDivisionError

    assert follow_for(0.3, tmp_path, None, broken).count("file not followed") > 1
