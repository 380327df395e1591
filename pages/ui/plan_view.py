"""A plan as people review it: what changes, what speaks against it, what the pre-flight said, when it takes effect."""

from __future__ import annotations

import streamlit as st

from core.model.change import Decision, Plan
from pages.ui.formats import SEVERITY_SIGNS, escape, markdown_table
from pages.ui.jobs import show_verdicts
from pages.ui.tables import rows_for_diff

_DECISIONS = {
    Decision.READY: ("success", ":material/check_circle:", "Ready to apply."),
    Decision.BLOCKED: ("error", ":material/block:", "Blocked."),
    Decision.NO_OP: ("info", ":material/equal:", "Nothing to change."),
    Decision.CONFLICT: ("error", ":material/call_split:", "Conflict."),
}


def show_plan(plan: Plan) -> None:
    """Show the plan from the difference to the decision."""
    if plan.diff:
        st.markdown(markdown_table(rows_for_diff(plan.diff)))
    for finding in plan.lint:
        sign = SEVERITY_SIGNS[finding.severity]
        st.markdown(f":{sign.color}[{sign.icon} {sign.word}:] {escape(finding.message)}")
    if plan.preflight:
        st.markdown("**Pre-flight**: each new route was asked just now, with the request the agent makes")
        show_verdicts(plan.preflight, use=plan.request.credential)
    kind, icon, word = _DECISIONS[plan.decision]
    text = f"**{word}** {escape(plan.reason)}"
    box = {"success": st.success, "error": st.error, "info": st.info}[kind]
    box(text, icon=icon)
    parts = [f"Affects: {escape(plan.affects)}"] if plan.affects else []
    parts += [f"Takes effect: {escape(plan.effective)}"] if plan.effective else []
    if parts:
        st.caption("  \n".join(parts))
