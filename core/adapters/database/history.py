"""History in SQL: what one batch leaves is kept at once, and every question of a page is one bounded read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.audit import tell_head
from core.adapters.database.bucket_rows import read_buckets
from core.adapters.database.check_rows import CheckRow, checks_of, selected
from core.adapters.database.documents import value_of
from core.adapters.database.events import read_incidents, read_transitions
from core.adapters.database.forgetting import Forgetting
from core.adapters.database.keeping import keep_batch
from core.adapters.database.statements import is_postgres, one_writer
from core.adapters.database.summing import HOUR_S, SUMMED_UNTIL, mark, summed
from core.adapters.database.tables import CHECKS, DAYS, HOURS, INCIDENTS, ROUTES, STANDINGS
from core.adapters.database.times import milliseconds, milliseconds_up
from core.errors import StoreError
from core.health.buckets import merge_buckets
from core.model.check import Check
from core.model.history import Batch, Bucket, HistoryQuery, KeptRoute, Resolution, StoreSize
from core.model.incident import Incident
from core.model.probe import ProbeResult
from core.model.standing import Standing, Transition

_log = logging.getLogger(__name__)

# The first look for the newest checks of many routes goes this far back, each further one twice as far.
_FIRST_LOOK_MS = 3_600_000


class SqlHistoryStore:
    """Fulfil the HistoryStore port on a database."""

    def __init__(self, access: Access, forgetting: Forgetting, *, interval_s: float) -> None:
        self._access = access
        self._forgetting = forgetting
        self._interval_s = interval_s

    def keep(self, batch: Batch) -> None:
        """Keep a batch; when the database is as large as it may be, the oldest checks make room."""
        try:
            self._keep(batch)
        except StoreError as error:
            if error.code != "store_full":
                raise
            self._forgetting.make_room()
            self._keep(batch, room_was_made=True)

    def _keep(self, batch: Batch, *, room_was_made: bool = False) -> None:
        with self._access.writing(durable=bool(batch.events)) as connection:
            one_writer(connection)
            with self._forgetting.within_limit(connection, room_was_made=room_was_made):
                head = keep_batch(connection, batch, self._interval_s)
        tell_head(head)

    def routes(self, changed_since: datetime | None = None) -> Sequence[KeptRoute]:
        """Return the newest of every route that was kept since then by the database's clock."""
        query = sa.select(STANDINGS.c.standing, STANDINGS.c.result).order_by(STANDINGS.c.route)
        if changed_since is not None:
            query = query.where(STANDINGS.c.kept_at >= milliseconds(changed_since))
        with self._access.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(kept for standing, result in rows if (kept := _kept_route(standing, result)))

    def beats(self, route_ids: Sequence[str], limit: int) -> Mapping[str, tuple[Check, ...]]:
        """Return the newest checks of each route, oldest first."""
        if limit < 1 or not route_ids:
            return {}
        with self._access.reading() as connection:
            names = _numbered(connection, route_ids)
            rows = connection.execute(_newest_of_each(connection, list(names), limit)).all()
            checks = checks_of(rows, names)
            grouped = {route: tuple(some) for route, some in groupby(checks, key=lambda check: check.route_id)}
        return {route: beats[-limit:] for route, beats in grouped.items()}

    def checks(self, route_ids: Sequence[str], since: datetime, until: datetime, limit: int) -> Sequence[Check]:
        """Return checks newest first."""
        if limit < 1 or not route_ids:
            return ()
        first, end = milliseconds(since), milliseconds_up(until)
        with self._access.reading() as connection:
            names = _numbered(connection, route_ids)
            query = selected().where(CHECKS.c.route.in_(list(names)), CHECKS.c.at < end)
            query = query.order_by(CHECKS.c.at.desc(), CHECKS.c.route, CHECKS.c.depth).limit(limit)
            # Looking back step by step reads about as many rows as are wanted; one look would sort the whole window.
            look = _FIRST_LOOK_MS
            while True:
                begin = max(first, end - look)
                rows = connection.execute(query.where(CHECKS.c.at >= begin)).all()
                if len(rows) >= limit or begin == first:
                    return tuple(checks_of(rows, names))
                look *= 2

    def buckets(
        self, route_ids: Sequence[str], since: datetime, until: datetime, resolution: Resolution
    ) -> Sequence[Bucket]:
        """Return hours or days that begin in this time; what is not summed up yet is summed up from the checks."""
        if resolution is Resolution.RAW:
            raise ValueError("single checks are no buckets")
        table = HOURS if resolution is Resolution.HOUR else DAYS
        since_s, until_s = milliseconds_up(since) / 1000, milliseconds_up(until) / 1000
        with self._access.reading() as connection:
            names = _numbered(connection, route_ids)
            kept = list(read_buckets(connection, table, names, since_s, until_s))
            begin = mark(connection, SUMMED_UNTIL)
            if begin is None:
                begin = int(since_s // HOUR_S * HOUR_S)
            tail = summed(connection, names, datetime.fromtimestamp(begin, UTC), until, self._interval_s)
            newest = list(tail) if begin < until_s else []
        if resolution is Resolution.HOUR:
            return _by_time([*kept, *(hour for hour in newest if hour.start >= since)])
        # Only the last days still grow; adding up the others would cost more than reading them.
        growing = min((hour.start for hour in newest), default=until) - timedelta(days=1)
        grown = merge_buckets([*(day for day in kept if day.start > growing), *newest], Resolution.DAY)
        return _by_time([*(day for day in kept if day.start <= growing), *(day for day in grown if day.start >= since)])

    def transitions(self, query: HistoryQuery) -> Sequence[Transition]:
        """Return the transitions that match, newest first."""
        with self._access.reading() as connection:
            return read_transitions(connection, query)

    def incidents(self, query: HistoryQuery) -> Sequence[Incident]:
        """Return the incidents that lasted in this time and match, newest first."""
        with self._access.reading() as connection:
            return read_incidents(connection, query)

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident whole."""
        with self._access.reading() as connection:
            body = connection.execute(sa.select(INCIDENTS.c.body).where(INCIDENTS.c.id == incident_id)).scalar()
            return None if body is None else value_of(body, Incident)

    def open_incidents(self) -> Sequence[Incident]:
        """Return the incidents that last, newest first."""
        query = sa.select(INCIDENTS.c.body).where(INCIDENTS.c.ended_at.is_(None))
        with self._access.reading() as connection:
            bodies = connection.execute(query.order_by(INCIDENTS.c.started_at.desc(), INCIDENTS.c.id.desc())).scalars()
            return tuple(value_of(body, Incident) for body in bodies)

    def retain(self, now: datetime) -> int:
        """Sum up old checks into hours and days, forget what is too old or too much; return how many rows went."""
        return self._forgetting.retain(now)

    def size(self) -> StoreSize:
        """Return how much is kept."""
        return self._forgetting.size()


def _kept_route(standing: str, result: str) -> KeptRoute | None:
    """Return what is known of a route; one that another version wrote differently is asked anew by the next sweep."""
    try:
        return KeptRoute(standing=value_of(standing, Standing), result=value_of(result, ProbeResult))
    except ValueError:
        _log.warning("a kept standing cannot be understood and is left out")
        return None


def _numbered(connection: sa.Connection, route_ids: Sequence[str]) -> Mapping[int, str]:
    query = sa.select(ROUTES.c.id, ROUTES.c.route_id).where(ROUTES.c.route_id.in_(list(route_ids)))
    return dict(connection.execute(query).all())


def _newest_of_each(connection: sa.Connection, routes: Sequence[int], limit: int) -> sa.Select[*CheckRow]:
    """Each database is led along the key of the checks, one route after the other, in its own way."""
    some = sa.select(ROUTES.c.id).where(ROUTES.c.id.in_(routes)).subquery("some")
    if is_postgres(connection):
        of_one = sa.select(CHECKS).where(CHECKS.c.route == some.c.id).order_by(CHECKS.c.at.desc()).limit(limit)
        newest = sa.select(of_one.lateral("of_one")).select_from(some).subquery("newest")
        return selected(newest).order_by(newest.c.route, newest.c.at, newest.c.depth)
    at = sa.select(CHECKS.c.at).where(CHECKS.c.route == some.c.id).order_by(CHECKS.c.at.desc())
    floor = at.offset(limit - 1).limit(1).correlate(some).scalar_subquery()
    oldest = sa.select(some.c.id, sa.func.coalesce(floor, 0).label("at")).subquery("oldest")
    query = selected().where(CHECKS.c.route == oldest.c.id, CHECKS.c.at >= oldest.c.at)
    return query.order_by(CHECKS.c.route, CHECKS.c.at, CHECKS.c.depth)


def _by_time(buckets: Sequence[Bucket]) -> tuple[Bucket, ...]:
    return tuple(sorted(buckets, key=attrgetter("start")))
