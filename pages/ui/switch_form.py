"""The content of the switch dialog: pick, preview, apply, follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.change import ChangeRequest, CredentialUse, Decision, Plan
from core.model.choice import AgentChoice
from core.model.probe import Diagnosis
from core.model.route import Identity
from core.model.snapshot import Job, Snapshot
from pages.ui.errors import reporting
from pages.ui.formats import code, escape, plural
from pages.ui.jobs import PLAN_JOB, WRITE_JOB, show_ending, show_steps
from pages.ui.messages import problem_box
from pages.ui.options import ModelOption, model_options, usable_models
from pages.ui.plan_view import show_plan
from pages.ui.request import RequestContext

MODEL = "switch_model"
FALLBACK = "switch_fallback"
CREDENTIAL = "switch_credential"
REASON = "switch_reason"
PREVIEW = "preview_switch"
APPLY = "apply_switch"
NO_FALLBACK = "none"

_CREDENTIALS = {
    CredentialUse.KEEP: "Keep the stored token",
    CredentialUse.ENVIRONMENT: "Read it from the environment variable DATABRICKS_TOKEN",
}


def show_switch(request: RequestContext, agent: AgentId, *, close: Callable[[], None]) -> None:
    """Show the form with its preview, or the change that it started."""
    writing = _job(request, WRITE_JOB)
    if writing is not None:
        show_steps(writing)
        if writing.done:
            show_ending(writing, close)
        return
    snapshot = request.services.snapshot()
    choice = next((choice for choice in snapshot.choices if choice.agent is agent), None)
    if choice is None:
        st.info("What this agent runs is not known yet.")
        return
    wanted = _form(choice, snapshot)
    st.button(
        "Preview",
        key=PREVIEW,
        icon=":material/preview:",
        disabled="primary" not in wanted.slots,
        on_click=reporting(_preview),
        args=(request, wanted),
    )
    planning = _job(request, PLAN_JOB)
    if planning is not None:
        _planned(request, planning, wanted)


def _job(request: RequestContext, key: str) -> Job | None:
    job_id = st.session_state.get(key)
    return request.services.job(job_id) if job_id else None


def _form(choice: AgentChoice, snapshot: Snapshot) -> ChangeRequest:
    options = model_options(snapshot.catalogue, choice.agent, snapshot.results)
    primary, fallback = choice.slot("primary"), choice.slot("fallback")
    usable = list(usable_models(options, choice, snapshot.results))
    left, right = st.columns(2)
    model = left.selectbox(
        "Model", usable, key=MODEL, index=_index(usable, primary.model if primary else None), placeholder="Pick a model"
    )
    other = right.selectbox(
        "Fallback",
        [*usable, NO_FALLBACK],
        key=FALLBACK,
        index=_index([*usable, NO_FALLBACK], fallback.model if fallback and fallback.model else NO_FALLBACK),
        placeholder="Pick a fallback",
    )
    for column, slot in ((left, primary), (right, fallback)):
        column.caption(f"Now: {code(slot.model or '') if slot else 'not set'}")
    if not usable:
        st.info("No listing names a model that Hermes could use. The Detection page shows which listing said what.")
    _impossible([option for option in options if option.obstacle])
    use = st.radio(
        "Token", list(_CREDENTIALS), key=CREDENTIAL, format_func=lambda use: _CREDENTIALS[use], horizontal=True
    )
    if use is CredentialUse.KEEP and _stored_token_is_dead(choice.agent, snapshot):
        st.warning(
            "The stored token is refused by the workspace, so no model will work with it. "
            "Read it from the environment instead, or put a new token into the config.",
            icon=":material/key_off:",
        )
    slots: dict[str, str | None] = {} if model is None else {"primary": model}
    if other is not None:
        slots["fallback"] = None if other == NO_FALLBACK else other
    return ChangeRequest(agent=choice.agent, target=f"file:{choice.agent}", slots=slots, credential=use)


def _index(options: Sequence[str], value: str | None) -> int | None:
    return options.index(value) if value in options else None


def _impossible(options: Sequence[ModelOption]) -> None:
    if not options:
        return
    with st.expander(f"{plural(len(options), 'model')} that cannot work here, and why", type="compact"):
        for option in options:
            st.markdown(f":gray[:material/block: {escape(option.spelling)} — {escape(option.obstacle)}]")


def _stored_token_is_dead(agent: AgentId, snapshot: Snapshot) -> bool:
    return any(
        result.route.agent is agent
        and result.route.identity is Identity.STORED
        and result.diagnosis is Diagnosis.CREDENTIAL_DEAD
        for result in snapshot.results
    )


def _planned(request: RequestContext, job: Job, wanted: ChangeRequest) -> None:
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
    if job.plan.decision is Decision.READY:
        _apply_button(request, job.plan, outdated=outdated)


def _apply_button(request: RequestContext, plan: Plan, *, outdated: bool) -> None:
    reason = st.text_input("Reason", key=REASON, placeholder="Why this changes, kept with the change")
    st.button(
        "Apply and verify",
        key=APPLY,
        type="primary",
        icon=":material/published_with_changes:",
        disabled=outdated,
        on_click=reporting(_apply),
        args=(request, plan),
    )
    if not reason.strip():
        label = AGENTS[plan.request.agent].label
        st.caption(f"A reason is needed before {label} is changed on {code(plan.request.target)}.")


def _preview(request: RequestContext, wanted: ChangeRequest) -> None:
    st.session_state[PLAN_JOB] = request.services.start_plan(wanted)


def _apply(request: RequestContext, plan: Plan) -> None:
    reason = str(st.session_state.get(REASON, "")).strip()
    if not reason:
        return
    st.session_state[WRITE_JOB] = request.services.start_apply(
        plan.request, actor=request.actor, reason=reason, expected_revision=plan.base_revision
    )
