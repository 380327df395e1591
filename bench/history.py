"""What pages ask of a large history, in SQLite and in PostgreSQL: each query, a sweep's keep, and the size."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.history_fill import HOURLY_DAYS, RAW_DAYS, ROUTE_COUNT, fill, route_ids
from bench.paint import PAINT_GOAL_S, first_paint_s
from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite, open_database
from core.adapters.database.access import Access
from core.health.standing import rules_of
from core.history.reading import read_history, read_route
from core.model.agent import AgentId
from core.model.history import HistoryQuery
from core.model.secret import Secret
from core.model.standing import KEPT_BEATS
from core.settings import DEFAULT_SCENE, Settings
from tests.fakes.postgres import Postgres

QUERY_GOAL_MS, KEEP_GOAL_MS = 200.0, 250.0
# What only a process asks that has just begun, before anybody looks.
_NO_PAGE = "Start: "
ROWS, QUICK_ROWS = 1_000_000, 48_000
_RUNS = 7
_INTERVAL_S = 300.0
_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class QueryFigures:
    """How long one query took in ms: its median and its slowest run."""

    name: str
    median_ms: float
    worst_ms: float


@dataclass(frozen=True, kw_only=True)
class HistoryFigures:
    """What one database took. `keep_ms` is of a sweep's checks, `retain_s` of one hourly retention, whole."""

    database: str
    rows: int
    queries: tuple[QueryFigures, ...]
    keep_ms: float
    worst_keep_ms: float
    retain_s: float
    size_mb: float
    paint_s: float | None = None


def measure_history(*, quick: bool) -> tuple[HistoryFigures, ...]:
    """Fill both databases and ask them what pages ask."""
    rows = QUICK_ROWS if quick else ROWS
    found: list[HistoryFigures] = []
    for name, place_of in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
        with place_of() as place:
            figures = _measured(name, place, rows)
            if isinstance(place, Sqlite):
                figures = replace(figures, paint_s=first_paint_s(place.path.parents[2]))
            found.append(figures)
    return tuple(found)


@contextmanager
def _sqlite() -> Iterator[DatabasePlace]:
    with tempfile.TemporaryDirectory() as folder:
        # Where the dashboard on the simulated workspace looks for its history.
        yield Sqlite(path=Path(folder) / "state" / "simulated" / DEFAULT_SCENE / "switchyard.db")


@contextmanager
def _postgres() -> Iterator[DatabasePlace]:
    server = Postgres()
    try:
        yield PostgresUrl(url=Secret(server.database()))
    finally:
        server.close()


def _measured(name: str, place: DatabasePlace, rows: int) -> HistoryFigures:
    now = datetime.now(UTC)
    database = open_database(
        place, limit_bytes=1024 * _MB, raw_days=RAW_DAYS, hourly_days=HOURLY_DAYS, interval_s=_INTERVAL_S
    )
    try:
        kept: list[float] = []
        fill(database, Access(place), rows, now, kept.append)
        database.history.retain(now)
        queries = tuple(_timed(what, ask) for what, ask in page_queries(database, now).items())
        began = time.perf_counter()
        database.history.retain(now + timedelta(hours=1))
        return HistoryFigures(
            database=name,
            rows=database.history.size().rows["checks"],
            queries=queries,
            keep_ms=statistics.median(kept),
            worst_keep_ms=max(kept),
            retain_s=time.perf_counter() - began,
            size_mb=database.history.size().bytes / _MB,
        )
    finally:
        database.close()


def page_queries(database: Database, now: datetime) -> Mapping[str, Callable[[], object]]:
    """Return everything that a page, or the start of a process, asks of the database."""
    history, rules, ids = database.history, rules_of(Settings()), route_ids()

    def view(days: float, agents: Sequence[AgentId] = (), text: str = "") -> object:
        query = HistoryQuery(since=now - timedelta(days=days), until=now, agents=tuple(agents), text=text)
        return read_history(history, query, rules=rules, simulated=False)

    return {
        "History, 1 h": partial(view, 1 / 24),
        "History, 24 h": partial(view, 1),
        "History, 7 d": partial(view, 7),
        "History, 30 d": partial(view, 30),
        "History, 90 d": partial(view, 90),
        "History, 24 h of one model": partial(view, 1, text="example-model-77"),
        "Routes, one route's 24 h": lambda: read_route(history, ids[7], now - timedelta(days=1), now, rules=rules),
        "Routes, one route's 7 d": lambda: read_route(history, ids[7], now - timedelta(days=7), now, rules=rules),
        "Overview, open incidents": history.open_incidents,
        "Audit": lambda: database.audit.events(limit=200),
        "Changes": lambda: database.changes.latest(50),
        "Start: how every route stands": history.routes,
        "Start: 50 checks of one route": lambda: history.beats(ids[:1], KEPT_BEATS),
        f"Start: 50 checks of {ROUTE_COUNT} routes": lambda: history.beats(ids, KEPT_BEATS),
    }


def _timed(name: str, ask: Callable[[], object]) -> QueryFigures:
    ask()
    taken: list[float] = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return QueryFigures(name=name, median_ms=statistics.median(taken), worst_ms=max(taken))


def history_table(found: Sequence[HistoryFigures]) -> list[str]:
    """Return the figures as a table, one column per database, with what missed its goal below."""
    head = ["| | " + " | ".join(f"{one.database}, median / slowest" for one in found) + " | goal |"]
    lines = [*head, "|---|" + "---|" * (len(found) + 1)]
    for number, query in enumerate(found[0].queries):
        cells = [f"{one.queries[number].median_ms:.0f} / {one.queries[number].worst_ms:.0f} ms" for one in found]
        goal = "–" if query.name.startswith(_NO_PAGE) else f"{QUERY_GOAL_MS:.0f} ms"
        lines.append(f"| {query.name} | " + " | ".join(cells) + f" | {goal} |")
    keeps = [f"{one.keep_ms:.0f} / {one.worst_keep_ms:.0f} ms" for one in found]
    lines.append(f"| keep of a sweep of {ROUTE_COUNT} routes | " + " | ".join(keeps) + f" | {KEEP_GOAL_MS:.0f} ms |")
    retained = [f"{one.retain_s:.1f} s" for one in found]
    lines.append("| one hourly retention, in small steps | " + " | ".join(retained) + " | – |")
    paints = ["–" if one.paint_s is None else f"{one.paint_s:.2f} s" for one in found]
    lines.append("| first paint of the Overview, warm | " + " | ".join(paints) + f" | {PAINT_GOAL_S} s |")
    lines.append("| size | " + " | ".join(f"{one.size_mb:.0f} MB" for one in found) + " | – |")
    return [*lines, "", *(missed(found) or ["Every query met its goal in this run, by its median."])]


def missed(found: Sequence[HistoryFigures]) -> list[str]:
    """Return the goals that a median misses."""
    lines = [
        f"- missed, {one.database}, {query.name}: {query.median_ms:.0f} ms, allowed {QUERY_GOAL_MS:.0f} ms"
        for one in found
        for query in one.queries
        if query.median_ms > QUERY_GOAL_MS and not query.name.startswith(_NO_PAGE)
    ]
    lines += [
        f"- missed, {one.database}, first paint: {one.paint_s:.2f} s, allowed {PAINT_GOAL_S} s"
        for one in found
        if one.paint_s is not None and one.paint_s > PAINT_GOAL_S
    ]
    return lines + [
        f"- missed, {one.database}, keep: {one.keep_ms:.0f} ms, allowed {KEEP_GOAL_MS:.0f} ms"
        for one in found
        if one.keep_ms > KEEP_GOAL_MS
    ]
