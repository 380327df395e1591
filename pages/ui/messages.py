"""Boxes for problems, and one-shot messages that survive the rerun after an action."""

from __future__ import annotations

import streamlit as st

from core.model.snapshot import Problem
from pages.ui.formats import escape

_PROBLEM = "flash_problem"


def problem_box(problem: Problem) -> None:
    """Show what is wrong and what to do about it."""
    st.error(f"**{escape(problem.message)}**  \n{escape(problem.remedy)}", icon=":material/error:")


def flash_problem(problem: Problem) -> None:
    """Keep a problem for the top of the next run; a toast before a rerun would be lost."""
    st.session_state[_PROBLEM] = problem


def show_flash() -> None:
    """Show what the last action left to say, once."""
    problem = st.session_state.pop(_PROBLEM, None)
    if isinstance(problem, Problem):
        problem_box(problem)
