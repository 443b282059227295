"""Profiles of the property tests: the same few examples at each run, or many new ones.

``HYPOTHESIS_PROFILE=thorough`` picks the long one; a failure there prints how to see the same example again.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("quick", deadline=None, derandomize=True, database=None, max_examples=100)
settings.register_profile("thorough", deadline=None, database=None, max_examples=10_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
