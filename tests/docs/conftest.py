"""The documentation's own modules, for its tests: last on the path, so that the wheel stays what is tested."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
