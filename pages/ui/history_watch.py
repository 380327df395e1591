"""The watch of the History page: show it again when something has happened, or when what is shown has become old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from core.model.snapshot import Snapshot
from pages.ui.address import rerun_page
from pages.ui.request import RequestContext

_WATCH_S = 2.0
# What has just happened is in the database a moment later.
_SETTLED = timedelta(seconds=4)
_OLD = timedelta(seconds=60)


@st.fragment(run_every=_WATCH_S)
def watch_history(request: RequestContext, shown: Snapshot, at: datetime) -> None:
    """Run the page again when a person would read something new."""
    latest, age = request.services.snapshot(), datetime.now(UTC) - at
    if age >= _OLD or (age >= _SETTLED and _said(latest) != _said(shown)):
        rerun_page()


def _said(snapshot: Snapshot) -> tuple[object, ...]:
    return snapshot.incidents, snapshot.transitions[:1], snapshot.keeping
