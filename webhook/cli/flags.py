"""Types of flags whose values are checked before anything is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from webhook.injection.settings import is_dns_subdomain


class DnsName(click.ParamType[str]):
    """A name as Kubernetes writes them, such as a namespace or a cluster's domain."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take `value` as it is, or refuse it."""
        text = str(value)
        if not is_dns_subdomain(text):
            self.fail(f"{text!r} is no DNS name: lower case letters, digits, - and . only", param, ctx)
        return text


class NamedPath(click.Path):
    """A path that is not empty; an empty one would mean the working directory."""

    def __init__(self) -> None:
        """Give a Path."""
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take `value` as it is, or refuse it."""
        if not str(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)
