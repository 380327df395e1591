"""The agents of the Switch page: per slot what wins and what it shadows, sync, export, and the way to change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.catalog.agents import AGENTS
from core.health.agent_status import agent_status
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.snapshot import Snapshot
from pages.ui.formats import HEALTH_SIGNS, NOTHING, code, escape, markdown_table
from pages.ui.lines import show_scrolling
from pages.ui.request import RequestContext
from pages.ui.rows import source_text
from pages.ui.switch_dialog import switch_button
from pages.ui.switch_export import export_button
from pages.ui.sync_view import rows_for_layers, sync_of, sync_text

_NAME_PX = 110
_TABLE_PX = 640
_LAYER_WORDS = {
    Layer.DEFAULT: "default",
    Layer.ENVIRONMENT: "environment",
    Layer.TARGET: "own config",
    Layer.OVERRIDE: "override",
}


def show_agents(request: RequestContext, snapshot: Snapshot) -> None:
    """Show one box per agent."""
    for choice in snapshot.choices:
        with st.container(border=True, gap="small", key=f"switch_{choice.agent}"):
            _agent(request, choice, snapshot)


def _agent(request: RequestContext, choice: AgentChoice, snapshot: Snapshot) -> None:
    spec = AGENTS[choice.agent]
    sync = sync_of(snapshot, choice.agent)
    status = agent_status(choice, snapshot.results)
    sign = HEALTH_SIGNS[status.health]
    simulated = ", simulated" if snapshot.scene else ""
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small")
    with line.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.markdown(f"**{escape(spec.label)}**", width=_NAME_PX)
        st.markdown(f":small[:{sign.color}[{sign.icon} {sign.word}{simulated}]]", width="content")
        if not spec.probeable:
            st.caption(escape(spec.note))
            return
        why = escape(sync.why) if sync else "Not read yet."
        st.markdown(f":small[{sync_text(sync)}]", help=why, width="content")
    with line.container(horizontal=True, gap="small", width="content"):
        switch_button(request, choice.agent, width="content")
        export_button(request, choice.agent)
    show_scrolling(markdown_table(rows_for_slots(choice)), least_px=_TABLE_PX)
    if sync is not None and sync.layers:
        with st.expander("Layers side by side", type="compact"):
            st.caption(escape(sync.why))
            st.markdown(markdown_table(rows_for_layers(sync)))


def rows_for_slots(choice: AgentChoice) -> Sequence[Mapping[str, str]]:
    """Return per slot the model in use, who decided it, and what lost against it."""
    return [
        {
            "Slot": escape(slot.slot),
            "Model in use": code(slot.model or "") if slot.model else "none",
            "Decided by": escape(source_text(choice, slot)) or NOTHING,
            "Shadowed": _shadowed(slot),
        }
        for slot in choice.slots
    ]


def _shadowed(slot: SlotChoice) -> str:
    lost = [f"{code(value.value)} ({_LAYER_WORDS[value.source]})" for value in slot.shadowed]
    return ", ".join(lost) or NOTHING
