"""The frame of every page: page config, who is there, navigation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from core.errors import SwitchyardError
from pages.ui.address import drawing_page
from pages.ui.demo_bar import show_demo
from pages.ui.errors import shown_errors
from pages.ui.formats import code, escape
from pages.ui.masking import begin_masking
from pages.ui.messages import show_flash
from pages.ui.misconfigured import show_misconfiguration
from pages.ui.modes import PROJECTOR
from pages.ui.overrides import override_line
from pages.ui.presenting import show_presenting, show_stage_line
from pages.ui.projector import project
from pages.ui.request import RequestContext, forget_others, hand_over
from pages.ui.services import get_demo, get_services

projected = PROJECTOR.is_on()
st.set_page_config(
    page_title="Switchyard",
    page_icon="🔀",
    layout="wide",
    initial_sidebar_state="collapsed" if projected else 210,
)

st.logo(str(Path(__file__).parent / "ui" / "logo.svg"), size="large")

page = st.navigation(
    [
        st.Page("overview.py", title="Overview", icon=":material/space_dashboard:", default=True),
        st.Page("routes.py", title="Routes", icon=":material/grid_on:"),
        st.Page("switch.py", title="Switch", icon=":material/alt_route:"),
        st.Page("fallbacks.py", title="Fallbacks", icon=":material/low_priority:"),
        st.Page("history.py", title="History", icon=":material/history:"),
        st.Page("detection.py", title="Detection", icon=":material/travel_explore:"),
    ],
    position="top" if projected else "sidebar",
)

begin_masking(None)
try:
    services = get_services()
except SwitchyardError as error:
    show_misconfiguration(error)
    st.stop()

request = RequestContext(services)
actor = request.actor
forget_others(actor)
begin_masking(services, names=[actor.name])
if not projected:
    with st.sidebar:
        st.caption(f":material/person: You are {code(actor.name)}")
        sign = ":material/lock_open:" if actor.may_change else ":material/lock:"
        st.caption(f"{sign} {actor.role.capitalize()}: {escape(actor.why)}")
        for override in services.snapshot().overrides:
            st.page_link("switch.py", label=override_line(override, datetime.now(UTC)))
        show_presenting()

with shown_errors():
    project()
    show_stage_line()
    show_flash()
    show_demo(get_demo(), request, page)
    hand_over(request)
    with drawing_page():
        page.run()
