"""Fill a database with what a large estate leaves behind: a week of checks, and hours and days to ninety days."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.adapters.database import Database
from core.adapters.database.access import Access
from core.adapters.database.histograms import pack
from core.adapters.database.tables import DAYS, HOURS, ROUTES
from core.model.check import Check, route_id
from core.model.history import Batch
from core.model.probe import Health
from tests.fakes.history_values import a_check, a_kept_route, a_route, a_transition, an_incident

ROUTE_COUNT = 480
RAW_DAYS, HOURLY_DAYS = 7, 90
_HOUR_S, _DAY_S = 3600, 86_400
_DOWN_SHARE = 0.02
_BUCKETS = 40
_PATTERNS = 2_000


def fill(
    database: Database,
    access: Access,
    rows: int,
    now: datetime,
    kept_ms: Callable[[float], None],
    *,
    days: int = HOURLY_DAYS,
) -> None:
    """Keep so many checks that end now, sweep by sweep, and what so many days leave; tell what each keep took."""
    draw = random.Random(7)
    rounds = rows // ROUTE_COUNT
    step = timedelta(days=RAW_DAYS) / rounds
    database.history.keep(Batch(id="routes", routes=tuple(a_kept_route(n, now) for n in range(ROUTE_COUNT))))
    for number in range(rounds):
        at = now - timedelta(days=RAW_DAYS) + number * step
        # Every tenth sweep brings the routes as well, as one in which words change does.
        routes = tuple(a_kept_route(n, at) for n in range(ROUTE_COUNT)) if number % 10 == 0 else ()
        batch = Batch(id=f"b{number}", checks=tuple(_check(n, at, draw) for n in range(ROUTE_COUNT)), routes=routes)
        began = time.perf_counter()
        database.history.keep(batch)
        kept_ms((time.perf_counter() - began) * 1000)
    _fill_sums(access, now, draw, days)
    _fill_events(database, now, days)


def _check(number: int, at: datetime, draw: random.Random) -> Check:
    failed = draw.random() < _DOWN_SHARE
    check = a_check(number, at + timedelta(milliseconds=number), Health.DOWN if failed else Health.HEALTHY)
    if failed:
        return check
    latency = draw.lognormvariate(6.5, 0.5)
    return replace(check, latency_ms=latency, ttft_ms=latency / 3, answered_model=f"example-model-{number % 40}")


def _fill_sums(access: Access, now: datetime, draw: random.Random, days: int) -> None:
    """Write hours and days straight into their tables: summing a quarter of a year up would take a quarter of it."""
    first = int((now - timedelta(days=days)).timestamp()) // _DAY_S * _DAY_S
    last = int((now - timedelta(days=RAW_DAYS)).timestamp()) // _DAY_S * _DAY_S
    histograms = [_histogram(draw) for _ in range(_PATTERNS)]
    with access.reading() as connection:
        numbers = [number for (number,) in connection.execute(sa.select(ROUTES.c.id))]
    for number in numbers:
        with access.writing() as connection:
            for table, length_s, checks in ((HOURS, _HOUR_S, 12), (DAYS, _DAY_S, 288)):
                rows = [
                    _sum(number, start, length_s, checks, draw.choice(histograms))
                    for start in range(first, last, length_s)
                ]
                connection.execute(sa.insert(table), rows)


def _histogram(draw: random.Random) -> bytes | None:
    counts = [0] * _BUCKETS
    for _ in range(12):
        counts[min(_BUCKETS - 1, max(0, int(draw.gauss(19, 2))))] += 1
    return pack(tuple(counts))


def _sum(number: int, start: int, length_s: int, checks: int, histogram: bytes | None) -> dict[str, object]:
    return {
        "route": number,
        "start": start,
        "checks": checks,
        "failures": 0,
        "healthy_ms": length_s * 1000,
        **dict.fromkeys(("degraded_ms", "down_ms", "unknown_ms", "paused_ms"), 0),
        "tokens_in": 12 * checks,
        "tokens_out": 3 * checks,
        "latency": histogram,
        "ttft": histogram,
    }


def _fill_events(database: Database, now: datetime, days: int) -> None:
    for day in range(days):
        at = now - timedelta(days=day)
        moved = tuple(a_transition(n % ROUTE_COUNT, at - timedelta(seconds=7 * n)) for n in range(60))
        broken = tuple(an_incident(n, at - timedelta(minutes=n), ended_at=at) for n in range(5))
        database.history.keep(Batch(id=f"e{day}", transitions=moved, incidents=broken))


def route_ids() -> list[str]:
    """Return the ids of all routes."""
    return [route_id(a_route(number)) for number in range(ROUTE_COUNT)]
