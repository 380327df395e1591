"""What waits to be kept while a database cannot be written: all that happened, and as many checks as there is room for.

Not safe for threads by itself; when to try again is the recorder's decision.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from core.model.history import Batch

MOST_BATCHES = 500
MOST_CHECKS = 200_000


@dataclass(kw_only=True)
class Backlog:
    """Batches in the order in which they came; the first one may be under way and is left as it is.

    Transitions, incidents and audit events always wait. Of checks the oldest go when there are too many, counted in
    `dropped`. How a route stands is held only once, by the newest batch that knows it: older ones would be overwritten
    anyway.
    """

    most_batches: int = MOST_BATCHES
    most_checks: int = MOST_CHECKS
    dropped: int = 0
    _waiting: deque[Batch] = field(default_factory=deque)
    _checks: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Batch | None:
        """Return the batch that is to be kept next."""
        return self._waiting[0] if self._waiting else None

    def add(self, batch: Batch) -> None:
        """Let a batch wait behind the others, and make room."""
        if len(self._waiting) > 1:
            last = self._waiting.pop()
            batch = _with_older_routes(batch, last)
            self._put_back(replace(last, routes=()))
        self._waiting.append(batch)
        self._checks += len(batch.checks)
        self._make_room()

    def remove(self, batch: Batch) -> None:
        """Forget a batch that was kept, or that nobody will ever be able to keep."""
        if self._waiting and self._waiting[0].id == batch.id:
            self._checks -= len(self._waiting.popleft().checks)

    def give_up(self, batch: Batch) -> None:
        """Forget a batch unkept, and count its checks as dropped."""
        self.remove(batch)
        self.dropped += len(batch.checks)

    def _put_back(self, batch: Batch) -> None:
        if batch.checks or batch.has_happened:
            self._waiting.append(batch)

    def _make_room(self) -> None:
        full = sum(1 for batch in self._waiting if batch.checks)
        place = 1
        while (full > self.most_batches or self._checks > self.most_checks) and place < len(self._waiting) - 1:
            batch = self._waiting[place]
            if not batch.checks:
                place += 1
                continue
            full -= 1
            self._checks -= len(batch.checks)
            self.dropped += len(batch.checks)
            lighter = replace(batch, checks=())
            if lighter.has_happened or lighter.routes:
                self._waiting[place] = lighter
                place += 1
            else:
                del self._waiting[place]


def _with_older_routes(batch: Batch, older: Batch) -> Batch:
    newest = {kept.standing.route_id: kept for kept in (*older.routes, *batch.routes)}
    return replace(batch, routes=tuple(newest.values()))
