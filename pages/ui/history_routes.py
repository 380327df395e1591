"""Uptime and latency per route over the asked time, and the latency of one of them as a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import streamlit as st

from core.health.buckets import quantiles_of_buckets
from core.model.check import Check
from core.model.history import HistoryView, RouteHistory
from core.model.probe import Health
from core.model.snapshot import Snapshot
from pages.ui.address import HISTORY
from pages.ui.errors import reporting
from pages.ui.filter_bar import follow
from pages.ui.formats import ms_text, plural, share_text
from pages.ui.history_query import HistoryAsk
from pages.ui.history_tables import names_of, route_words, rows_for_uptime
from pages.ui.literals import show_grid
from pages.ui.masking import masked

ROUTE_KEY = "history_route"
# Fewer hours than this make no line; single checks of the last hours do.
_LEAST_POINTS = 3
_P50, _P95, _FIRST = "p50", "p95", "TTFT p95"
_SINGLE, _SINGLE_FIRST = "latency", "TTFT"
# None of the colours means a health, and each stands out from the background of either theme.
_LOOKS: dict[str, tuple[str, tuple[int, ...]]] = {
    _P50: ("#2E7FC4", (1, 0)),
    _P95: ("#8B6FD0", (6, 2)),
    _FIRST: ("#7F8A95", (2, 2)),
    _SINGLE: ("#2E7FC4", (1, 0)),
    _SINGLE_FIRST: ("#7F8A95", (2, 2)),
}
_MOST_DOTS = 60
_HOURS_UP_TO = timedelta(days=3)
_MOST_LABELS = 10
# The grid shows whole rows, and scrolls where there are very many.
_MOST_ROWS, _HEIGHT = 24, 800
_SECONDS_BELOW = timedelta(minutes=20)

Point = dict[str, datetime | float | None]


def show_routes(view: HistoryView, asked: HistoryAsk, snapshot: Snapshot) -> None:
    """Show the table, the worst first, and the latency of the chosen route."""
    routes = worst_first(view.routes)
    st.header("Uptime and latency", anchor=False)
    st.caption(summary(routes, simulated=snapshot.scene is not None))
    if view.left_out:
        st.info(
            f"{plural(view.left_out, 'route')} of those that match are left out, the healthy ones first: so long a "
            "time of all cannot be read at once. Take a shorter range or a filter.",
            icon=":material/filter_alt:",
        )
    show_grid(
        rows_for_uptime(routes),
        key="uptime",
        height="content" if len(routes) <= _MOST_ROWS else _HEIGHT,
        alt="Uptime and latency of each route, the worst first",
    )
    st.caption(
        "Up and Down are shares of the time that is known, Degraded is the part of Up that was degraded. No data and "
        "Paused are shares of the whole range. TTFT is the time to the first token."
    )
    by_id = {item.route_id: item for item in routes}
    chosen = by_id[asked.route] if asked.route in by_id else routes[0]
    names = {key: masked(words) for key, words in names_of(routes).items()}
    follow(ROUTE_KEY, chosen.route_id)
    st.selectbox(
        "Latency of",
        list(by_id),
        key=ROUTE_KEY,
        format_func=names.__getitem__,
        on_change=reporting(_choose),
    )
    standing = snapshot.standings.get(chosen.route_id)
    show_latency(chosen, standing.beats if standing else (), since=view.query.since)


def show_latency(history: RouteHistory, beats: Sequence[Check], *, since: datetime) -> None:
    """Show the latency over time, or why there is none."""
    points = latency_points(history, beats, since)
    if not points:
        st.info("No check of this route passed in this time, so there is no latency.", icon=":material/timer_off:")
        return
    words = f"p50 {ms_text(history.quantiles.p50_ms)}, p95 {ms_text(history.quantiles.p95_ms)}"
    st.vega_lite_chart(points, latency_chart(points), height=260, alt=f"Latency over time: {words}")


def latency_chart(points: Sequence[Point]) -> dict[str, object]:
    """Return how the points are drawn: in UTC wherever the browser is, each line told by its dashes too."""
    lines = [name for name in points[0] if name != "time"]
    time = {"field": "time", "type": "temporal"}
    axis = {"title": "UTC", "format": _format(points), "grid": False, "tickCount": _MOST_LABELS, "labelOverlap": True}
    legend = {"title": None, "orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 2}
    return {
        # A short check has no first token; a line goes on over what was not measured.
        "transform": [{"fold": lines, "as": ["line", "ms"]}, {"filter": "isValid(datum.ms)"}],
        "mark": {"type": "line", "point": len(points) <= _MOST_DOTS},
        "encoding": {
            "x": {**time, "scale": {"type": "utc"}, "axis": axis},
            "y": {"field": "ms", "type": "quantitative", "title": "ms"},
            "color": {
                "field": "line",
                "type": "nominal",
                "scale": {"domain": lines, "range": [_LOOKS[name][0] for name in lines]},
                "legend": legend,
            },
            "strokeDash": {
                "field": "line",
                "type": "nominal",
                "scale": {"domain": lines, "range": [list(_LOOKS[name][1]) for name in lines]},
                "legend": legend,
            },
            "tooltip": [
                {**time, "timeUnit": "utcyearmonthdatehoursminutes", "title": "UTC"},
                {"field": "line", "type": "nominal", "title": "of"},
                {"field": "ms", "type": "quantitative", "format": ".0f"},
            ],
        },
    }


def _format(points: Sequence[Point]) -> str:
    moments = [time for time in (point["time"] for point in points) if isinstance(time, datetime)]
    first, last = min(moments), max(moments)
    if last - first < _SECONDS_BELOW:
        return "%H:%M:%S"
    if first.date() == last.date():
        return "%H:%M"
    return "%d %b %H:%M" if last - first <= _HOURS_UP_TO else "%d %b"


def latency_points(history: RouteHistory, beats: Sequence[Check], since: datetime) -> list[Point]:
    """Return the points of the line: hours or days, or the single checks where those are too few."""
    points: list[Point] = []
    for bucket in history.buckets:
        found = quantiles_of_buckets([bucket])
        if found.samples:
            points.append({"time": bucket.start, _P50: found.p50_ms, _P95: found.p95_ms, _FIRST: found.ttft_p95_ms})
    single: list[Point] = [
        {"time": check.checked_at, _SINGLE: check.latency_ms, _SINGLE_FIRST: check.ttft_ms}
        for check in beats
        if check.health is Health.HEALTHY and check.latency_ms is not None and check.checked_at >= since
    ]
    return single if len(points) < _LEAST_POINTS and single else points


def worst_first(routes: Sequence[RouteHistory]) -> list[RouteHistory]:
    """Return the routes by how little they were up; those of which nothing is known come last."""
    return sorted(routes, key=lambda item: (item.uptime.up is None, item.uptime.up or 0.0, route_words(item.route)))


def summary(routes: Sequence[RouteHistory], *, simulated: bool) -> str:
    """Return the table in one line of Markdown without upstream text."""
    known = [item.uptime.up for item in routes if item.uptime.up is not None]
    text = plural(len(routes), "route")
    if known:
        text += f" · lowest {share_text(min(known))}, {sum(up >= 1 for up in known)} without any outage"
    if len(known) < len(routes):
        text += f" · {len(routes) - len(known)} of which nothing is known"
    return text + (" · **Simulated**" if simulated else "")


def _choose() -> None:
    HISTORY.write(replace(HISTORY.read(), route=str(st.session_state[ROUTE_KEY])))
