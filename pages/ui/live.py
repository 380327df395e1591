"""The part of the Overview that refreshes by itself; it reads memory only."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.model.agent import AgentId
from core.model.snapshot import Snapshot
from pages.ui.agent_rows import show_rows
from pages.ui.banners import show_banners
from pages.ui.errors import shown_errors
from pages.ui.formats import age_text, until_text
from pages.ui.request import RequestContext
from pages.ui.rows import AgentRow, agent_rows
from pages.ui.strip import show_strip
from pages.ui.switch_dialog import switch_button

_REFRESH_S = 1.0


@st.fragment(run_every=_REFRESH_S)
def show_live(request: RequestContext) -> None:
    """Show strip and rows as of now, again each second."""
    with shown_errors():
        snapshot, now = request.services.snapshot(), datetime.now(UTC)
        inside = request.services.settings.inside_databricks_apps
        rows = agent_rows(snapshot, now=now, inside_databricks_apps=inside)
        show_banners(snapshot)
        show_strip(snapshot, [row.status for row in rows])
        _progress(snapshot, now)
        if rows:
            _rows(request, rows, snapshot, now)
        elif not snapshot.problem:
            st.skeleton(height=320)


def _rows(request: RequestContext, rows: tuple[AgentRow, ...], snapshot: Snapshot, now: datetime) -> None:
    def action(row: AgentRow) -> None:
        if row.choice.agent is AgentId.HERMES:
            switch_button(request, row.choice.agent)

    show_rows(rows, simulated=snapshot.scene is not None, now=now, action=action)


def _progress(snapshot: Snapshot, now: datetime) -> None:
    progress = snapshot.progress
    # One height for both, so that nothing below moves when a sweep begins or ends.
    with st.container(height=48, border=False, gap=None):
        if progress.running:
            share = progress.done / progress.total if progress.total else 0.0
            st.progress(min(share, 1.0), text=f"Checking routes: {progress.done} of {progress.total}")
        elif snapshot.swept_at is None:
            st.caption("No check has finished yet.")
        else:
            st.caption(
                f"Last check {age_text(snapshot.swept_at, now)} · next check {until_text(snapshot.next_sweep_at, now)}"
            )
