"""Fallbacks: what each agent goes on with when its model fails, on which failures really, and a drill that shows it."""

from __future__ import annotations

import streamlit as st

from pages.ui.banners import show_banners
from pages.ui.errors import shown_errors
from pages.ui.fallback_chains import show_chains
from pages.ui.fallback_drill import show_drill, show_failures
from pages.ui.fallback_query import FALLBACKS
from pages.ui.request import take_request
from pages.ui.routes_watch import shown_now, watch_routes
from pages.ui.standings import as_of, moment_of
from pages.ui.waiting import show_waiting_rows

request = take_request()
asked = FALLBACKS.read()
seen = shown_now(request)
snapshot = as_of(seen.shown.snapshot, moment_of(request.services.settings, seen.shown.snapshot, seen.shown.at))

st.title("Fallbacks", anchor=False)
with shown_errors():
    show_banners(snapshot)
    if snapshot.choices:
        show_chains(snapshot, seen.extra)
        show_drill(request, asked, snapshot, seen.extra)
        show_failures(asked.agent)
    elif not snapshot.problem:
        show_waiting_rows(height=78)

watch_routes(request, seen)
