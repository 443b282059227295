"""An example of what is really told with each code; one that is told in the code's own words alone has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, str]] = {}
