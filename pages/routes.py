"""Routes: which agent works with which model, why the others do not, and the evidence behind each verdict."""

from __future__ import annotations

import streamlit as st

from pages.ui.address import read_address
from pages.ui.banners import show_banners
from pages.ui.errors import shown_errors
from pages.ui.filter_bar import show_filters, show_no_match
from pages.ui.live import show_progress
from pages.ui.matrix import matrix_of
from pages.ui.matrix_view import show_matrix
from pages.ui.probe_bar import show_probe_bar
from pages.ui.request import take_request
from pages.ui.route_drawer import opened_cell, show_drawer
from pages.ui.route_query import filtered, ticked_only
from pages.ui.routes_watch import shown_now, watch_routes
from pages.ui.standings import as_of, moment_of

request = take_request()
asked = read_address()
seen = shown_now(request)
now = seen.shown.at
moment = moment_of(request.services.settings, seen.shown.snapshot, now)
snapshot = as_of(seen.shown.snapshot, moment)

st.title("Routes", anchor=False)
with shown_errors():
    show_banners(snapshot)
    show_filters(asked)
    matrix = matrix_of(snapshot, seen.extra)
    shown = filtered(matrix, asked)
    show_probe_bar(request, matrix, ticked_only(shown, asked.ticked))
    show_progress(snapshot, now, request.services.settings.prices)
    if shown.rows:
        show_matrix(shown, asked, snapshot, moment)
    elif matrix.rows:
        show_no_match()
    elif not snapshot.problem and not snapshot.offline:
        st.skeleton(height=1200)

# Behind the open drawer nothing moves; it follows its own route.
if not show_drawer(request, opened_cell(request)):
    watch_routes(request, seen)
