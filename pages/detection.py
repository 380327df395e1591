"""Detection: what was found out about workspace, gateway, identity and models, and how."""

from __future__ import annotations

import streamlit as st

from pages.ui.detection_sections import show_environment, show_gateway, show_models, show_requests, show_workspace
from pages.ui.lines import show_title
from pages.ui.report import detection_report
from pages.ui.request import take_request
from pages.ui.self_check import show_self_check

request = take_request()
snapshot = request.services.snapshot()

with show_title("Detection").popover("Copy report", icon=":material/content_copy:"):
    st.caption("Markdown for a ticket; tokens never enter it. Copy it with the button at its corner.")
    st.code(detection_report(snapshot), language="markdown", height=360, width=640)

show_workspace(snapshot)
show_gateway(snapshot)
show_models(snapshot)
show_self_check(request.services)
show_environment(request.services.settings)
show_requests(snapshot)
