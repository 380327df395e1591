"""The watch of the Routes page: show it again as soon as there is something new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.model.probe import ProbeResult
from core.model.snapshot import Job
from pages.ui.address import rerun_page
from pages.ui.live import Shown
from pages.ui.probe_bar import running_job
from pages.ui.request import RequestContext

_WATCH_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRoutes:
    """What a run of the Routes page has shown."""

    shown: Shown
    extra: tuple[ProbeResult, ...]
    job: Job | None


def shown_now(request: RequestContext) -> ShownRoutes:
    """Return what there is to show at this moment."""
    services = request.services
    shown = Shown(snapshot=services.snapshot(), at=datetime.now(UTC))
    return ShownRoutes(shown=shown, extra=services.extra_results(request.actor), job=running_job(request))


@st.fragment(run_every=_WATCH_S)
def watch_routes(request: RequestContext, seen: ShownRoutes) -> None:
    """Run the page again when a person would read something new."""
    now, latest = datetime.now(UTC), shown_now(request)
    new = latest.extra is not seen.extra or latest.job != seen.job
    if now - seen.shown.at >= timedelta(seconds=_WATCH_S) and (
        new or seen.shown.is_outdated(latest.shown.snapshot, now)
    ):
        rerun_page()
