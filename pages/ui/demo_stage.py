"""What a step of the demo brought, below its bar: two ladders, a plan, the phases of a change and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.demo.player import DemoState
from core.health.agent_status import headline_of
from core.model.probe import ProbeResult
from core.model.snapshot import JobKind
from pages.ui.formats import HEALTH_SIGNS, badge, code, escape, markdown_table
from pages.ui.jobs import show_outcome, show_steps
from pages.ui.plan_view import show_plan
from pages.ui.tables import rows_for_ladder

_TITLES = ("Old path", "New path")


def show_stage(state: DemoState) -> None:
    """Show what the present step brought; nothing where the page itself shows all of it."""
    job = state.job
    if state.paths:
        _ladders(state.paths)
    elif job is not None and job.kind is JobKind.APPLY:
        with st.container(border=True, gap="xsmall", key="demo_stage"):
            phases, ending = st.columns([1, 2.6], gap="medium")
            with phases:
                show_steps(job)
            with ending:
                if state.outcome is not None:
                    show_outcome(state.outcome)
    elif state.plan is not None:
        with st.container(border=True, gap="xsmall", key="demo_stage"):
            show_plan(state.plan)


def _ladders(paths: Sequence[ProbeResult]) -> None:
    with st.container(border=True, gap="xsmall", key="demo_stage"):
        columns = st.columns(len(paths), gap="medium")
        for column, title, result in zip(columns, _TITLES, paths, strict=False):
            with column:
                st.markdown(f"**{title}** {badge(HEALTH_SIGNS[result.health])}  \n{code(result.url)}")
                st.markdown(f"{code(result.route.model)} – {escape(headline_of(result))}")
                st.markdown(markdown_table(rows_for_ladder(result)))
