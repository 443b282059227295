"""Decoders of JSON that several threads may ask for.

msgspec learns a type when it is first used, and keeps what it has learnt so far where others see it. A thread that
meets the same type meanwhile reads half of it: a segmentation fault (msgspec 0.22.0; it ended two of about a hundred
starts of the service on a busy machine, where informers have their first lists at the same time). So one thread at a
time learns.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

_T = TypeVar("_T")
_LEARNING: Final = Lock()
_LEARNT: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def decoder(shape: type[_T]) -> msgspec.json.Decoder[_T]:
    """What decodes JSON into `shape`."""
    with _LEARNING:
        if shape not in _LEARNT:
            _LEARNT[shape] = msgspec.json.Decoder(shape)
        return _LEARNT[shape]
