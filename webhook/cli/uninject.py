"""``ray-webhook uninject``: manifests in, manifests out, without what the webhook would put into their pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from webhook.cli.rewriting import rewriting_options, run


@click.command("uninject")
@rewriting_options
def command(files: Sequence[str], more: Sequence[str], **flags: Any) -> int:
    """Take the Ray settings out of the pod templates of manifests, and of Compose files, again; the role stays.

    After inject the text is what it was. From other manifests exactly those variables go that have the value which the
    webhook would give them, for which the same flags are needed as for inject.
    """
    from webhook.manifests.compose.uninject import uninject as uninject_services
    from webhook.manifests.uninject import uninject

    return run(uninject, uninject_services, [*files, *more], flags)
