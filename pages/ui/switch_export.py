"""Export: what to hand over where nothing can be written from here, ready to download."""

from __future__ import annotations

import streamlit as st

from core.catalog.agents import AGENTS
from core.catalog.visible import file_name
from core.errors import SwitchyardError
from core.model.agent import AgentId
from pages.ui.formats import code, escape, segment
from pages.ui.literals import offer_file, show_code
from pages.ui.request import RequestContext

_FORMATS = {
    "native": "The agent's own files",
    "env": "Shell variables",
    "app-yaml": "Entries for app.yaml",
    "bundle": "Entries for databricks.yml",
}


def export_button(request: RequestContext, agent: AgentId) -> None:
    """Show *Export*, with a download per format; tokens are named, never written."""
    with st.popover("Export", icon=":material/download:", key=f"export_{agent}"):
        st.markdown(f"**{escape(AGENTS[agent].label)}** as it is chosen now. Tokens are by reference.")
        wanted = st.segmented_control(
            "Format",
            list(_FORMATS),
            default="native",
            required=True,
            key=f"export_format_{agent}",
            format_func=lambda form: segment(_FORMATS[form]),
        )
        try:
            files = request.services.export(agent, str(wanted))
        except SwitchyardError as error:
            st.info(f"{escape(error.message)} {escape(error.remedy)}")
            return
        for number, file in enumerate(files):
            st.caption(f"{code(file.path)} · mode {escape(file.mode)}")
            offer_file(
                "Download",
                file.content,
                file_name=file_name(file.path, otherwise="export.txt"),
                mime="text/plain",
                key=f"download_{agent}_{wanted}_{number}",
                icon=":material/download:",
            )
            show_code(file.content)
