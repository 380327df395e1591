"""Forget in small steps: checks become hours, hours days, and when there is too much the oldest go first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.footprint import Footprint
from core.adapters.database.statements import one_writer
from core.adapters.database.summing import (
    DAY_S,
    HOUR_S,
    RAW_FROM,
    SUMMED_UNTIL,
    mark,
    oldest_check_ms,
    set_mark,
    stands_s,
    sum_next_hour,
)
from core.adapters.database.tables import CHECKS, DELIVERIES, HOURS, ROUTES, TRANSITIONS
from core.adapters.database.times import milliseconds
from core.errors import StoreError
from core.model.alert import DeliveryState
from core.model.history import StoreSize

Result = TypeVar("Result")

# An hour is summed up this long after its end, because the last round of checks in it is still on its way.
_SETTLED = timedelta(minutes=10)

# One step forgets about this many checks of each route, so that whoever wants to write waits for milliseconds.
_STEP_CHECKS = 12
_STEP_S = 60
_STEP_TRANSITIONS = 1000

# Above the first share of the limit the oldest go until the second is reached.
_CROWDED = 0.9
_ROOMY = 0.8


class Forgetting:
    """Keep a database within its days and bytes."""

    def __init__(self, access: Access, *, raw_days: int, hourly_days: int, interval_s: float) -> None:
        self._access = access
        self._footprint = Footprint(access)
        self._raw = timedelta(days=raw_days)
        # Days are made from whole hours, so hours outlive the checks that they are made from.
        self._hourly = timedelta(days=max(hourly_days, raw_days + 1))
        self._interval_s = interval_s

    def retain(self, now: datetime) -> int:
        """Sum up what is over, forget what is too old, then what is too much; return how many rows went."""
        settled = int((now - _SETTLED).timestamp()) // HOUR_S * HOUR_S
        self._sum_up(settled)
        gone = self._forget_checks(int((now - self._raw).timestamp() * 1000))
        gone += self._forget_hours(int((now - self._hourly).timestamp()))
        gone += self._step(lambda connection: _forget_deliveries(connection, now - self._hourly))
        if self._footprint.share() > _CROWDED:
            gone += self._shrink(_ROOMY)
        self._footprint.tidy_up(gone)
        return gone

    def _sum_up(self, before_s: int) -> None:
        more = True
        while more:
            try:
                more = self._step(lambda connection: sum_next_hour(connection, before_s, self._interval_s))
            except StoreError as error:
                # The limit was lowered, or nobody summed up for long: there is no room even for sums.
                if error.code != "store_full" or not self._step(self._forget_anything):
                    raise

    def make_room(self) -> None:
        """Forget the oldest until there is room again, summed up or not: keeping nothing new would be worse."""
        # What did not fit tells more than the share does: pages that are half empty count as full.
        gone = self._shrink(min(_ROOMY, self._footprint.share() - _CROWDED + _ROOMY))
        self._footprint.tidy_up(gone)

    def within_limit(self, connection: sa.Connection, *, room_was_made: bool) -> AbstractContextManager[None]:
        """Let somebody write; raises StoreError when that leads beyond the limit."""
        return self._footprint.within_limit(connection, room_was_made=room_was_made)

    def size(self) -> StoreSize:
        """Return how much is kept."""
        return self._footprint.size()

    def _forget_checks(self, before_ms: int) -> int:
        """Forget checks of hours that are summed up, step by step."""
        gone = 0
        while step := self._step(lambda connection: self._forget_oldest(connection, before_ms)):
            gone += step
        return gone

    def _forget_oldest(self, connection: sa.Connection, before_ms: int) -> int:
        summed_until = mark(connection, SUMMED_UNTIL)
        oldest = oldest_check_ms(connection)
        if summed_until is None or oldest is None:
            return 0
        # The last check before an hour still stands in it.
        before_ms = min(before_ms, int((summed_until - stands_s(self._interval_s)) * 1000))
        if oldest >= before_ms:
            return 0
        return self._forget_step(connection, min(before_ms, oldest + self._step_ms))

    def _forget_step(self, connection: sa.Connection, before_ms: int) -> int:
        whole = -(-(before_ms + int(stands_s(self._interval_s) * 1000)) // (HOUR_S * 1000)) * HOUR_S * 1000
        set_mark(connection, RAW_FROM, max(whole, mark(connection, RAW_FROM) or 0))
        routes = sa.select(ROUTES.c.id)
        return connection.execute(sa.delete(CHECKS).where(CHECKS.c.route.in_(routes), CHECKS.c.at < before_ms)).rowcount

    @property
    def _step_ms(self) -> int:
        return int(max(_STEP_CHECKS * self._interval_s, _STEP_S) * 1000)

    def _forget_hours(self, before_s: int) -> int:
        whole_days = before_s // DAY_S * DAY_S
        gone = 0
        while step := self._step(lambda connection: _forget_oldest_day_of_hours(connection, whole_days)):
            gone += step
        return gone

    def _shrink(self, share: float) -> int:
        gone = 0
        while excess := self._footprint.rows_above(share):
            enough = gone + excess
            while gone < enough:
                step = self._step(self._forget_anything)
                gone += step
                if not step:
                    return gone
        return gone

    def _forget_anything(self, connection: sa.Connection) -> int:
        """Forget the oldest of what is least missed: checks, then hours, then transitions."""
        oldest = oldest_check_ms(connection)
        if oldest is not None:
            before_ms = oldest + self._step_ms
            if before_ms > (mark(connection, SUMMED_UNTIL) or 0) * 1000:
                # Never to be summed up: half an hour's checks would look like a whole one.
                set_mark(connection, SUMMED_UNTIL, -(-before_ms // (HOUR_S * 1000)) * HOUR_S)
            return self._forget_step(connection, before_ms)
        newest_day = mark(connection, SUMMED_UNTIL) or 0
        return _forget_oldest_day_of_hours(connection, newest_day) or _forget_transitions(connection)

    def _step(self, work: Callable[[sa.Connection], Result]) -> Result:
        with self._access.writing() as connection:
            one_writer(connection)
            return work(connection)


def _forget_oldest_day_of_hours(connection: sa.Connection, before_s: int) -> int:
    first = sa.select(sa.func.min(HOURS.c.start)).where(HOURS.c.route == ROUTES.c.id)
    each = sa.select(first.correlate(ROUTES).scalar_subquery().label("start")).select_from(ROUTES).subquery()
    oldest = connection.execute(sa.select(sa.func.min(each.c.start))).scalar()
    if oldest is None or oldest >= before_s:
        return 0
    end = min(before_s, oldest // DAY_S * DAY_S + DAY_S)
    routes = sa.select(ROUTES.c.id)
    return connection.execute(sa.delete(HOURS).where(HOURS.c.route.in_(routes), HOURS.c.start < end)).rowcount


def _forget_transitions(connection: sa.Connection) -> int:
    oldest = sa.select(TRANSITIONS.c.id).order_by(TRANSITIONS.c.at, TRANSITIONS.c.id).limit(_STEP_TRANSITIONS)
    return connection.execute(sa.delete(TRANSITIONS).where(TRANSITIONS.c.id.in_(oldest))).rowcount


def _forget_deliveries(connection: sa.Connection, before: datetime) -> int:
    settled = DELIVERIES.c.state != DeliveryState.WAITING.value
    old = DELIVERIES.c.at < milliseconds(before)
    return connection.execute(sa.delete(DELIVERIES).where(settled, old)).rowcount
