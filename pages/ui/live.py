"""What the Overview shows of one snapshot, and the watch that shows the next one as soon as there is something new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.snapshot import Snapshot
from core.model.usage import Price
from pages.ui.address import rerun_page
from pages.ui.agent_rows import RowParts, show_rows
from pages.ui.banners import show_banners
from pages.ui.cadence import cadence_text, next_text
from pages.ui.errors import shown_errors
from pages.ui.formats import age_text, usage_text
from pages.ui.incident_lines import show_latest, show_open_incidents
from pages.ui.keeping import show_keeping
from pages.ui.request import RequestContext
from pages.ui.rows import AgentRow, agent_rows
from pages.ui.standings import Moment, as_of, line_now, moment_of
from pages.ui.strip import show_strip
from pages.ui.switch_dialog import switch_button
from pages.ui.waiting import show_waiting_rows

_WATCH_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a run has shown: enough to know whether showing it again would say anything else."""

    snapshot: Snapshot
    at: datetime

    def is_outdated(self, snapshot: Snapshot, now: datetime) -> bool:
        """Say whether a person would read something new now."""
        return (snapshot is not self.snapshot and snapshot != self.snapshot) or _times(snapshot, now) != _times(
            self.snapshot, self.at
        )


def probe_now(request: RequestContext) -> None:
    """Ask for a sweep, as who acts now."""
    request.services.request_sweep(request.actor)


def show_snapshot(request: RequestContext) -> Shown:
    """Show banners, strip, open incidents, progress, rows and the latest transitions as of now."""
    snapshot, now, settings = request.services.snapshot(), datetime.now(UTC), request.services.settings
    with shown_errors():
        moment = moment_of(settings, snapshot, now)
        rows = agent_rows(
            as_of(snapshot, moment), moment=moment, inside_databricks_apps=settings.inside_databricks_apps
        )
        show_banners(snapshot)
        show_strip(snapshot, [row.status for row in rows])
        show_open_incidents(snapshot.incidents, now)
        show_progress(snapshot, now, settings.prices)
        show_keeping(snapshot.keeping)
        if rows:
            _rows(request, rows, snapshot, moment)
            show_latest(snapshot, now)
        elif not snapshot.problem:
            show_waiting_rows(height=114)
    return Shown(snapshot=snapshot, at=now)


@st.fragment(run_every=_WATCH_S)
def watch(request: RequestContext, shown: Shown) -> None:
    """Run the page again when there is something new to show.

    The rows are 150 elements and 50 ms of work; drawing them each second for each tab would cost a whole core at 20
    tabs (measured), looking costs a fifth of that.
    """
    now = datetime.now(UTC)
    # A run that has only just ended is not repeated at once, however fast results land.
    if now - shown.at >= timedelta(seconds=_WATCH_S) and shown.is_outdated(request.services.snapshot(), now):
        rerun_page()


def _times(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    oldest = min((result.checked_at for result in snapshot.results), default=None)
    return age_text(snapshot.swept_at, now), age_text(oldest, now), cadence_text(snapshot.cadence, now)


def _rows(request: RequestContext, rows: tuple[AgentRow, ...], snapshot: Snapshot, moment: Moment) -> None:
    def action(row: AgentRow) -> None:
        if AGENTS[row.choice.agent].probeable:
            switch_button(request, row.choice.agent)

    parts = RowParts(say=lambda result: line_now(result, snapshot, moment), action=action)
    show_rows(rows, parts, simulated=snapshot.scene is not None, now=moment.now)


def show_progress(snapshot: Snapshot, now: datetime, prices: Mapping[str, Price]) -> None:
    """Show how far the running sweep is, or when the last one was."""
    progress = snapshot.progress
    # One height for both, so that nothing below moves when a sweep begins or ends.
    with st.container(height=64, border=False, gap=None):
        if progress.running:
            share = progress.done / progress.total if progress.total else 0.0
            st.progress(min(share, 1.0), text=f"Checking routes: {progress.done} of {progress.total}")
        elif snapshot.swept_at is None:
            st.caption("No check has finished yet.")
        else:
            due = next_text(snapshot.cadence, snapshot.next_sweep_at, now)
            last = f"Last check {age_text(snapshot.swept_at, now)} · next check {due}"
            st.caption(f"{last}{usage_text(snapshot.usage, prices)}  \n{cadence_text(snapshot.cadence, now)}")
