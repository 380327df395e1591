"""The sections of the History page; each reads what it shows, and one that cannot be read leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import streamlit as st

from core.errors import StoreError
from core.model.history import HistoryView
from core.model.incident import Incident
from core.model.snapshot import Snapshot
from pages.ui.address import open_incident
from pages.ui.changes import show_attempts
from pages.ui.errors import problem_of, reporting, shown_errors
from pages.ui.formats import HEALTH_SIGNS, badge, clock_text, escape, markdown_table, plural
from pages.ui.heads import show_head
from pages.ui.history_alerts import show_alerts
from pages.ui.history_audit import show_audit
from pages.ui.history_export import show_export
from pages.ui.history_query import HistoryAsk, Section, Span
from pages.ui.history_reading import addresses_of, read_view, remembered_view
from pages.ui.history_routes import show_routes
from pages.ui.history_tables import hit_text, lasted_text, rows_for_transitions, short_cause
from pages.ui.lines import Widths, show_line, show_scrolling
from pages.ui.literals import show_chart
from pages.ui.masking import learn
from pages.ui.messages import problem_box
from pages.ui.request import RequestContext
from pages.ui.timeline_chart import (
    CHANGE,
    MOST_INCIDENTS,
    timeline_chart,
    timeline_height,
    timeline_spans,
    timeline_words,
)

_CHANGES = 50
_WIDTHS = Widths(first=(1.1, 4.2), second=(1.7, 1.1, 1.1))

Show = Callable[[RequestContext, HistoryAsk, Snapshot, datetime], None]


def show_section(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    """Show the section that the address names."""
    with shown_errors():
        _SECTIONS[asked.section](request, asked, snapshot, now)


def _view(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> HistoryView | None:
    """Return what the database says, or say that it cannot be read."""
    try:
        view = read_view(request, asked, snapshot, now)
        learn(addresses=addresses_of(view.incidents, view.transitions, view.routes))
        return view
    except StoreError as error:
        problem_box(problem_of(error))
        return None


def _incidents(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    view = _view(request, asked, snapshot, now)
    if view is None:
        st.caption("Below is what this process remembers without its database: what lasts, and what changed lately.")
    shown = view or remembered_view(asked, snapshot, now)
    st.header("Incidents", anchor=False)
    if shown.incidents:
        _timeline(request, shown, now)
        _incident_rows(shown.incidents, now)
    else:
        _none("incident", f"No incident in the last {asked.span.label}", asked, is_read=view is not None)
    st.header("Transitions", anchor=False)
    if shown.transitions:
        show_scrolling(markdown_table(rows_for_transitions(shown.transitions, now)), least_px=640)
    else:
        sentence = f"No route changed its health in the last {asked.span.label}"
        _none("transition", sentence, asked, is_read=view is not None)
    if view is not None:
        if view.cut:
            st.caption("There is more than is shown; take a shorter range or a filter.")
        show_export(view)


def _timeline(request: RequestContext, shown: HistoryView, now: datetime) -> None:
    """Show incidents and changes on one axis: what was changed before it broke, and before it worked again."""
    since = shown.query.since
    spans = timeline_spans(shown.incidents, request.services.changes(_CHANGES, written=True), since=since, now=now)
    show_chart(
        spans,
        timeline_chart(spans, since=since, now=now),
        height=timeline_height(spans),
        key="timeline_chart",
        alt=timeline_words(shown.incidents, sum(span["kind"] == CHANGE for span in spans), now),
    )
    if len(shown.incidents) > MOST_INCIDENTS:
        st.caption(f"The {MOST_INCIDENTS} worst of {len(shown.incidents)} incidents are drawn; all are listed below.")


def _none(what: str, sentence: str, asked: HistoryAsk, *, is_read: bool) -> None:
    """Say that there is nothing; what could not be read may still hold some."""
    if is_read:
        _nothing(sentence, asked)
    else:
        st.caption(f"No {what} is remembered; whether there was one is not known.")


def _nothing(sentence: str, asked: HistoryAsk) -> None:
    """Say that there is nothing, and what might bring something up."""
    if asked.filtered:
        st.info(f"{sentence} matches these filters. Take a filter away.", icon=":material/filter_alt_off:")
    elif asked.span is not Span.QUARTER:
        st.info(f"{sentence}. Look further back with *How far back*.", icon=":material/check:")
    else:
        st.info(f"{sentence}, which is as far back as single days are looked at.", icon=":material/check:")


def _incident_rows(incidents: tuple[Incident, ...], now: datetime) -> None:
    show_head(_WIDTHS, ("Severity", "Cause", "Began, ended (UTC)", "Duration", ""))
    for incident in incidents:
        with st.container(border=True, key=f"incident_{incident.id}"):
            _incident_row(incident, now)


def _incident_row(incident: Incident, now: datetime) -> None:
    severity, cause, times, lasted, action = show_line(_WIDTHS)
    sign = HEALTH_SIGNS[incident.health]
    severity.markdown(badge(sign) + ("  \n:small[simulated]" if incident.simulated else ""))
    count = plural(len(incident.routes), "route")
    cause.markdown(
        f"**{escape(short_cause(incident))}**  \n:small[:gray[{count}: {escape(hit_text(incident.routes))}]]"
    )
    ended = "not ended" if incident.ended_at is None else clock_text(incident.ended_at)
    times.markdown(f":small[{clock_text(incident.started_at)}  \n{ended}]".replace(" UTC", ""))
    lasted.markdown(lasted_text(incident, now))
    action.button(
        "Details",
        key=f"details_{incident.id}",
        icon=":material/timeline:",
        width="stretch",
        on_click=reporting(open_incident),
        args=(incident.id,),
    )


def _routes(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    view = _view(request, asked, snapshot, now)
    if view is None:
        return
    if not view.routes:
        _nothing(f"No check is kept of the last {asked.span.label}", asked)
        return
    show_routes(view, asked, snapshot)
    show_export(view)


def _changes(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    show_attempts(request, limit=_CHANGES, empty="Nothing was changed from here yet. *Switch …* on the Overview does.")


def _audit(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    if not show_audit(request, asked, now):
        _nothing(f"Nobody changed or probed anything in the last {asked.span.label}", HistoryAsk(span=asked.span))


def _alerts(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> None:
    show_alerts(request, now)


_SECTIONS: Mapping[Section, Show] = {
    Section.INCIDENTS: _incidents,
    Section.ROUTES: _routes,
    Section.CHANGES: _changes,
    Section.AUDIT: _audit,
    Section.ALERTS: _alerts,
}
