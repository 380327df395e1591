"""The drill, and the table of what was measured: which failure makes this agent fall back, after how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.catalog.agents import AGENTS
from core.catalog.failover import Failover, FailureClass, measured_failures
from core.choice.chain_lint import chain_of
from core.choice.routes import routes_of_slot
from core.errors import ProbeError
from core.health.drill import Attempt, Drill, Step, run_drill
from core.model.agent import AgentId
from core.model.choice import AgentChoice
from core.model.probe import Depth, Health, ProbeResult
from core.model.route import Route
from core.model.snapshot import Snapshot
from pages.ui.errors import reporting
from pages.ui.fallback_chains import newest
from pages.ui.fallback_query import FALLBACKS, FallbackAsk, drillable
from pages.ui.filter_bar import follow
from pages.ui.formats import Sign, code, escape, plural, segment
from pages.ui.literals import show_grid
from pages.ui.probe_bar import PROBE_JOB, running_job, show_probe_job
from pages.ui.request import RequestContext

AGENT_KEY = "drill_agent"
FAILURE_KEY = "drill_failure"
RUN_KEY = "run_drill"
_RAN = "drill_ran"

_STEP_SIGNS = {
    Step.FAILS: Sign(word="fails", icon=":material/cancel:", color="red"),
    Step.ANSWERS: Sign(word="answers", icon=":material/check_circle:", color="green"),
    Step.SKIPPED: Sign(word="skipped", icon=":material/skip_next:", color="gray"),
    Step.UNKNOWN: Sign(word="unknown", icon=":material/help:", color="gray"),
}


def show_drill(request: RequestContext, asked: FallbackAsk, snapshot: Snapshot, extra: Sequence[ProbeResult]) -> None:
    """Show what to fail and whose, the button that probes the fallbacks, and how it would go."""
    choice = next((one for one in snapshot.choices if one.agent is asked.agent), None)
    st.header("Drill", anchor=False)
    st.caption(
        "Choose a failure for the first model. Nothing is broken for it: what the agent does then was measured with "
        "its own client, and its fallbacks are really probed, with the request the agent makes."
    )
    with st.container(border=True, gap="small", key="drill"):
        _pickers(asked)
        routes = _fallback_routes(choice)
        st.button(
            "Run drill",
            key=RUN_KEY,
            type="primary",
            icon=":material/play_arrow:",
            disabled=choice is None or not choice.slots,
            on_click=reporting(_run),
            args=(request, asked, routes),
        )
        if choice is None or not choice.slots or st.session_state.get(_RAN) != asked:
            st.caption(_before(routes))
            return
        job = running_job(request)
        if routes:
            show_probe_job(job)
        if job is None or job.done or not routes:
            _show(run_drill(choice, asked.failure, newest(snapshot, extra)))


def _before(routes: Sequence[Route]) -> str:
    if not routes:
        return "This agent has no fallback that could be probed, so a drill sends nothing."
    return f"A drill probes {plural(len(routes), 'route')} of its fallbacks once."


def _pickers(asked: FallbackAsk) -> None:
    line = st.container(horizontal=True, gap="medium")
    follow(AGENT_KEY, asked.agent)
    follow(FAILURE_KEY, asked.failure)
    line.segmented_control(
        "Agent",
        list(drillable()),
        key=AGENT_KEY,
        required=True,
        format_func=lambda agent: segment(AGENTS[agent].label),
        on_change=reporting(_write),
    )
    line.selectbox(
        "Its first model fails with",
        list(measured_failures(asked.agent)),
        key=FAILURE_KEY,
        format_func=lambda failure: failure.label,
        on_change=reporting(_write),
    )


def _write() -> None:
    asked, state = FALLBACKS.read(), st.session_state
    agent = state.get(AGENT_KEY) or asked.agent
    failure = state.get(FAILURE_KEY) or asked.failure
    measured = measured_failures(agent)
    FALLBACKS.write(replace(asked, agent=agent, failure=failure if failure in measured else next(iter(measured))))


def _fallback_routes(choice: AgentChoice | None) -> tuple[Route, ...]:
    fallbacks = chain_of(choice)[1:] if choice is not None else ()
    return tuple(route for slot in fallbacks if choice is not None for route in routes_of_slot(choice, slot))


def _run(request: RequestContext, asked: FallbackAsk, routes: tuple[Route, ...]) -> None:
    st.session_state[_RAN] = asked
    st.session_state.pop(PROBE_JOB, None)
    if not routes:
        return
    try:
        started = request.services.start_probe(routes, depth=Depth.FAITHFUL, actor=request.actor)
    except ProbeError as error:
        # Asked seconds ago: those verdicts are what the drill needs.
        if error.code != "cooling_down":
            raise
    else:
        st.session_state[PROBE_JOB] = started


def _show(drill: Drill) -> None:
    for number, attempt in enumerate(drill.attempts, start=1):
        st.markdown(f"{number}. {_attempt_line(attempt, chosen=number == 1)}")
    wait = "" if drill.seconds is None else f" The person waits about {drill.seconds:.1f} s for it."
    text = f"**{escape(drill.sentence)}**{wait}"
    if drill.health is Health.DEGRADED:
        st.warning(f"Degraded: {text}", icon=":material/warning:")
    elif drill.health is Health.DOWN:
        st.error(f"Down: {text}", icon=":material/cancel:")
    else:
        st.info(f"Unknown: {text}", icon=":material/help:")


def _attempt_line(attempt: Attempt, *, chosen: bool) -> str:
    sign = _STEP_SIGNS[attempt.step]
    origin = "chosen for this drill" if chosen else "as probed"
    tries = f", {plural(attempt.requests, 'request')}" if attempt.requests else ""
    seconds = f" in {attempt.seconds:.1f} s" if attempt.seconds is not None and attempt.step is Step.FAILS else ""
    return (
        f"{escape(attempt.slot)} {code(attempt.model or '')} :{sign.color}[{sign.icon} **{sign.word}**] — "
        f"{escape(attempt.words)} :small[:gray[({origin}{tries}{seconds})]]"
    )


def show_failures(agent: AgentId) -> None:
    """Show which failures make this agent fall back, as measured."""
    label = AGENTS[agent].label
    st.header(f"What {label} does on each failure", anchor=False)
    st.caption("Measured with its own client and default settings. A failure that is missing here was not measured.")
    show_grid(
        [_row(failure, failover) for failure, failover in measured_failures(agent).items()],
        key="failures",
        height="content",
        columns={"Seconds until then": st.column_config.NumberColumn(format="%.1f")},
        alt=f"Which failures make {label} fall back, and after how many requests and seconds",
    )


def _row(failure: FailureClass, failover: Failover) -> dict[str, str | int | float | None]:
    then = "falls back" if failover.falls_back else "gives up"
    return {
        "Failure": failure.label,
        "Then it": f"{then}, only with {failover.needs}" if failover.needs else then,
        "Requests to the failing model": failover.requests,
        "Seconds until then": failover.seconds,
    }
