"""Changes with the way back: the recent ones below the Overview, more of them on the History page."""

from __future__ import annotations

import streamlit as st

from core.model.change import Actor, ChangeRecord, ChangeState
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import escape, short_id
from pages.ui.request import RequestContext
from pages.ui.switch_dialog import open_rollback
from pages.ui.tables import change_text

_SHOWN = 5
_LIVE = (ChangeState.APPLIED,)


def show_changes(request: RequestContext, *, limit: int = _SHOWN, empty: str = "") -> None:
    """Show the newest changes, or that there are none where a sentence for it is given."""
    with shown_errors():
        records = request.services.changes(limit)
        if not records and empty:
            st.info(empty, icon=":material/alt_route:")
        if not records:
            return
        st.subheader("Recent changes", anchor=False)
        for record in records:
            with st.container(border=True, key=f"change_{record.change_id}"):
                _change(record, request.actor)


def _change(record: ChangeRecord, actor: Actor) -> None:
    text, action = st.columns([6, 1], vertical_alignment="center")
    text.markdown(change_text(record))
    if record.detail:
        text.caption(escape(record.detail))
    if record.state in _LIVE and record.backup and not record.rolls_back:
        action.button(
            "Roll back",
            key=f"roll_back_{record.change_id}",
            icon=":material/undo:",
            width="stretch",
            disabled=not actor.may_change,
            help=None if actor.may_change else actor.why,
            on_click=reporting(open_rollback),
            args=(record.change_id,),
        )
    else:
        action.caption(short_id(record.change_id))
