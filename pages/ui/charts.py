"""What all charts share: colours that stand out from either theme, and a time axis in UTC; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.model.probe import Health
from pages.ui.bars import HEALTH_COLORS

# None of them means a health; what a chart draws cannot follow the theme that a person picks, so each reaches 3 : 1 on
# the background of both.
BLUE, VIOLET, GREY = "#2E7FC4", "#8B6FD0", "#7F8A95"
FAILED = HEALTH_COLORS[Health.DOWN]

_SECONDS_BELOW = timedelta(minutes=20)
_HOURS_UP_TO = timedelta(days=3)
_MOST_LABELS = 10


def time_format(moments: Sequence[datetime]) -> str:
    """Return how the moments of an axis are written: as fine as the range is long."""
    first, last = min(moments), max(moments)
    if last - first < _SECONDS_BELOW:
        return "%H:%M:%S"
    if first.date() == last.date():
        return "%H:%M"
    return "%d %b %H:%M" if last - first <= _HOURS_UP_TO else "%d %b"


def time_axis(moments: Sequence[datetime]) -> dict[str, object]:
    """Return the axis of time in UTC, wherever the browser is."""
    return {
        "title": "UTC",
        "format": time_format(moments),
        "grid": False,
        "tickCount": _MOST_LABELS,
        "labelOverlap": True,
    }


def iso(moment: datetime) -> str:
    """Return a moment as charts take it as a bound of their axis."""
    return moment.isoformat()
