"""Changes with the way back: the recent ones below the Overview, more of them on the History page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.change.records import LOOK_BACK, stuck
from core.model.change import Actor, ChangeRecord, ChangeState
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import STATE_SIGNS, clock_text, code, escape
from pages.ui.lines import show_text_and_action
from pages.ui.literals import show_code
from pages.ui.masking import learn
from pages.ui.request import RequestContext
from pages.ui.switch_dialog import open_rollback
from pages.ui.tables import change_text

_SHOWN = 5
_LIVE = (ChangeState.APPLIED,)


def show_changes(request: RequestContext) -> None:
    """Show the newest changes. Attempts that touched nothing are left out: refused ones would push changes out."""
    with shown_errors():
        _show(request, request.services.changes(_SHOWN, written=True))


def show_attempts(request: RequestContext, *, limit: int, empty: str) -> None:
    """Show the newest attempts to change something, or that there are none."""
    with shown_errors():
        records = request.services.changes(limit)
        if not records:
            st.info(empty, icon=":material/alt_route:")
        _show(request, records)


def _show(request: RequestContext, records: Sequence[ChangeRecord]) -> None:
    learn(names=(record.actor for record in records))
    if records:
        st.header("Recent changes", anchor=False)
    for record in records:
        with st.container(border=True, key=f"change_{record.change_id}"):
            _change(record, request.actor)


def show_stuck(request: RequestContext) -> None:
    """Show the targets on which nothing is written automatically any more, and what to do by hand."""
    records = request.services.changes(LOOK_BACK, written=True)
    learn(names=(record.actor for record in records))
    for record in stuck(records):
        sign = STATE_SIGNS[record.state]
        st.error(
            f"**{sign.word}: {code(record.target)}** after the change of {clock_text(record.at)} by "
            f"{escape(record.actor)}. {escape(record.detail)}  \n"
            "Until somebody has changed it, nothing is written there automatically.",
            icon=sign.icon,
        )


def _change(record: ChangeRecord, actor: Actor) -> None:
    text, action = show_text_and_action()
    text.markdown(change_text(record))
    if record.detail:
        text.caption(escape(record.detail))
    if record.state in _LIVE and record.backup and not record.rolls_back:
        action.button(
            "Roll back",
            key=f"roll_back_{record.change_id}",
            icon=":material/undo:",
            width="stretch",
            disabled=not actor.may_change_at(record.target),
            help=None if actor.may_change_at(record.target) else escape(actor.why),
            on_click=reporting(open_rollback),
            args=(record.change_id,),
        )
    with action:
        show_code(record.change_id)
