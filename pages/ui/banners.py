"""What stands above the Overview when something about the whole of it must be known first."""

from __future__ import annotations

import streamlit as st

from core.model.snapshot import Snapshot
from core.settings import SCENES
from pages.ui.formats import code, escape
from pages.ui.messages import problem_box


def show_banners(snapshot: Snapshot) -> None:
    """Show simulation, problem, offline, a used-up budget and contradictions; nothing when there is nothing to say."""
    if snapshot.scene:
        others = [scene for scene in SCENES if scene != snapshot.scene]
        listed = ", ".join(code(scene) for scene in others)
        example = "incident" if "incident" in others else others[0]
        # One line: what is looked at comes before what it is not.
        st.caption(
            f":material/science: **Simulated workspace** – scene {code(snapshot.scene)}. Nothing here is real. "
            f"Others: {listed}, as in `SWITCHYARD_SIMULATE={example} make run`."
        )
    if snapshot.problem:
        problem_box(snapshot.problem)
    if snapshot.offline:
        st.warning(f"**The dashboard is offline.** {escape(snapshot.offline)}", icon=":material/cloud_off:")
    if snapshot.budget:
        st.warning(f"**Models are not asked.** {escape(snapshot.budget)}", icon=":material/savings:")
    show_contradictions(snapshot)


def show_contradictions(snapshot: Snapshot) -> None:
    """Show where sources disagree about the workspace."""
    for text in snapshot.workspace.contradictions if snapshot.workspace else ():
        st.warning(f"**Sources disagree.** {escape(text)}", icon=":material/call_split:")
