"""``ray-webhook inject``: manifests in, manifests out, with what the webhook would put into their pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from webhook.cli.rewriting import rewriting_options, run


@click.command("inject")
@rewriting_options
def command(files: Sequence[str], more: Sequence[str], **flags: Any) -> int:
    """Put the Ray settings into the pod templates of manifests.

    Where there is no webhook, pods get the same so, and in Compose files the services with a label
    ray.seedcore.io/role. What is not changed stays as it is written. Of a directory its
    *.yaml, *.yml and *.json are read. The exit status is 1 if a workload would be refused.
    """
    from webhook.manifests.compose.inject import inject as inject_services
    from webhook.manifests.inject import inject

    return run(inject, inject_services, [*files, *more], flags)
