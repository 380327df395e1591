"""Latency and time to first token of one route over time, with its failed checks marked; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.health.buckets import quantiles_of_buckets
from core.model.check import Check
from core.model.history import Bucket, RouteHistory
from core.model.probe import Health
from pages.ui.charts import BLUE, FAILED, GREY, VIOLET, time_axis
from pages.ui.formats import ms_text, plural

# Fewer hours than this make no line; single checks of the last hours do.
_LEAST_POINTS = 3
_P50, _P95, _FIRST = "p50", "p95", "TTFT p95"
_SINGLE, _SINGLE_FIRST = "latency", "TTFT"
_LOOKS: dict[str, tuple[str, tuple[int, ...]]] = {
    _P50: (BLUE, (1, 0)),
    _P95: (VIOLET, (6, 2)),
    _FIRST: (GREY, (2, 2)),
    _SINGLE: (BLUE, (1, 0)),
    _SINGLE_FIRST: (GREY, (2, 2)),
}
_MOST_DOTS = 60
# Just above the plot, where no line can be behind them.
_MARKS_Y, _MARK_SIZE = -8, 70
_FAILING = (Health.DOWN, Health.DEGRADED)

Point = dict[str, datetime | float | None]
Mark = dict[str, datetime | float | str | None]
Spec = dict[str, object]


def latency_points(history: RouteHistory, beats: Sequence[Check], since: datetime) -> list[Point]:
    """Return the points of the line: hours or days, or the single checks where those are too few."""
    recent = _recent(beats, since)
    if _as_single(history, recent):
        return [
            {"time": check.checked_at, _SINGLE: check.latency_ms, _SINGLE_FIRST: check.ttft_ms}
            for check in recent
            if check.health is Health.HEALTHY and check.latency_ms is not None
        ]
    points: list[Point] = []
    for bucket in history.buckets:
        found = quantiles_of_buckets([bucket])
        if found.samples:
            points.append({"time": bucket.start, _P50: found.p50_ms, _P95: found.p95_ms, _FIRST: found.ttft_p95_ms})
    return points


def failure_marks(history: RouteHistory, beats: Sequence[Check], since: datetime) -> list[Mark]:
    """Return when checks failed, in the same steps as the line, with how many and as what where that is known."""
    recent = _recent(beats, since)
    if _as_single(history, recent):
        return [
            {"time": check.checked_at, "failed": 1, "what": _what(check)}
            for check in recent
            if check.health in _FAILING
        ]
    return [
        {"time": bucket.start, "failed": bucket.failures, "what": f"{bucket.failures} of {bucket.checks} checks"}
        for bucket in history.buckets
        if bucket.failures
    ]


def latency_words(history: RouteHistory, marks: Sequence[Mark]) -> str:
    """Return what the chart shows in words."""
    failed = sum(int(str(mark["failed"])) for mark in marks)
    told = f"{plural(failed, 'failed check')} marked" if failed else "no failed check"
    quantiles = history.quantiles
    if not quantiles.samples:
        return f"no check passed, {told}"
    return f"p50 {ms_text(quantiles.p50_ms)}, p95 {ms_text(quantiles.p95_ms)}, {told}"


def latency_chart(points: Sequence[Point], marks: Sequence[Mark] = ()) -> Spec:
    """Return how points and marks are drawn: each line told by its dashes too, each failed check by its shape."""
    times = [*(point["time"] for point in points), *(mark["time"] for mark in marks)]
    moments = [time for time in times if isinstance(time, datetime)]
    x: Spec = {"field": "time", "type": "temporal", "scale": {"type": "utc"}, "axis": time_axis(moments)}
    layers = [_lines(points, x)] if points else []
    layers += [_failures(x)] if marks else []
    # Each layer keeps its own legend.
    resolve = {"scale": dict.fromkeys(("color", "strokeDash", "shape"), "independent")}
    return {"layer": layers, "resolve": resolve}


def _lines(points: Sequence[Point], x: Spec) -> Spec:
    lines = [name for name in points[0] if name != "time"]
    legend = {"title": None, "orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 2}
    color = {"domain": lines, "range": [_LOOKS[name][0] for name in lines]}
    dashes = {"domain": lines, "range": [list(_LOOKS[name][1]) for name in lines]}
    return {
        # A short check has no first token; a line goes on over what was not measured.
        "transform": [{"fold": lines, "as": ["line", "ms"]}, {"filter": "isValid(datum.ms)"}],
        "mark": {"type": "line", "point": len(points) <= _MOST_DOTS},
        "encoding": {
            "x": x,
            "y": {"field": "ms", "type": "quantitative", "title": "ms"},
            "color": {"field": "line", "type": "nominal", "scale": color, "legend": legend},
            "strokeDash": {"field": "line", "type": "nominal", "scale": dashes, "legend": legend},
            "tooltip": [
                _when(),
                {"field": "line", "type": "nominal", "title": "of"},
                {"field": "ms", "type": "quantitative", "format": ".0f"},
            ],
        },
    }


def _failures(x: Spec) -> Spec:
    """Return the marks along the upper edge: they have no latency, so they stand at none."""
    legend = {"title": None, "orient": "top", "symbolFillColor": FAILED, "symbolStrokeColor": FAILED}
    return {
        "transform": [{"filter": "datum.failed > 0"}, {"calculate": "'failed check'", "as": "kind"}],
        "mark": {"type": "point", "filled": True, "size": _MARK_SIZE, "color": FAILED, "opacity": 1},
        "encoding": {
            "x": x,
            "y": {"value": _MARKS_Y},
            "shape": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": ["failed check"], "range": ["cross"]},
                "legend": legend,
            },
            "tooltip": [_when(), {"field": "what", "type": "nominal", "title": "failed"}],
        },
    }


def _when() -> Spec:
    return {"field": "time", "type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "title": "UTC"}


def _recent(beats: Sequence[Check], since: datetime) -> list[Check]:
    return [check for check in beats if check.checked_at >= since]


def _as_single(history: RouteHistory, recent: Sequence[Check]) -> bool:
    checked: list[Bucket] = [bucket for bucket in history.buckets if bucket.checks]
    return bool(recent) and len(checked) < _LEAST_POINTS


def _what(check: Check) -> str:
    status = f"{check.http_status} " if check.http_status else ""
    return f"{check.rung.label}: {status}{check.diagnosis.replace('_', ' ')}"
