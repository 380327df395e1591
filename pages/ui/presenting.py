"""What a presenter switches: the projector and redaction modes, and the sign that what is shown is masked."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.catalog.masking import NOTICE
from pages.ui.errors import reporting
from pages.ui.masking import switch_masking
from pages.ui.modes import MASKED, PROJECTOR

_PROJECTOR_KEY = "switch_projector"
_MASKED_KEY = "switch_masked"


def show_presenting() -> None:
    """Show both switches behind a button."""
    with st.popover("Presenting", icon=":material/co_present:", width="stretch"):
        _switch("Projector mode", PROJECTOR.is_on(), _PROJECTOR_KEY, PROJECTOR.switch)
        st.caption("Larger type and no sidebar")
        _switch("Redaction mode", MASKED.is_on(), _MASKED_KEY, switch_masking)
        st.caption("Hosts, ids, people and apps are shown as aliases, in downloads too. Buttons act on the real ones.")
        st.caption("Both are for this tab, and its address keeps them.")


def show_stage_line() -> None:
    """Show on top of a page that it is masked, and the switches where there is no sidebar for them."""
    if PROJECTOR.is_on():
        sign, switches = st.columns([5, 1], vertical_alignment="center")
        with switches:
            show_presenting()
        if MASKED.is_on():
            sign.markdown(_SIGN)
    elif MASKED.is_on():
        st.markdown(_SIGN)


_SIGN = f":orange-badge[:material/visibility_off: Masked] :small[:gray[{NOTICE.capitalize()}]]"


def _switch(label: str, is_on: bool, key: str, switch: Callable[[], None]) -> None:
    # With every run, not only when it differs: what stands in a popover is not in the browser until that is opened, and
    # a switch that comes late would take its own default for the state, and send that back with the first click.
    st.session_state[key] = is_on
    st.toggle(label, key=key, on_change=reporting(switch))
