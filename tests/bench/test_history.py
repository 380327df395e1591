"""The benchmark of a large history says what it measured, and what missed its goal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.history import HistoryFigures, QueryFigures, history_table, missed, page_queries
from bench.history_fill import ROUTE_COUNT, fill
from core.adapters.database import Sqlite, open_database
from core.adapters.database.access import Access

MET = HistoryFigures(
    database="SQLite",
    rows=480,
    queries=(
        QueryFigures(name="Audit", median_ms=200.0, worst_ms=900.0),
        QueryFigures(name="Start: all", median_ms=900.0, worst_ms=900.0),
    ),
    keep_ms=250.0,
    worst_keep_ms=900.0,
    retain_s=1.0,
    size_mb=12.0,
)


def test_a_median_above_its_goal_is_missed_and_what_is_no_page_has_none() -> None:
    assert missed([MET]) == []
    slow = replace(MET, queries=(QueryFigures(name="Audit", median_ms=200.1, worst_ms=201.0),), keep_ms=251.0)
    assert missed([MET, replace(slow, database="PostgreSQL")]) == [
        "- missed, PostgreSQL, Audit: 200 ms, allowed 200 ms",
        "- missed, PostgreSQL, keep: 251 ms, allowed 250 ms",
    ]


def test_the_table_has_a_column_per_database_and_a_row_per_query() -> None:
    lines = history_table([MET, replace(MET, database="PostgreSQL")])
    assert lines[0].count("|") == 5 and "PostgreSQL" in lines[0]
    assert "| Audit | 200 / 900 ms | 200 / 900 ms | 200 ms |" in lines
    assert lines[-1].startswith("Every query met its goal")


def test_what_was_filled_is_what_is_asked_for(tmp_path: Path) -> None:
    place = Sqlite(path=tmp_path / "switchyard.db")
    database = open_database(place, limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300)
    kept: list[float] = []
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    fill(database, Access(place), 2 * ROUTE_COUNT, now, kept.append, days=8)
    rows = database.history.size().rows
    assert (len(kept), rows["checks"], rows["days"]) == (2, 2 * ROUTE_COUNT, ROUTE_COUNT)
    assert all(ask() is not None for name, ask in page_queries(database, now).items() if "one route" not in name)
    database.close()
