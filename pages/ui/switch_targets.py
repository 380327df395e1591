"""The targets: where a choice can be applied, and why not elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.snapshot import Snapshot
from pages.ui.errors import reporting
from pages.ui.formats import NOTHING, code, escape, markdown_table
from pages.ui.lines import show_scrolling
from pages.ui.messages import problem_box
from pages.ui.request import RequestContext

REFRESH = "refresh_targets"
_WRITABLE, _NOT_WRITABLE = ":green[:material/check_circle: yes]", ":gray[:material/block: no]"


def show_targets(request: RequestContext, snapshot: Snapshot) -> None:
    """Show the table, and the button that looks for apps again."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header("Targets", anchor=False)
        st.button(
            "Look again",
            key=REFRESH,
            icon=":material/refresh:",
            disabled=not request.actor.may_probe,
            help=None if request.actor.may_probe else escape(request.actor.why),
            on_click=reporting(_look_again),
            args=(request,),
        )
    if snapshot.apps_problem is not None:
        problem_box(snapshot.apps_problem)
    if snapshot.targets:
        show_scrolling(markdown_table(rows_for_targets(snapshot)), least_px=640)
    else:
        st.info("The targets are not known yet. *Look again* asks for them.", icon=":material/alt_route:")


def _look_again(request: RequestContext) -> None:
    request.services.refresh_targets(request.actor)


def rows_for_targets(snapshot: Snapshot) -> Sequence[Mapping[str, str]]:
    """Return one row per target; what can be written comes first."""
    ordered = sorted(snapshot.targets, key=lambda target: not target.writable)
    return [
        {
            "Target": code(target.id),
            "Agents": ", ".join(escape(AGENTS[agent].label) for agent in target.agents) or NOTHING,
            "Can be written": _WRITABLE if target.writable else _NOT_WRITABLE,
            "Why": escape(target.reason),
        }
        for target in ordered
    ]
