"""The fault panel of the demo: which way to a model fails, how, and for how long."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.demo.faults import MINUTES, OFFERED, fault_rule, fault_text, ways
from core.demo.player import Demo
from core.model.route import Route
from pages.ui.errors import reporting
from pages.ui.formats import escape, plural, span_text
from pages.ui.request import RequestContext

_ROUTE, _FAULT, _MINUTES = "demo_fault_route", "demo_fault", "demo_fault_for"


def show_fault_panel(demo: Demo, request: RequestContext) -> None:
    """Show the choices and the faults in force; only an admin sees buttons that work."""
    barred = None if request.actor.may_change else request.actor.why
    routes = ways(result.route for result in demo.services.snapshot().results)
    if not routes:
        st.caption("No route is known yet.")
        return
    if st.session_state.get(_ROUTE) not in routes:
        # What was chosen is gone with a switch; the field would stay empty otherwise.
        st.session_state[_ROUTE] = next(iter(routes))
    left, middle, right = st.columns([2.2, 1.6, 1], gap="small")
    left.selectbox("Route", list(routes), key=_ROUTE)
    middle.selectbox("Fault", list(OFFERED), key=_FAULT, format_func=OFFERED.__getitem__)
    right.selectbox("For", MINUTES, index=1, key=_MINUTES, format_func=_minutes)
    st.button(
        "Put in force",
        key="demo_fault_put",
        icon=":material/bolt:",
        disabled=bool(barred),
        help=barred or "Ends by itself; the next check shows it",
        on_click=reporting(_put),
        args=(demo, routes, request),
    )
    for number in range(len(demo.faults())):
        _in_force(demo, number, request)


def _in_force(demo: Demo, number: int, request: RequestContext) -> None:
    faults = demo.faults()
    if number >= len(faults):
        return
    rule, left_s = faults[number]

    def remove() -> None:
        demo.remove_fault(rule, request.actor)
        demo.services.sweep_anew()

    text, action = st.columns([4, 1], vertical_alignment="center")
    until = "until the step is over" if left_s is None else f"ends in {span_text(left_s)}"
    text.markdown(f":material/bolt: {escape(fault_text(rule))} · {until}")
    action.button(
        "Remove",
        key=f"demo_fault_remove_{number}",
        disabled=not request.actor.may_change,
        help=None if request.actor.may_change else request.actor.why,
        on_click=reporting(remove),
    )


def _minutes(minutes: int) -> str:
    return plural(minutes, "minute")


def _put(demo: Demo, routes: Mapping[str, Route], request: RequestContext) -> None:
    # As the fields are now: one that was chosen together with the click has not been drawn yet.
    state = st.session_state
    demo.put_fault(fault_rule(routes[state[_ROUTE]], state[_FAULT], state[_MINUTES]), request.actor)
    # What is broken on stage should be seen at once.
    demo.services.sweep_anew()
