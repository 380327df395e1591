"""Say how long something lasted, in one unit that people read at a glance, or in two for a record of it."""

from __future__ import annotations

from itertools import pairwise

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def span_text(seconds: float) -> str:
    """Return a length of time as "40 s", "14 min", "3 h" or "2 d", rounded down."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds) // 1:.0f} s"


def lasting_text(seconds: float) -> str:
    """Return how long something lasted in its two largest units: "44 min", "1 h 2 min", rounded down."""
    whole = max(0, int(seconds))
    for (unit, length), (finer, part) in pairwise((*_UNITS, ("s", 1))):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {finer}" if rest else "")
    return f"{whole} s"
