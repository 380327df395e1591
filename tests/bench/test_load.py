"""The benchmark of many programs says what it measured, and what missed its goal."""

from __future__ import annotations

from dataclasses import replace

from bench.load import LoadFigures, load_table

MET = LoadFigures(
    calls=3000,
    failed=0,
    median_ms=100.4,
    p95_ms=1000.0,
    worst_ms=4000.0,
    refresh_median_ms=30.0,
    refresh_p95_ms=900.0,
    refresh_errors=0,
    sweeps=8,
    resident_mb=320.0,
)


def test_what_meets_its_goals_is_a_table_alone() -> None:
    lines = load_table(MET)
    assert lines[0] == "| 200 viewers, 3000 calls, 20 tabs | measured | goal |"
    assert "| median of a call | 100 ms | – |" in lines
    assert all(line.startswith("|") for line in lines)


def test_a_single_call_that_failed_is_missed() -> None:
    assert load_table(replace(MET, failed=1))[-1] == "- missed: calls that failed 1, allowed 0"


def test_whatever_is_too_slow_or_large_is_missed() -> None:
    slow = replace(MET, p95_ms=1001.0, refresh_median_ms=31.0, refresh_errors=1, resident_mb=321.0)
    assert sum(line.startswith("- missed") for line in load_table(slow)) == 4
