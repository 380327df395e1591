"""Changes with the way back: the recent ones below the Overview, more of them on the History page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

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
_REMEMBERED = 50
_STUCK = (ChangeState.ROLLBACK_FAILED, ChangeState.NEEDS_PERSON)
_WROTE = (*_STUCK, ChangeState.APPLIED, ChangeState.ROLLED_BACK)


def show_changes(request: RequestContext, *, limit: int = _SHOWN, empty: str = "") -> None:
    """Show the newest changes, or that there are none where a sentence for it is given."""
    with shown_errors():
        records = request.services.changes(limit)
        learn(names=(record.actor for record in records))
        if not records and empty:
            st.info(empty, icon=":material/alt_route:")
        if not records:
            return
        st.header("Recent changes", anchor=False)
        for record in records:
            with st.container(border=True, key=f"change_{record.change_id}"):
                _change(record, request.actor)


def show_stuck(request: RequestContext) -> None:
    """Show the targets on which nothing is written automatically any more, and what to do by hand."""
    records = request.services.changes(_REMEMBERED)
    learn(names=(record.actor for record in records))
    for record in stuck(records):
        sign = STATE_SIGNS[record.state]
        st.error(
            f"**{sign.word}: {code(record.target)}** after the change of {clock_text(record.at)} by "
            f"{escape(record.actor)}. {escape(record.detail)}  \n"
            "Until somebody has changed it, nothing is written there automatically.",
            icon=sign.icon,
        )


def stuck(records: Sequence[ChangeRecord]) -> tuple[ChangeRecord, ...]:
    """Return per target the newest change that wrote something, where it ended in a state that needs a person."""
    newest: dict[str, ChangeRecord] = {}
    for record in records:
        if record.state in _WROTE:
            newest.setdefault(record.target, record)
    return tuple(record for record in newest.values() if record.state in _STUCK)


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
        show_code(record.change_id, language=None)
