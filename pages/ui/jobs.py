"""A running plan, apply or rollback as people follow it: the steps, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.health.agent_status import headline_of
from core.model.change import ChangeOutcome, ChangeState, CredentialUse
from core.model.probe import ProbeResult
from core.model.route import Identity
from core.model.snapshot import Job
from pages.ui.errors import reporting
from pages.ui.formats import HEALTH_SIGNS, code, escape
from pages.ui.messages import problem_box
from pages.ui.request import RequestContext

PLAN_JOB = "plan_job"
WRITE_JOB = "write_job"
CLOSE = "close_dialog"

_SENTENCES = {
    ChangeState.APPLIED: "Applied, not confirmed.",
    ChangeState.NO_OP: "Nothing was written: it already matches.",
    ChangeState.BLOCKED: "Nothing was written: the pre-flight check failed.",
    ChangeState.CONFLICT: "Nothing was written: somebody else changed it since the preview. Preview again.",
    ChangeState.CANCELLED: "Cancelled; nothing was written.",
    ChangeState.ROLLED_BACK: "The new choice did not work, so the former values were put back.",
    ChangeState.ROLLBACK_FAILED: "The former values could not be put back. A person has to look.",
    ChangeState.NEEDS_PERSON: "A person has to look.",
    ChangeState.APPLYING: "Still being applied.",
}


def change_begun(request: RequestContext) -> Job | None:
    """Return the change that the open dialog has started; it starts one and no more, however often a click comes in."""
    job_id = st.session_state.get(WRITE_JOB)
    return request.services.job(job_id) if job_id else None


def show_steps(job: Job) -> None:
    """Show the finished steps, and the one that runs or failed.

    Only that one is a status: each sleeps 50 ms (Streamlit 1.67), and ten of them took as long as the dialog waits
    before it looks again, so that each look began anew before the last one had come to the ending.
    """
    went_well = job.done and job.problem is None
    finished = job.phases if went_well else job.phases[:-1]
    if finished:
        st.markdown("  \n".join(f":green[:material/check_circle:] {escape(phase)}" for phase in finished))
    if job.phases and not went_well:
        st.status(escape(job.phases[-1]), state="error" if job.done else "running", type="step")


def show_outcome(outcome: ChangeOutcome) -> None:
    """Show how it ended, with the verification."""
    record = outcome.record
    sentence = _SENTENCES[record.state]
    detail = f"  \n{escape(record.detail)}" if record.detail else ""
    if record.state is ChangeState.APPLIED:
        _show_applied(sentence, outcome, detail)
    elif record.state is ChangeState.ROLLED_BACK and record.rolls_back:
        st.success(f"**The former values stand again.**{detail}", icon=":material/undo:")
    elif record.state in (ChangeState.NO_OP, ChangeState.CANCELLED):
        st.info(f"**{sentence}**{detail}", icon=":material/info:")
    else:
        st.error(f"**{sentence}**{detail}", icon=":material/error:")
    show_verdicts(outcome.verification, use=outcome.plan.request.credential)


def _show_applied(sentence: str, outcome: ChangeOutcome, detail: str) -> None:
    """Green is for evidence only: of what nothing confirms no more is said than that it was applied."""
    if outcome.confirmed:
        st.success(f"**Applied and confirmed.**{detail}", icon=":material/check_circle:")
    else:
        st.warning(f"**{sentence}**{detail}", icon=":material/help:")


def show_verdicts(results: Sequence[ProbeResult], *, use: CredentialUse = CredentialUse.KEEP) -> None:
    """Show probe results as lines; `use` says which token a change gives to the agent."""
    for result in results:
        sign = HEALTH_SIGNS[result.health]
        renewed = use is CredentialUse.ENVIRONMENT and result.route.identity is Identity.STORED
        whose = "token from DATABRICKS_TOKEN" if renewed else result.route.identity.label
        st.markdown(
            f":{sign.color}[{sign.icon} **{sign.word}**] {escape(result.route.slot)} · {code(result.route.model)} · "
            f"{escape(whose)} — {escape(headline_of(result))}"
        )


def show_ending(job: Job, close: Callable[[], None]) -> None:
    """Show the end of a job that wrote, and the button that closes the dialog."""
    if job.problem is not None:
        problem_box(job.problem)
    if job.outcome is not None:
        show_outcome(job.outcome)
    st.button("Close", key=CLOSE, type="primary", on_click=reporting(close))
