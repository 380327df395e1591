"""The demo bar on top of every page: where the demo stands, the ways through it, and what the present step shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.demo.player import Demo, DemoState
from core.demo.story import STEPS, Step, number_of
from pages.ui.address import is_drawn_anew, rerun_page
from pages.ui.demo_faults import show_fault_panel
from pages.ui.demo_stage import show_stage
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import escape
from pages.ui.literals import show_code
from pages.ui.messages import problem_box
from pages.ui.modes import PROJECTOR
from pages.ui.request import RequestContext

PARAMETER = "step"
JUMP = "demo_jump"
_ASKED = "demo_asked"
_TURN_TO = "demo_turn_to"
_WATCH_S = 0.5


def show_demo(demo: Demo | None, request: RequestContext, page: StreamlitPage) -> None:
    """Show the demo on top of a page; nothing where there is none."""
    if demo is None:
        return
    _turn(page)
    state = demo.state
    with shown_errors():
        _keep_address(state)
        with st.container(border=True, gap="xsmall", key="demo_bar"):
            _head(state)
            _ways(demo, state, request)
            _details(demo, state, request)
        _asked(demo, state, request)
        if state.problem is not None:
            problem_box(state.problem)
        if _is_page_of(page, _shown_step(state)):
            show_stage(state)
    _watch(demo, state)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """The step that a click asked for, and whether we have gone to its page already."""

    step: Step
    begun: bool = False


def _turn(page: StreamlitPage) -> None:
    """Go to the page of the step that a click asked for, and stay there until somebody goes elsewhere.

    A refresh that the browser asked for on the former page comes in after the turn when the line is slow, and runs that
    page again.
    """
    turn: _Turn | None = st.session_state.get(_TURN_TO)
    if turn is None or _is_page_of(page, turn.step):
        return
    if turn.begun and not is_drawn_anew():
        st.session_state[_TURN_TO] = None
        return
    st.session_state[_TURN_TO] = replace(turn, begun=True)
    st.switch_page(f"{turn.step.page}.py")


def _is_page_of(page: StreamlitPage, step: Step) -> bool:
    return (page.url_path or "overview") == step.page


def _shown_step(state: DemoState) -> Step:
    return STEPS[max(state.at if state.going_to is None else state.going_to, 0)]


def _keep_address(state: DemoState) -> None:
    """Remember the step that this tab was opened with, and make the address name the present one."""
    if _ASKED not in st.session_state:
        st.session_state[_ASKED] = st.query_params.get(PARAMETER)
    if not st.session_state[_ASKED] and st.query_params.get(PARAMETER) != _shown_step(state).id:
        st.query_params[PARAMETER] = _shown_step(state).id


def _head(state: DemoState) -> None:
    step, number = _shown_step(state), STEPS.index(_shown_step(state)) + 1
    busy = state.going_to is not None
    doing = f" :gray[:material/hourglass_top: {escape(state.doing) or 'Setting up'} …]" if busy else ""
    st.markdown(
        f":violet-badge[:material/science: Simulated] **{number} of {len(STEPS)} · {escape(step.title)}**{doing}  \n"
        f"{escape(step.tells)}"
    )


def _ways(demo: Demo, state: DemoState, request: RequestContext) -> None:
    busy, at = state.going_to is not None, state.at
    barred = None if request.actor.may_change else request.actor.why
    back, following, reset, jump, projector = st.columns([1, 1, 1, 2.4, 1.3], gap="small", vertical_alignment="bottom")
    back.button(
        "Back",
        key="demo_back",
        icon=":material/arrow_back:",
        shortcut="b",
        width="stretch",
        disabled=busy or at < 1 or bool(barred),
        help=barred,
        on_click=reporting(_go),
        args=(demo, STEPS[max(at - 1, 0)].id, request),
    )
    following.button(
        "Next",
        key="demo_next",
        icon=":material/arrow_forward:",
        type="primary",
        shortcut="n",
        width="stretch",
        disabled=busy or at + 1 >= len(STEPS) or bool(barred),
        help=barred,
        on_click=reporting(_go),
        args=(demo, STEPS[min(at + 1, len(STEPS) - 1)].id, request),
    )
    reset.button(
        "Reset",
        key="demo_reset",
        icon=":material/restart_alt:",
        width="stretch",
        disabled=busy or bool(barred),
        help=barred or "Begin anew, with a fresh workspace and a fresh day of history",
        on_click=reporting(_go),
        args=(demo, STEPS[0].id, request),
    )
    _jump_list(demo, jump, disabled=busy or bool(barred), request=request)
    projector.button(
        "Leave projector" if PROJECTOR.is_on() else "Projector",
        key="demo_projector",
        icon=":material/present_to_all:",
        width="stretch",
        help="Larger type and no sidebar, for this tab",
        on_click=PROJECTOR.switch,
    )


def _jump_list(
    demo: Demo, place: st.delta_generator.DeltaGenerator, *, disabled: bool, request: RequestContext
) -> None:
    titles = {step.id: f"{number}. {step.title}" for number, step in enumerate(STEPS, start=1)}
    place.selectbox(
        "Jump to a step",
        list(titles),
        index=None,
        key=JUMP,
        format_func=titles.__getitem__,
        placeholder="Jump to a step",
        label_visibility="collapsed",
        disabled=disabled,
        on_change=reporting(_jump),
        args=(demo, request),
    )


def _details(demo: Demo, state: DemoState, request: RequestContext) -> None:
    step = _shown_step(state)
    notes, faults = st.columns([3.4, 3.3], gap="small")
    with notes.expander("Speaker notes", icon=":material/speaker_notes:"):
        st.markdown(escape(step.notes))
        st.caption("Keys: n for Next, b for Back. The address of this step, behind the dashboard's own:")
        show_code(f"/{'' if step.page == 'overview' else step.page}?{PARAMETER}={step.id}")
    with faults.expander("Faults", icon=":material/bolt:"):
        show_fault_panel(demo, request)


def _asked(demo: Demo, state: DemoState, request: RequestContext) -> None:
    """Show the step that the address named: nothing is played before somebody says so."""
    number = number_of(str(st.session_state.get(_ASKED) or ""))
    if number is None or number == state.at:
        st.session_state[_ASKED] = None
        return
    step = STEPS[number]
    with st.container(border=True, gap="xsmall", key="demo_asked_for"):
        st.markdown(f"This address leads to **{number + 1} · {escape(step.title)}**.  \n{escape(step.notes)}")
        st.button(
            "Go to this step",
            key="demo_go",
            icon=":material/play_arrow:",
            type="primary",
            disabled=state.going_to is not None or not request.actor.may_change,
            help=None if request.actor.may_change else escape(request.actor.why),
            on_click=reporting(_go),
            args=(demo, step.id, request),
        )


def _go(demo: Demo, step_id: str, request: RequestContext) -> None:
    demo.go_to(step_id, request.actor)
    st.session_state[_ASKED] = None
    number = number_of(step_id)
    st.session_state[_TURN_TO] = None if number is None else _Turn(step=STEPS[number])


def _jump(demo: Demo, request: RequestContext) -> None:
    chosen = st.session_state.get(JUMP)
    st.session_state[JUMP] = None
    if isinstance(chosen, str):
        _go(demo, chosen, request)


@st.fragment(run_every=_WATCH_S)
def _watch(demo: Demo, shown: DemoState) -> None:
    """Run the page again when the demo has moved on, whoever moved it."""
    if demo.state is not shown:
        rerun_page()
