"""Counts per class of latency as few bytes: where they begin, how wide each is, and only those that count something."""

from __future__ import annotations

import struct
from functools import lru_cache

from core.model.history import LATENCY_BOUNDS_MS

_CLASSES = len(LATENCY_BOUNDS_MS) + 1
_WIDTHS = ("B", "H", "I")


def pack(counts: tuple[int, ...]) -> bytes | None:
    """Return the counts as bytes, None for those of nothing."""
    used = [index for index, count in enumerate(counts) if count]
    if not used:
        return None
    first, last = used[0], used[-1]
    most = max(counts)
    width = 0 if most < 1 << 8 else 1 if most < 1 << 16 else 2
    kept = counts[first : last + 1]
    return bytes((first, width)) + struct.pack(f"<{len(kept)}{_WIDTHS[width]}", *kept)


# A week of one route's hours look much alike: most of what is read was read before.
@lru_cache(maxsize=1 << 15)
def _unpacked(packed: bytes) -> tuple[int, ...]:
    first, width = packed[0], packed[1]
    size = 1 << width
    kept = struct.unpack(f"<{(len(packed) - 2) // size}{_WIDTHS[width]}", packed[2:])
    return (0,) * first + kept + (0,) * (_CLASSES - first - len(kept))


def unpack(packed: bytes | None) -> tuple[int, ...]:
    """Return the counts of these bytes."""
    return _unpacked(packed) if packed else ()
