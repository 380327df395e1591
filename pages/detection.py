"""Detection: what was found out about workspace, gateway, identity and models, and how."""

from __future__ import annotations

import streamlit as st

from pages.ui.detection_sections import show_environment, show_gateway, show_models, show_requests, show_workspace
from pages.ui.lines import show_title
from pages.ui.literals import show_code
from pages.ui.masking import current_mask
from pages.ui.report import detection_report
from pages.ui.request import take_request
from pages.ui.self_check import show_self_check
from pages.ui.trust_section import show_trust

request = take_request()
snapshot = request.services.snapshot()

with show_title("Detection").popover("Copy report", icon=":material/content_copy:"):
    st.caption("Markdown for a ticket; tokens never enter it. Copy it with the button at its corner.")
    show_code(detection_report(snapshot, current_mask()), width=640)

show_workspace(snapshot)
show_gateway(snapshot)
show_models(snapshot)
show_self_check(request.services)
show_trust(request)
show_environment(request.services.settings)
show_requests(snapshot)
