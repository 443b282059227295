"""What is done again and again: settings and certificate are read and put into force, memory is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from time import time
from typing import Final

from webhook.errors import CertificateError, SettingsError
from webhook.injection.settings import Settings
from webhook.injection.snapshot import Snapshot
from webhook.server.memory import give_back
from webhook.server.settings_file import SettingsFile
from webhook.server.state import State
from webhook.server.tls import ServingCertificate

SETTINGS_SECONDS: Final = 0.25
"""Between two looks at the settings file: a change is in force well within a second."""
CERTIFICATE_SECONDS: Final = 1.0
RENEWAL_SECONDS: Final = 3600.0
GIVE_BACK_SECONDS: Final = 10.0


def load_settings(state: State, file: SettingsFile, first: Snapshot) -> None:
    """Read the settings for the first time into a snapshot made from `first`; raises SettingsError."""
    settings = file.read_if_changed()
    if settings is not None:
        _put_in_force(state, first, settings)


def show_certificate(state: State, certificate: ServingCertificate, *, good: bool = True) -> None:
    """Put the certificate's state into the metrics."""
    if certificate.not_after:
        state.metrics.certificate_good.set(good)
        state.metrics.certificate_expiry.set(certificate.not_after.timestamp())


def following(
    state: State,
    settings: SettingsFile | None,
    certificate: ServingCertificate,
    renew: Callable[[], object] | None,
) -> Iterator[Coroutine[None, None, None]]:
    """What follows each of the files, and what gives memory back, to be run until the process ends.

    Args:
        renew: renews the certificate's files where that is due; it may block, so it runs on a thread of its own.
    """
    if settings is not None:
        yield _every(SETTINGS_SECONDS, lambda: _follow_settings(state, settings), state)
    yield _every(CERTIFICATE_SECONDS, lambda: follow_certificate(state, certificate), state)
    yield _every(GIVE_BACK_SECONDS, give_back, state, on_thread=True)
    if renew is not None:
        yield _every(RENEWAL_SECONDS, lambda: _renew(state, renew), state, on_thread=True)


async def _every(seconds: float, work: Callable[[], None], state: State, *, on_thread: bool = False) -> None:
    """Do `work` again and again; a fault in it is told, and does not end what would follow."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work) if on_thread else work()
        except Exception as error:  # noqa: BLE001  whatever it was, the next look may go well
            state.log.fault("file not followed", error)


def _put_in_force(state: State, snapshot: Snapshot, settings: Settings) -> None:
    state.snapshot = replace(snapshot, cluster_wide=settings)
    state.metrics.settings_good.set(1)
    state.faults.pop("settings", None)
    state.metrics.settings_loaded.set(time())
    for key, why in settings.ignored.items():
        state.log.warning("settings key ignored", source=settings.source, key=key, message=why)


def _follow_settings(state: State, file: SettingsFile) -> None:
    try:
        settings = file.read_if_changed()
    except SettingsError as error:
        state.metrics.settings_good.set(0)
        state.faults["settings"] = str(error)
        state.log.warning("settings broken, the last good ones stay", code=error.code, message=error.message)
        return
    if settings is not None and state.snapshot is not None:
        _put_in_force(state, state.snapshot, settings)
        state.log.info("settings changed", source=settings.source)


def follow_certificate(state: State, certificate: ServingCertificate, *, retry: bool = False) -> None:
    """Serve the pair that its source has now, or tell why the last good one stays; with `retry` tell it again."""
    reload = certificate.reload_if_changed(retry=retry)
    if reload is None:
        return
    show_certificate(state, certificate, good=reload.error is None)
    state.faults.pop("certificate", None)
    if reload.error is None:
        expires = certificate.not_after.isoformat() if certificate.not_after else ""
        state.log.info("certificate changed", expires=expires)
    else:
        state.faults["certificate"] = str(reload.error)
        state.log.warning(
            "certificate broken, the last good one stays", code=reload.error.code, message=reload.error.message
        )


def _renew(state: State, renew: Callable[[], object]) -> None:
    try:
        renew()
    except CertificateError as error:
        state.log.warning("certificate not renewed", code=error.code, message=error.message)
