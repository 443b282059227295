"""An example of what is really told with each code; one that is told in the code's own words alone has none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def examples() -> Mapping[str, str]:
    """A code to a message of it, and below that what it says to do, on one or two lines."""
    import yaml

    texts: dict[str, str] = yaml.safe_load(files("webhook.cli").joinpath("examples.yaml").read_text(encoding="utf-8"))
    return texts
