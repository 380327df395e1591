"""Decide whether somebody asks for too much in a short time; what is refused, and how it is told, is the gate's."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from core.model.access import Action
from core.ports import Clock

WINDOW_S = 60.0
# So many starts per person and minute. A person who clicks needs far fewer; a script in somebody's session must not
# have the dashboard send requests, or redeploy apps, without end.
MOST = {Action.PROBE: 30, Action.CHANGE: 20, Action.ALERT_TEST: 6, Action.TRUST: 20}
_MOST_PEOPLE = 10_000


class Limits:
    """The starts of the last minute, per action and person; safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._starts: OrderedDict[tuple[Action, str], deque[float]] = OrderedDict()
        self._told: dict[tuple[Action, str], float] = {}

    def wait_s(self, action: Action, name: str) -> float:
        """Count a start and return 0, or return after how many seconds this person may start the next one."""
        if action not in MOST:
            return 0.0
        now, key = self._clock.monotonic(), (action, name)
        with self._lock:
            starts = self._starts.setdefault(key, deque())
            self._starts.move_to_end(key)
            while len(self._starts) > _MOST_PEOPLE:
                self._starts.popitem(last=False)
            while starts and starts[0] <= now - WINDOW_S:
                starts.popleft()
            if len(starts) >= MOST[action]:
                return starts[0] + WINDOW_S - now
            starts.append(now)
            return 0.0

    def is_news(self, action: Action, name: str) -> bool:
        """Say whether a refusal is the first in a minute, so that refusals cannot flood the audit."""
        now = self._clock.monotonic()
        with self._lock:
            self._told = {key: at for key, at in self._told.items() if now - at < WINDOW_S}
            if (action, name) in self._told:
                return False
            self._told[action, name] = now
            return True
