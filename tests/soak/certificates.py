"""Faults of the certificate, and of the clock by which it is issued."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from tests.control_plane.objects import Document, send
from tests.control_plane.process import wait_for
from tests.e2e.certificates.fleet import CONFIGURATION, SECRET
from tests.e2e.support import MERGE
from tests.soak.clock import skewed
from tests.soak.stage import Stage
from webhook.certificates.authority import describe, issue_authority
from webhook.cluster.secret import ROTATE

JSON_PATCH: Final = "application/json-patch+json"
STRANGER: Final = issue_authority(datetime.now(UTC)).certificate
_REQUESTS = count(1)


def settle(stage: Stage) -> None:
    """Wait until one authority is trusted, and the certificate that it issued is served."""
    wait_for(stage.replicas.is_settled, "one certificate is served and trusted", seconds=90)


def rotation(stage: Stage) -> None:
    """A new authority and a new certificate, asked for as a person would."""
    settle(stage)
    before = stage.replicas.secret()
    asked = {"metadata": {"annotations": {ROTATE: f"soak-{next(_REQUESTS)}"}}}
    send(stage.plane.admin, "PATCH", SECRET, asked, content_type=MERGE).checked()
    _wait_for_new(stage, before)


def deleted_secret(stage: Stage) -> None:
    """The Secret is deleted; a new authority takes the old one's place as in a rotation."""
    settle(stage)
    before = stage.replicas.secret()
    send(stage.plane.admin, "DELETE", SECRET).checked()
    _wait_for_new(stage, before)


def _wait_for_new(stage: Stage, before: dict[str, bytes]) -> None:
    wait_for(lambda: stage.replicas.secret().get("tls.crt") not in (None, before["tls.crt"]), "issued", seconds=90)
    settle(stage)


def broken_bundle(stage: Stage) -> None:
    """Both entries trust a stranger, until the one that leads has seen it."""
    _change_bundles(stage, {"op": "add", "value": b64encode(STRANGER).decode()})


def removed_bundle(stage: Stage) -> None:
    """Both entries have no caBundle, until the one that leads has seen it."""
    _change_bundles(stage, {"op": "remove"})


def _change_bundles(stage: Stage, operation: dict[str, Any]) -> None:
    wait_for(stage.replicas.leaders, "somebody leads")
    settle(stage)
    right = stage.replicas.bundles()
    patch: list[Document] = [operation | {"path": f"/webhooks/{entry}/clientConfig/caBundle"} for entry in (0, 1)]
    send(stage.plane.admin, "PATCH", CONFIGURATION, patch, content_type=JSON_PATCH).checked()
    wait_for(lambda: stage.replicas.bundles() == right, "the caBundle is right again", interval=0.01)


def issuing_with_clock(skew: timedelta) -> Callable[[Stage], None]:
    """A replica whose clock is wrong by `skew` leads while all is issued anew; all other clocks are right."""

    def act(stage: Stage) -> None:
        settle(stage)
        wrong = stage.replicas.start(command=skewed(stage.folder, skew))
        stage.replicas.replace(wrong)
        stage.replicas.start()
        wait_for(lambda: stage.replicas.leaders() == [wrong], "the one with the wrong clock leads")
        rotation(stage)
        issued = describe(stage.replicas.secret()["tls.crt"]).not_before + timedelta(hours=1)
        assert abs(issued - datetime.now(UTC) - skew) < timedelta(minutes=5), issued

    return act
