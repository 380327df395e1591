"""Sum checks up into hours and days: once when an hour is over, again when late checks of it arrive.

What a sum means is left to core/health/buckets; everything here runs inside somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

import sqlalchemy as sa

from core.adapters.database.bucket_rows import put_buckets, read_buckets
from core.adapters.database.check_rows import checks_of, selected
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import CHECKS, DAYS, HOURS, MARKS, ROUTES
from core.health.buckets import STANDS_INTERVALS, bucket_checks, merge_buckets
from core.model.history import Bucket, Resolution

HOUR_S = 3600
DAY_S = 86_400
SUMMED_UNTIL = "summed_until"
RAW_FROM = "raw_from"


def mark(connection: sa.Connection, name: str) -> int | None:
    """Return a mark, None when it was never set."""
    return connection.execute(sa.select(MARKS.c.value).where(MARKS.c.name == name)).scalar()


def set_mark(connection: sa.Connection, name: str, value: int) -> None:
    """Set a mark."""
    insert = insert_into(connection, MARKS).values(name=name, value=value)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def all_routes(connection: sa.Connection) -> Mapping[int, str]:
    """Return every route that was ever kept, by its number."""
    return dict(connection.execute(sa.select(ROUTES.c.id, ROUTES.c.route_id)).all())


def stands_s(interval_s: float) -> float:
    """Return for how long a check stands at most."""
    return STANDS_INTERVALS * interval_s


def summed(
    connection: sa.Connection, routes: Mapping[int, str], since: datetime, until: datetime, interval_s: float
) -> Iterator[Bucket]:
    """Yield the hours of this time summed up from the checks themselves, by route and time."""
    since_ms = int((since.timestamp() - stands_s(interval_s)) * 1000)
    until_ms = int(until.timestamp() * 1000)
    query = (
        selected()
        .where(CHECKS.c.route.in_(list(routes)), CHECKS.c.at >= since_ms, CHECKS.c.at < until_ms)
        .order_by(CHECKS.c.route, CHECKS.c.at, CHECKS.c.depth)
    )
    checks = checks_of(connection.execute(query).all(), routes)
    for _, of_one_route in groupby(checks, key=lambda check: check.route_id):
        yield from bucket_checks(
            list(of_one_route), resolution=Resolution.HOUR, interval_s=interval_s, since=since, until=until
        )


def sum_next_hour(connection: sa.Connection, before_s: int, interval_s: float) -> bool:
    """Sum up the oldest hour that is not yet, if it ends by then; say whether there may be more."""
    begin = mark(connection, SUMMED_UNTIL)
    oldest = oldest_check_ms(connection, None if begin is None else int((begin - stands_s(interval_s)) * 1000))
    if oldest is None:
        return False
    begin = max(begin or 0, oldest // 1000 // HOUR_S * HOUR_S)
    if begin + HOUR_S > before_s:
        return False
    routes = all_routes(connection)
    hours = list(summed(connection, routes, _moment(begin), _moment(begin + HOUR_S), interval_s))
    numbers = {route_id: number for number, route_id in routes.items()}
    put_buckets(connection, HOURS, hours, numbers)
    day = begin // DAY_S * DAY_S
    days = [*read_buckets(connection, DAYS, routes, day, day + DAY_S), *hours]
    put_buckets(connection, DAYS, merge_buckets(days, Resolution.DAY), numbers)
    set_mark(connection, SUMMED_UNTIL, begin + HOUR_S)
    return True


def sum_again(connection: sa.Connection, late: Iterable[tuple[int, int]], interval_s: float) -> None:
    """Sum up anew what late checks change; `late` holds the number of each one's route and its time in ms."""
    end = mark(connection, SUMMED_UNTIL)
    touched: dict[int, set[int]] = {}
    for route, at in late:
        last = (at / 1000 + stands_s(interval_s)) // HOUR_S
        for hour in range(at // 1000 // HOUR_S, int(last) + 1):
            if end is not None and hour * HOUR_S < end:
                touched.setdefault(hour * HOUR_S, set()).add(route)
    if not touched:
        return
    names = all_routes(connection)
    numbers = {route_id: number for number, route_id in names.items()}
    for begin, routes in touched.items():
        some = {number: names[number] for number in routes}
        put_buckets(
            connection, HOURS, summed(connection, some, _moment(begin), _moment(begin + HOUR_S), interval_s), numbers
        )
    days: dict[int, set[int]] = {}
    for begin, routes in touched.items():
        days.setdefault(begin // DAY_S * DAY_S, set()).update(routes)
    for day, routes in days.items():
        some = {number: names[number] for number in routes}
        hours = list(read_buckets(connection, HOURS, some, day, day + DAY_S))
        put_buckets(connection, DAYS, merge_buckets(hours, Resolution.DAY), numbers)


def oldest_check_ms(connection: sa.Connection, since_ms: int | None = None) -> int | None:
    """Return the time of the oldest check since then; asks each route for its own, because checks are sorted so."""
    first = sa.select(sa.func.min(CHECKS.c.at)).where(CHECKS.c.route == ROUTES.c.id)
    if since_ms is not None:
        first = first.where(CHECKS.c.at >= since_ms)
    each = sa.select(first.correlate(ROUTES).scalar_subquery().label("at")).select_from(ROUTES).subquery()
    return connection.execute(sa.select(sa.func.min(each.c.at))).scalar()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
