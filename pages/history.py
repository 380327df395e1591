"""History: what went wrong and when, how well each route did, who changed what, and who was told."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from pages.ui.address import HISTORY
from pages.ui.errors import shown_errors
from pages.ui.history_filters import show_history_filters
from pages.ui.history_incident import show_incident_drawer
from pages.ui.history_sections import show_section
from pages.ui.history_watch import watch_history
from pages.ui.keeping import show_keeping
from pages.ui.request import take_request
from pages.ui.switch_dialog import show_open_dialog

request = take_request()
asked = HISTORY.read()
snapshot, now = request.services.snapshot(), datetime.now(UTC)

st.title("History", anchor=False)
with shown_errors():
    if snapshot.scene:
        st.caption(":material/science: **Simulated**: everything here happened in the simulated workspace.")
    show_keeping(snapshot.keeping)
    show_history_filters(asked, snapshot)
show_section(request, asked, snapshot, now)

# Behind an open dialog nothing moves; it follows its own incident or job.
if not show_open_dialog(request) and not show_incident_drawer(request, asked, now):
    watch_history(request, snapshot, now)
