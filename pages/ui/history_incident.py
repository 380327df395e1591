"""The drawer of one incident: when, why, whom it hit, what to do, and the report for a ticket."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.catalog.masking import Mask
from core.catalog.visible import file_name
from core.history.report import incident_report
from core.model.incident import Incident
from core.model.snapshot import Snapshot
from pages.ui.address import close_incident
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import HEALTH_SIGNS, badge, clock_text, escape, markdown_table
from pages.ui.history_query import HistoryAsk, history_address
from pages.ui.history_reading import addresses_of, read_incident, transitions_of
from pages.ui.history_tables import cause_text, lasted_text, rows_for_hit, rows_for_timeline
from pages.ui.lines import show_scrolling
from pages.ui.literals import offer_file, show_code
from pages.ui.masking import current_mask, learn, mask_at_hand
from pages.ui.request import RequestContext

MASK_KEY = "mask_report"
_POLL_S = 2.0


def show_incident_drawer(request: RequestContext, asked: HistoryAsk, now: datetime) -> bool:
    """Show the drawer of the incident that the address names, and say whether there is one."""
    if asked.incident is None:
        return False
    dialog = st.dialog(
        "Incident", width=900, position="right", icon=":material/timeline:", on_dismiss=reporting(close_incident)
    )
    dialog(_content)(request, asked.incident)
    return True


def _content(request: RequestContext, incident_id: str) -> None:
    """What a person sets stands outside the part that is drawn anew."""
    _polled_course(request, incident_id)
    with shown_errors():
        snapshot = request.services.snapshot()
        incident = read_incident(request, incident_id, snapshot)
        if incident is not None:
            learn(addresses=addresses_of([incident]))
            _report(request, incident, snapshot)


@st.fragment(run_every=_POLL_S)
def _polled_course(request: RequestContext, incident_id: str) -> None:
    with shown_errors():
        incident = read_incident(request, incident_id, request.services.snapshot())
        if incident is None:
            st.info("This incident is not kept any more, or never was. Close this to see the others.")
            return
        learn(addresses=addresses_of([incident]))
        _course(incident, datetime.now(UTC))


def _course(incident: Incident, now: datetime) -> None:
    sign = HEALTH_SIGNS[incident.health]
    st.markdown(badge(sign, f"{sign.word} · simulated" if incident.simulated else sign.word))
    st.markdown(f"**{escape(cause_text(incident))}**")
    if incident.remedy:
        st.markdown(f":material/build: {escape(incident.remedy)}")
    ended = f"ended {clock_text(incident.ended_at)}" if incident.ended_at else "not ended"
    st.caption(
        f"First failed check {clock_text(incident.started_at)} · confirmed {clock_text(incident.confirmed_at)} · "
        f"{ended} · {lasted_text(incident, now)}"
    )
    st.markdown("**Routes**")
    show_scrolling(markdown_table(rows_for_hit(incident)), least_px=640)
    st.markdown("**Timeline**")
    st.markdown(markdown_table(rows_for_timeline(incident.timeline, now)) or "Nothing but its beginning is kept.")


def _mask_of_report() -> Mask | None:
    mask = current_mask()
    if mask is not None:
        return mask
    help_text = "As in redaction mode: aliases instead. Credentials are struck out in any case."
    return mask_at_hand() if st.checkbox("Mask hosts, ids and people", key=MASK_KEY, help=help_text) else None


def _report(request: RequestContext, incident: Incident, snapshot: Snapshot) -> None:
    st.markdown("**Report for a ticket**")
    mask = _mask_of_report()
    host = snapshot.workspace.host if snapshot.workspace else ""
    transitions = transitions_of(request, incident, snapshot)
    report = incident_report(incident, transitions, workspace=host, mask=mask, now=datetime.now(UTC))
    offer_file(
        "Download the report",
        report,
        file_name=file_name(f"{incident.id}.md", otherwise="incident.md"),
        mime="text/markdown",
        key="download_report",
        icon=":material/download:",
    )
    page = (st.context.url or "").partition("?")[0]
    st.caption("The address of this incident")
    query = "&".join(f"{name}={value}" for name, (value,) in history_address(HistoryAsk(incident=incident.id)).items())
    show_code(f"{page}?{query}")
    st.caption("The report")
    show_code(report)
