"""What people see when the services cannot be built: nothing was sent anywhere, and the process waits."""

from __future__ import annotations

import streamlit as st

from core.errors import SwitchyardError
from pages.ui.formats import code, escape


def show_misconfiguration(error: SwitchyardError) -> None:
    """Show what is wrong and how to put it right."""
    st.title("Switchyard cannot start")
    with st.container(border=True, width=760):
        st.header(f":material/settings_alert: {escape(error.message)}", anchor=False)
        st.markdown(escape(error.remedy))
        st.caption(f"Nothing was sent to any host. Correct it and start the app again. Code: {code(error.code)}")
    st.caption("To look around without a workspace, start it with `SWITCHYARD_SIMULATE=healthy make run`.")
