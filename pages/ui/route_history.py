"""The history of one route in its drawer: the bar, how fast it was, how long it was up, and when that changed."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from core.errors import StoreError
from core.health.buckets import quantiles_of_checks
from core.model.check import route_id
from core.model.history import Quantiles, RouteHistory, Uptime
from core.model.route import Route
from core.model.snapshot import Snapshot
from pages.ui.bars import LEGEND, short_words, show_bar
from pages.ui.errors import problem_of
from pages.ui.formats import escape, markdown_table, ms_text, share_text
from pages.ui.history_query import HistoryAsk, Section, history_address
from pages.ui.history_reading import read_route
from pages.ui.history_routes import show_latency
from pages.ui.history_tables import rows_for_transitions
from pages.ui.request import RequestContext
from pages.ui.standings import beats_of, moment_of, shown_now

_DAY = timedelta(hours=24)
_TRANSITIONS = 5


def show_route_history(request: RequestContext, route: Route, snapshot: Snapshot, now: datetime) -> None:
    """Show it for a route that is watched; one that somebody asked once has none."""
    found = route_id(route)
    standing = snapshot.standings.get(found)
    st.markdown("**History**")
    if standing is None:
        st.caption("This route is only checked when somebody asks, so no history of it is kept.")
        return
    beats = beats_of(standing)
    bar, text = st.columns([1, 2.6], gap="small", vertical_alignment="center")
    with bar:
        show_bar(beats, now)
    seen = shown_now(standing, moment_of(request.services.settings, snapshot, now))
    qualifier = f" · {escape(seen.qualifier)}" if seen and seen.qualifier else ""
    text.caption(f"{short_words(beats)}{qualifier}", help=LEGEND)
    history, trouble = _day_of(request, found, now)
    uptime = trouble or (uptime_text(history.uptime) if history else "uptime not known yet")
    st.markdown(" · ".join([quantiles_text(quantiles_of_checks(beats)), uptime]))
    if history is not None:
        show_latency(history, beats, since=now - _DAY, key="drawer_latency")
    own = [item for item in snapshot.transitions if route_id(item.route) == found][:_TRANSITIONS]
    if own:
        rows = [{name: cell for name, cell in row.items() if name != "Route"} for row in rows_for_transitions(own, now)]
        st.markdown(markdown_table(rows))
    asked = HistoryAsk(section=Section.ROUTES, agents=(route.agent,), models=(route.model,), route=found)
    query = {name: values[0] for name, values in history_address(asked).items()}
    st.page_link("history.py", label="All of it in History", icon=":material/history:", query_params=query)


def quantiles_text(quantiles: Quantiles) -> str:
    """Return how fast the last checks were answered."""
    if not quantiles.samples:
        return "no check passed, so no latency is known"
    first = f", TTFT {ms_text(quantiles.ttft_p95_ms)}" if quantiles.ttft_p95_ms is not None else ""
    return f"p50 {ms_text(quantiles.p50_ms)}, **p95 {ms_text(quantiles.p95_ms)}**{first}"


def uptime_text(uptime: Uptime) -> str:
    """Return the uptime of a day with what it leaves out."""
    if uptime.up is None:
        return "uptime not known yet"
    degraded = f", degraded {share_text(uptime.degraded)}" if uptime.degraded else ""
    unseen = f", no data {share_text(uptime.no_data)}" if uptime.no_data else ""
    return f"up **{share_text(uptime.up)}** of the time known in the last 24 h{degraded}{unseen}"


def _day_of(request: RequestContext, found: str, now: datetime) -> tuple[RouteHistory | None, str]:
    """Return the last day of a route, or why it cannot be read."""
    try:
        return read_route(request, found, now, _DAY), ""
    except StoreError as error:
        return None, f":orange[{escape(problem_of(error).message)}]"
