"""Times as the database keeps them: whole milliseconds for what is many, sortable text for what is read by people."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def milliseconds(moment: datetime) -> int:
    """Return the time since 1970, cut to the millisecond."""
    return math.floor(moment.timestamp() * 1000 + 1e-4)


def milliseconds_up(moment: datetime) -> int:
    """Return the same for the open end of a window: nothing that began before it is cut off."""
    return math.ceil(moment.timestamp() * 1000 - 1e-4)


def moment_of(ms: int) -> datetime:
    """Return the time that was kept."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def time_text(moment: datetime) -> str:
    """Return a text that sorts like the time: always UTC, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
