"""Boxes for problems, and one-shot messages that survive the rerun after an action."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import streamlit as st

from core.model.snapshot import Problem
from pages.ui.formats import escape

_PROBLEM = "flash_problem"
# The pages run again by themselves, each second while results land; a person needs longer than that to read.
_READ_S = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flash:
    """A problem that is left to say, and since when it is being said (monotonic seconds)."""

    problem: Problem
    since: float | None = None


def problem_box(problem: Problem) -> None:
    """Show what is wrong and what to do about it."""
    st.error(f"**{escape(problem.message)}**  \n{escape(problem.remedy)}", icon=":material/error:")


def flash_problem(problem: Problem) -> None:
    """Keep a problem for the top of the next runs; a toast before a rerun would be lost."""
    st.session_state[_PROBLEM] = _Flash(problem=problem)


def show_flash() -> None:
    """Show what the last action left to say, for as long as it takes to read it."""
    flash, now = st.session_state.get(_PROBLEM), time.monotonic()
    if not isinstance(flash, _Flash):
        return
    if flash.since is not None and now - flash.since > _READ_S:
        del st.session_state[_PROBLEM]
        return
    st.session_state[_PROBLEM] = replace(flash, since=flash.since or now)
    problem_box(flash.problem)
