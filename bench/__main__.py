"""Run the whole benchmark, print it, and write its table to docs/performance.md; `BENCH_QUICK=1` for a short look."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from bench.first_minute import first_minute_table, measure_first_minute
from bench.history import history_table, measure_history
from bench.load import load_table, measure_load
from bench.measure import Figures, Shape, measure
from bench.report import write
from bench.sessions import SESSIONS, SessionFigures, measure_sessions

_OURS, _BARE, _POOLED = "ours", "httpx-aiohttp", "httpx-pooled"
_FULL = tuple(Shape(routes=routes, at_once=at_once) for routes in (10, 50, 200, 480) for at_once in (16, 32, 64))
_FULL_TAILS = tuple(Shape(routes=480, at_once=at_once, tail=True) for at_once in (16, 64))
_QUICK = (Shape(routes=50, at_once=16), Shape(routes=200, at_once=64), Shape(routes=480, at_once=64))
_QUICK_TAILS = (Shape(routes=480, at_once=64, tail=True),)
_HEADER = (
    "| routes, at once | ideal s | contender | wall s | × ideal | first / next s | CPU ms per probe | "
    "grown MB | new connections |"
)


def main() -> None:
    """Measure, show, and keep."""
    quick = bool(os.environ.get("BENCH_QUICK"))
    lines = [_HEADER, "|---|---|---|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    verdicts: list[str] = []
    for shape, contenders, runs in _plan(quick=quick):
        measured = {figures.contender: figures for figures in measure(shape, contenders, runs)}
        rows = [_row(figures) for figures in measured.values()]
        print("\n".join(rows), flush=True)
        lines += rows
        verdicts += _missed(measured)
    goals = verdicts or ["Every goal below was met in this run."]
    print("\n" + "\n".join(goals))
    kept = history_table(measure_history(quick=quick))
    print("\n" + "\n".join(kept), flush=True)
    watching = _sessions(measure_sessions(15.0 if quick else 60.0))
    print("\n" + "\n".join(watching), flush=True)
    asking = load_table(measure_load(12.0 if quick else 30.0))
    print("\n" + "\n".join(asking), flush=True)
    begun = first_minute_table(measure_first_minute(starts=1 if quick else 5))
    print("\n" + "\n".join(begun))
    if not quick:
        write("figures", [*lines, "", *goals])
        write("history", kept)
        write("sessions", watching)
        write("load", asking)
        write("first minute", begun)


def _plan(*, quick: bool) -> Iterator[tuple[Shape, Sequence[str], int]]:
    for shape in _QUICK if quick else _FULL:
        # httpx' own pool takes many times the ideal in the large shapes; one sweep apart is enough to see that.
        slow = shape.routes * shape.at_once > 3_200
        yield shape, (_OURS, _BARE) if slow else (_OURS, _BARE, _POOLED), 2 if quick else 3
        if slow and (shape.at_once == 64 or not quick):
            yield shape, (_POOLED,), 1
    for shape in _QUICK_TAILS if quick else _FULL_TAILS:
        yield shape, (_OURS, _BARE), 2


def _row(figures: Figures) -> str:
    ideal_s = figures.shape.ideal_s
    cells = (
        figures.shape.name,
        f"{ideal_s:.2f}",
        figures.contender,
        f"{figures.wall_s:.2f}",
        f"{figures.wall_s / ideal_s:.3f}",
        f"{figures.first_s:.2f} / {figures.next_s:.2f}",
        f"{figures.cpu_ms:.2f}",
        f"{figures.grown_mb:.1f}",
        "–" if figures.opened_next is None else str(figures.opened_next),
    )
    return "| " + " | ".join(cells) + " |"


def _missed(measured: dict[str, Figures]) -> list[str]:
    """Return the goals that ours misses in this shape."""
    if _OURS not in measured:
        return []
    ours, bare = measured[_OURS], measured[_BARE]
    shape = ours.shape
    allowed_wall_s = shape.timeout_s * 1.1 if shape.tail and shape.at_once == 64 else bare.wall_s * 1.05
    wall_s = ours.next_s if shape.tail and shape.at_once == 64 else ours.wall_s
    checks = [
        (wall_s <= allowed_wall_s, f"wall {wall_s:.2f} s, allowed {allowed_wall_s:.2f} s"),
        (ours.cpu_ms <= bare.cpu_ms * 1.3, f"CPU {ours.cpu_ms:.2f} ms, allowed {bare.cpu_ms * 1.3:.2f} ms"),
        (ours.grown_mb <= 30, f"memory grew by {ours.grown_mb:.0f} MB"),
    ]
    if not shape.tail:
        # What hung closes its connection, so that with a tail some must be opened anew.
        opened = f"{ours.opened_next} new connections in the second sweep"
        checks.append(((ours.opened_next or 0) <= shape.routes * 0.02, opened))
    if (shape.routes, shape.at_once, shape.tail) == (480, 64, False):
        checks += [
            (ours.wall_s <= shape.ideal_s * 1.15, f"wall {ours.wall_s / shape.ideal_s:.2f} × ideal, allowed 1.15"),
            (ours.cpu_ms <= 1.0, f"CPU {ours.cpu_ms:.2f} ms per probe, allowed 1"),
        ]
    return [f"- missed, {shape.name}: {text}" for met, text in checks if not met]


def _sessions(figures: SessionFigures) -> list[str]:
    """Return the figures of many viewers beside their goals (product.md)."""
    rows = (
        ("median of a refresh", f"{figures.median_ms:.0f} ms", "30 ms"),
        ("95th percentile", f"{figures.p95_ms:.0f} ms", "–"),
        ("CPU of one core", f"{figures.cpu_share:.0%}", "20 %"),
        ("memory", f"{figures.resident_mb:.0f} MB", "320 MB"),
        ("errors shown", str(figures.errors), "0"),
    )
    head = [f"| {SESSIONS} sessions, {figures.refreshes} refreshes | measured | goal |", "|---|---|---|"]
    return [*head, *(f"| {what} | {measured} | {goal} |" for what, measured, goal in rows)]


if __name__ == "__main__":
    main()
