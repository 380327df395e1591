"""Decide when a request may leave: so many at once, per host and in all, with a class of their own for slow answers.

A hung route holds a place for its whole timeout; after SLOW_AFTER_S it moves to the slow class, so that it delays
nobody. A host that throttles us is asked at half the pace for the rest of the sweep, and not before it said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

SLOW_AFTER_S = 3.0
# Longer than this nobody waits inside a sweep: the route is asked anyway, and its own verdict says what comes.
LONGEST_WAIT_S = 20.0


class Places:
    """So many places, given out in the order they were asked for; the number may shrink while they are in use."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a place; a cancelled wait holds none."""
        if self.take_now():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def take_now(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.taken >= self.limit or self._waiting:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """Hand the place to whoever waits longest."""
        self.taken -= 1
        while self._waiting and self.taken < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class Turn:
    """One request under way, and which class its place belongs to."""

    __slots__ = ("_host", "_is_slow", "_pace", "_timer")

    def __init__(self, pace: Pace, host: Places, *, is_slow: bool, slow_after_s: float) -> None:
        self._pace = pace
        self._host = host
        self._is_slow = is_slow
        self._timer = None if is_slow else asyncio.get_running_loop().call_later(slow_after_s, self._become_slow)

    def _become_slow(self) -> None:
        if self._pace.slow.take_now():
            self._is_slow = True
            self._leave_fast_class()

    def _leave_fast_class(self) -> None:
        self._pace.everywhere.give_back()
        self._host.give_back()

    def end(self) -> None:
        """Give the place back, whichever class it is in."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_slow:
            self._pace.slow.give_back()
        else:
            self._leave_fast_class()


class Pace:
    """The places of one sweep. `now` is a monotonic clock, `spread` the pause before each of the first requests.

    `pauses` says until when a model on a host does not want to be asked; it outlives the sweep.
    """

    def __init__(
        self,
        *,
        at_once: int,
        now: Callable[[], float],
        pauses: dict[tuple[str, str], float] | None = None,
        spread: Callable[[], float] = lambda: 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        slow_after_s: float = SLOW_AFTER_S,
    ) -> None:
        self._at_once = at_once
        self._now = now
        self._pauses = {} if pauses is None else pauses
        self._spread = spread
        self._sleep = sleep
        self._slow_after_s = slow_after_s
        self._spread_left = at_once
        self._hosts: dict[str, Places] = {}
        self.everywhere = Places(at_once)
        self.slow = Places(at_once)

    def on(self, host: str) -> Places:
        """Return the places on one host."""
        if host not in self._hosts:
            self._hosts[host] = Places(self._at_once)
        return self._hosts[host]

    async def begin(self, host: str, model: str, *, is_slow: bool = False) -> Turn:
        """Wait for this request's turn; whoever gets one must end it. `is_slow` is what it was the last time."""
        places = self.on(host)
        if (wait_s := self.wait_s(host, model)) > 0:
            await self._sleep(wait_s)
        if is_slow and self.slow.take_now():
            return Turn(self, places, is_slow=True, slow_after_s=self._slow_after_s)
        if self._spread_left > 0:
            self._spread_left -= 1
            if (pause_s := self._spread()) > 0:
                await self._sleep(pause_s)
        # Host first: what waits for a throttled host must not hold a place that another host could use.
        await places.take()
        try:
            await self.everywhere.take()
        except asyncio.CancelledError:
            places.give_back()
            raise
        return Turn(self, places, is_slow=False, slow_after_s=self._slow_after_s)

    def wait_s(self, host: str, model: str) -> float:
        """Return how long this model on this host asked not to be asked."""
        if not self._pauses:
            return 0.0
        until = self._pauses.get((host, model))
        return 0.0 if until is None else max(0.0, until - self._now())

    def slow_down(self, host: str, model: str, retry_after_s: float | None) -> None:
        """Take note of a 429: half the pace on this host, and a pause for this model when it named one."""
        places = self.on(host)
        places.limit = max(1, places.limit // 2)
        if retry_after_s:
            self._pauses[host, model] = self._now() + min(retry_after_s, LONGEST_WAIT_S)


def retry_after_s(value: str | None) -> float | None:
    """Return the seconds that a Retry-After names; its date form is not used by any gateway we know."""
    text = (value or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
