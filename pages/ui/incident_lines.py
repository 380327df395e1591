"""Incidents and transitions in the short form of the Overview: a line each, with the way into History."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.model.incident import Incident
from core.model.snapshot import Snapshot
from pages.ui.formats import HEALTH_SIGNS, NOTHING, badge, escape, markdown_table, plural, span_text
from pages.ui.history_tables import hit_text, rows_for_transitions, short_cause
from pages.ui.lines import show_scrolling, show_text_and_action

_LINES = 5
_TRANSITIONS = 10


def show_open_incidents(incidents: Sequence[Incident], now: datetime) -> None:
    """Show the incidents that last, a line each in one box; nothing when there are none."""
    if not incidents:
        return
    with st.container(border=True, gap="xxsmall", key="open_incidents"):
        for incident in incidents[:_LINES]:
            text, link = show_text_and_action()
            text.markdown(incident_line(incident, now))
            link.page_link(
                "history.py", label="Details", icon=":material/timeline:", query_params={"incident": incident.id}
            )
        if len(incidents) > _LINES:
            label = f"{plural(len(incidents) - _LINES, 'further open incident')}"
            st.page_link("history.py", label=label, icon=":material/history:")


def incident_line(incident: Incident, now: datetime) -> str:
    """Return an open incident as one line: how bad, why, who is hit, since when."""
    sign = HEALTH_SIGNS[incident.health]
    simulated = " · simulated" if incident.simulated else ""
    lasts = span_text((now - incident.started_at).total_seconds())
    return (
        f"{badge(sign, f'{sign.word}{simulated}')} **{escape(short_cause(incident))}** "
        f":small[:gray[{escape(hit_text(incident.routes) or NOTHING)} · for {lasts}]]"
    )


def show_latest(snapshot: Snapshot, now: datetime) -> None:
    """Show the newest transitions; nothing before the first one."""
    if not snapshot.transitions:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.header("Latest transitions", anchor=False)
        st.page_link("history.py", label="History", icon=":material/history:")
    show_scrolling(markdown_table(rows_for_transitions(snapshot.transitions[:_TRANSITIONS], now)), least_px=640)
