"""Know how much time is left: for one probe, and for a whole sweep where somebody waits for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.ports import Clock, HttpRequest

ONE_SHOT_BUDGET_S = 28.0
MIN_SEND_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment of a monotonic clock after which nothing is begun."""

    clock: Clock
    at: float

    def left_s(self) -> float:
        """Return the seconds left, negative when it has passed."""
        return self.at - self.clock.monotonic()

    def allows(self, pause_s: float = 0.0) -> bool:
        """Say whether a request still fits after this pause."""
        return self.left_s() - pause_s >= MIN_SEND_S

    def within(self, request: HttpRequest) -> HttpRequest:
        """Return the request, cut to the time left."""
        left_s = self.left_s()
        return request if request.total_s <= left_s else replace(request, total_s=left_s)


def deadline_in(clock: Clock, seconds: float, *, no_later_than: Deadline | None = None) -> Deadline:
    """Return the deadline so many seconds from now, or the other one where that comes first."""
    at = clock.monotonic() + seconds
    return Deadline(clock=clock, at=at if no_later_than is None else min(at, no_later_than.at))
