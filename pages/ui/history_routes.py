"""Uptime and latency per route over the asked time, and both of one of them over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from core.model.check import Check
from core.model.history import HistoryView, RouteHistory
from core.model.snapshot import Snapshot
from pages.ui.address import HISTORY
from pages.ui.errors import reporting
from pages.ui.filter_bar import follow
from pages.ui.formats import escape, plural, share_text
from pages.ui.history_query import HistoryAsk
from pages.ui.history_tables import names_of, route_words, rows_for_uptime
from pages.ui.latency_chart import failure_marks, latency_chart, latency_points, latency_words
from pages.ui.literals import show_chart, show_grid
from pages.ui.masking import masked
from pages.ui.uptime_chart import uptime_chart, uptime_columns, uptime_words

ROUTE_KEY = "history_route"
# The grid shows whole rows, and scrolls where there are very many.
_MOST_ROWS, _HEIGHT = 24, 800
_CHART_HEIGHT, _MARKS_HEIGHT, _UPTIME_HEIGHT = 260, 110, 170


def show_routes(view: HistoryView, asked: HistoryAsk, snapshot: Snapshot) -> None:
    """Show the table, the worst first, and the course of the chosen route."""
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
        "Latency and uptime of",
        list(by_id),
        key=ROUTE_KEY,
        format_func=names.__getitem__,
        on_change=reporting(_choose),
    )
    standing = snapshot.standings.get(chosen.route_id)
    beats = standing.beats if standing else ()
    show_latency(chosen, beats, since=view.query.since, key="latency_chart")
    show_uptime(chosen, since=view.query.since, until=view.query.until, key="uptime_chart")


def show_latency(history: RouteHistory, beats: Sequence[Check], *, since: datetime, key: str) -> None:
    """Show the latency over time with failed checks marked, or why there is none."""
    points, marks = latency_points(history, beats, since), failure_marks(history, beats, since)
    if not points:
        st.info("No check of this route passed in this time, so there is no latency.", icon=":material/timer_off:")
    else:
        st.caption("Latency over time; a cross marks a failed check")
    if points or marks:
        show_chart(
            [*points, *marks],
            latency_chart(points, marks),
            height=_CHART_HEIGHT if points else _MARKS_HEIGHT,
            key=key,
            alt=f"Latency over time: {latency_words(history, marks)}",
        )


def show_uptime(history: RouteHistory, *, since: datetime, until: datetime, key: str) -> None:
    """Show how much of each day, or hour, the route was up."""
    columns = uptime_columns(history, since, until)
    words = uptime_words(history, since, until)
    st.caption(escape(words))
    show_chart(
        columns,
        uptime_chart(columns, since, until),
        height=_UPTIME_HEIGHT,
        key=key,
        alt=words,
    )


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
