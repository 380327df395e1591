"""The content of the rollback dialog: what goes back, why, and how it went."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ui.errors import reporting
from pages.ui.formats import code
from pages.ui.jobs import WRITE_JOB, change_begun, show_ending, show_steps
from pages.ui.request import RequestContext

ROLLBACK_REASON = "rollback_reason"
ROLL_BACK = "confirm_rollback"


def show_rollback(request: RequestContext, change_id: str, *, close: Callable[[], None]) -> None:
    """Show the question, then the steps and the outcome."""
    job = change_begun(request)
    if job is not None:
        show_steps(job)
        if job.done:
            show_ending(job, close)
        return
    st.markdown(
        f"Everything goes back to exactly what it was before change {code(change_id)}. "
        "If somebody else changed it since, nothing is written."
    )
    reason = st.text_input("Reason", key=ROLLBACK_REASON, placeholder="Why it goes back")
    st.button(
        "Roll back",
        key=ROLL_BACK,
        type="primary",
        icon=":material/undo:",
        on_click=reporting(_start),
        args=(request, change_id),
    )
    if not reason.strip():
        st.caption("A reason is needed; it is kept with the change.")


def _start(request: RequestContext, change_id: str) -> None:
    reason = str(st.session_state.get(ROLLBACK_REASON, "")).strip()
    if not reason or change_begun(request) is not None:
        return
    st.session_state[WRITE_JOB] = request.services.start_rollback(change_id, actor=request.actor, reason=reason)
