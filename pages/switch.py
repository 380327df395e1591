"""Switch: what each agent runs and who decided it, where that can be changed, and the changes made so far."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from pages.ui.banners import show_banners
from pages.ui.changes import show_attempts, show_stuck
from pages.ui.errors import shown_errors
from pages.ui.overrides import show_overrides
from pages.ui.request import take_request
from pages.ui.routes_watch import shown_now, watch_routes
from pages.ui.standings import as_of, moment_of
from pages.ui.switch_dialog import show_open_dialog
from pages.ui.switch_rows import show_agents
from pages.ui.switch_targets import show_targets
from pages.ui.waiting import show_waiting_rows

request = take_request()
seen = shown_now(request)
now = datetime.now(UTC)
snapshot = as_of(seen.shown.snapshot, moment_of(request.services.settings, seen.shown.snapshot, now))

st.title("Switch", anchor=False)
with shown_errors():
    show_banners(snapshot)
    show_stuck(request)
    show_overrides(request, snapshot.overrides, now)
    if snapshot.choices:
        show_agents(request, snapshot)
        show_targets(request, snapshot)
    elif not snapshot.problem:
        show_waiting_rows(height=200)
show_attempts(request, limit=10, empty="Nothing was changed yet. Every attempt is listed here, with the way back.")

# Behind an open dialog nothing moves; it follows its own job.
if not show_open_dialog(request):
    watch_routes(request, seen)
