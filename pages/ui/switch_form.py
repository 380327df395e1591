"""The content of the switch dialog: pick, preview, apply, follow."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.change import ChangeRequest, Decision, Plan, TargetInfo, TargetKind
from core.model.choice import AgentChoice
from core.model.snapshot import Job
from pages.ui.errors import reporting
from pages.ui.formats import code
from pages.ui.jobs import PLAN_JOB, WRITE_JOB, change_begun, show_ending, show_steps
from pages.ui.messages import problem_box
from pages.ui.plan_view import show_plan
from pages.ui.request import RequestContext
from pages.ui.switch_route import (
    CREDENTIAL,
    ENABLED,
    GATEWAY,
    GATEWAY_URL,
    TARGET,
    chosen_duration,
    duration_text,
    pick_credential,
    pick_duration,
    pick_route,
    pick_target,
    targets_of,
)
from pages.ui.switch_slots import pick_slots, slot_key

REASON = "switch_reason"
FORCED = "switch_forced"
PREVIEW = "preview_switch"
APPLY = "apply_switch"
FORCE = "force_switch"
PREVIEW_ASKED = "preview_asked"
_CHOICES = (TARGET, GATEWAY, GATEWAY_URL, ENABLED, CREDENTIAL)


def show_switch(request: RequestContext, agent: AgentId, *, close: Callable[[], None]) -> None:
    """Show the form with its preview, or the change that it started."""
    writing = change_begun(request)
    if writing is not None:
        show_steps(writing)
        if writing.done:
            show_ending(writing, close)
        return
    snapshot = request.services.snapshot()
    choice = next((choice for choice in snapshot.choices if choice.agent is agent), None)
    targets = targets_of(snapshot, agent)
    if choice is None or not targets:
        st.info("What this agent runs, and where that can be changed, is not known yet.")
        return
    target = pick_target(targets)
    wanted = _form(request, choice, target)
    st.button(
        "Preview",
        key=PREVIEW,
        icon=":material/preview:",
        disabled=not wanted.slots,
        on_click=_ask_for_preview,
    )
    if st.session_state.pop(PREVIEW_ASKED, False):
        reporting(_preview)(request, wanted)
    job_id = st.session_state.get(PLAN_JOB)
    planning = request.services.job(job_id) if job_id else None
    if planning is not None:
        _planned(request, planning, wanted, target)


def _form(request: RequestContext, choice: AgentChoice, target: TargetInfo) -> ChangeRequest:
    snapshot = request.services.snapshot()
    results = (*snapshot.results, *request.services.extra_results(request.actor))
    slots = pick_slots(choice, snapshot, results, target.id)
    slots |= pick_route(choice.agent, target)
    use = pick_credential(choice.agent, target, snapshot)
    return ChangeRequest(agent=choice.agent, target=target.id, slots=slots, credential=use)


def _planned(request: RequestContext, job: Job, wanted: ChangeRequest, target: TargetInfo) -> None:
    if not job.done:
        show_steps(job)
        return
    if job.problem is not None:
        problem_box(job.problem)
    if job.plan is None:
        return
    show_plan(job.plan)
    outdated = job.plan.request != wanted
    if outdated:
        st.caption("The choice has changed since this preview. Preview again to apply it.")
    if target.kind is TargetKind.EXPORT or not target.writable:
        return
    if job.plan.decision is Decision.READY:
        _apply_button(request, job.plan, outdated=outdated)
    elif job.plan.decision is Decision.BLOCKED and job.plan.diff:
        _force_button(request, job.plan, outdated=outdated)


def _apply_button(request: RequestContext, plan: Plan, *, outdated: bool) -> None:
    lasts = pick_duration()
    reason = st.text_input("Reason", key=REASON, placeholder="Why this changes, kept with the change")
    st.button(
        "Apply and verify",
        key=APPLY,
        type="primary",
        icon=":material/published_with_changes:",
        disabled=outdated,
        on_click=reporting(_apply),
        args=(request, plan, _chosen(plan.request.agent), REASON),
    )
    label = AGENTS[plan.request.agent].label
    needed = "" if reason.strip() else f"A reason is needed before {label} is changed on {code(plan.request.target)}. "
    st.caption(f"{needed}It stands {duration_text(lasts)}.")


def _force_button(request: RequestContext, plan: Plan, *, outdated: bool) -> None:
    with st.expander("Force it although it is blocked", icon=":material/gavel:", type="compact"):
        st.caption(
            "It is then written without proof, and left standing whatever the models answer. The reason is kept in the "
            "audit with your name."
        )
        pick_duration()
        reason = st.text_input("Reason for forcing", key=FORCED, placeholder="Why it cannot wait for the proof")
        st.button(
            "Force and apply",
            key=FORCE,
            icon=":material/gavel:",
            disabled=outdated or not reason.strip(),
            on_click=reporting(_apply),
            args=(request, plan, _chosen(plan.request.agent), FORCED),
        )


def _ask_for_preview() -> None:
    # What a callback is given is what the form was when it was drawn. A choice and a click that come in together would
    # preview the choice before; the run that follows has drawn both.
    st.session_state[PREVIEW_ASKED] = True


def _chosen(agent: AgentId) -> tuple[object, ...]:
    """Return what stands in the fields that a plan is made of."""
    keys = (*_CHOICES, *(slot_key(slot.name) for slot in AGENTS[agent].slots))
    return tuple(st.session_state.get(key) for key in keys)


def _preview(request: RequestContext, wanted: ChangeRequest) -> None:
    if not wanted.slots:
        return
    st.session_state[PLAN_JOB] = request.services.start_plan(wanted, actor=request.actor)


def _apply(request: RequestContext, plan: Plan, chosen: tuple[object, ...], reason_key: str) -> None:
    """Apply the plan, unless something else was chosen together with the click; the page then asks for a preview."""
    reason = str(st.session_state.get(reason_key, "")).strip()
    if not reason or change_begun(request) is not None or _chosen(plan.request.agent) != chosen:
        return
    st.session_state[WRITE_JOB] = request.services.start_apply(
        plan.request,
        actor=request.actor,
        reason=reason,
        expected_revision=plan.base_revision,
        lasts=chosen_duration(),
        force=reason_key == FORCED,
    )
