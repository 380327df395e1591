"""A clock that goes on by one second each time it is asked."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class TickingClock:
    """Tell times that are all different and always the same in every run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0

    def now(self) -> datetime:
        with self._lock:
            self._seconds += 1
            return datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return float(self._seconds)
