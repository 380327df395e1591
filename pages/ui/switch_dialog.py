"""The dialogs that change what an agent runs: switch, and roll back; every action is a callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from pages.ui.address import rerun_page
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import escape
from pages.ui.jobs import PLAN_JOB, WRITE_JOB
from pages.ui.request import RequestContext
from pages.ui.rollback_form import show_rollback
from pages.ui.switch_form import PREVIEW_ASKED, show_switch
from pages.ui.switch_route import targets_of

_OPEN = "open_dialog"
_SWITCH_BUTTON = "switch_button"
_POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDialog:
    """Which dialog is open, and about what."""

    agent: AgentId | None = None
    change_id: str | None = None


def switch_button(request: RequestContext, agent: AgentId, *, width: Literal["stretch", "content"] = "stretch") -> None:
    """Show *Switch …*, or why this person cannot."""
    obstacle = obstacle_to_change(request, agent)
    st.button(
        "Switch …",
        key=f"{_SWITCH_BUTTON}_{agent}",
        icon=":material/alt_route:",
        width=width,
        disabled=bool(obstacle),
        on_click=reporting(_open_switch),
        args=(agent,),
    )
    if obstacle:
        st.caption(escape(obstacle))


def obstacle_to_change(request: RequestContext, agent: AgentId) -> str:
    """Return why nothing can be changed here, or nothing; what a single target has against it is said in the dialog."""
    if not request.actor.may_change:
        return request.actor.why
    return "" if targets_of(request.services.snapshot(), agent) else "Its targets are not known yet."


def open_rollback(change_id: str) -> None:
    """Open the dialog that asks for the reason of a rollback."""
    forget()
    st.session_state[_OPEN] = OpenDialog(change_id=change_id)


def show_open_dialog(request: RequestContext) -> bool:
    """Show the dialog that an action has opened, and say whether there is one."""
    dialog = st.session_state.get(_OPEN)
    if not isinstance(dialog, OpenDialog):
        return False
    if dialog.agent is not None:
        _switch_dialog(request, dialog.agent)
    elif dialog.change_id is not None:
        _rollback_dialog(request, dialog.change_id)
    return True


def forget() -> None:
    """Close whatever is open and forget its plan; what is being applied goes on."""
    for key in (_OPEN, PLAN_JOB, WRITE_JOB, PREVIEW_ASKED):
        st.session_state.pop(key, None)


def _open_switch(agent: AgentId) -> None:
    forget()
    st.session_state[_OPEN] = OpenDialog(agent=agent)


def _switch_dialog(request: RequestContext, agent: AgentId) -> None:
    @st.dialog(f"Switch {AGENTS[agent].label}", width="large", icon=":material/alt_route:", on_dismiss=forget)
    def dialog() -> None:
        _polled_switch(request, agent)

    dialog()


@st.dialog("Roll back", width="medium", icon=":material/undo:", on_dismiss=forget)
def _rollback_dialog(request: RequestContext, change_id: str) -> None:
    _polled_rollback(request, change_id)


@st.fragment(run_every=_POLL_S)
def _polled_switch(request: RequestContext, agent: AgentId) -> None:
    _end_if_closed()
    with shown_errors():
        show_switch(request, agent, close=forget)


@st.fragment(run_every=_POLL_S)
def _polled_rollback(request: RequestContext, change_id: str) -> None:
    _end_if_closed()
    with shown_errors():
        show_rollback(request, change_id, close=forget)


def _end_if_closed() -> None:
    """Run the whole page when a button of the dialog has closed it: that takes it off the screen."""
    if _OPEN not in st.session_state:
        rerun_page()
