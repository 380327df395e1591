"""Say how long something lasted, in one unit that people read at a glance."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def span_text(seconds: float) -> str:
    """Return a length of time as "40 s", "14 min", "3 h" or "2 d", rounded down."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds) // 1:.0f} s"
