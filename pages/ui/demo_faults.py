"""The fault panel of the demo: which way to a model fails, how, and for how long."""

from __future__ import annotations

import streamlit as st

from core.demo.faults import MINUTES, OFFERED, fault_rule, fault_text, ways
from core.demo.player import Demo
from core.model.change import Actor
from core.model.route import Route
from pages.ui.errors import reporting
from pages.ui.formats import escape, plural, span_text

_ROUTE = "demo_fault_route"


def show_fault_panel(demo: Demo, actor: Actor) -> None:
    """Show the choices and the faults in force; only an admin sees buttons that work."""
    barred = None if actor.may_change else actor.why
    routes = ways(result.route for result in demo.services.snapshot().results)
    if not routes:
        st.caption("No route is known yet.")
        return
    if st.session_state.get(_ROUTE) not in routes:
        # What was chosen is gone with a switch; the field would stay empty otherwise.
        st.session_state[_ROUTE] = next(iter(routes))
    left, middle, right = st.columns([2.2, 1.6, 1], gap="small")
    route = left.selectbox("Route", list(routes), key=_ROUTE)
    fault = middle.selectbox("Fault", list(OFFERED), key="demo_fault", format_func=OFFERED.__getitem__)
    minutes = right.selectbox("For", MINUTES, index=1, key="demo_fault_for", format_func=_minutes)
    st.button(
        "Put in force",
        key="demo_fault_put",
        icon=":material/bolt:",
        disabled=bool(barred),
        help=barred or "Ends by itself; the next check shows it",
        on_click=reporting(_put),
        args=(demo, routes[route], fault, minutes, actor),
    )
    for number, (rule, left_s) in enumerate(demo.faults()):
        text, action = st.columns([4, 1], vertical_alignment="center")
        until = "until the step is over" if left_s is None else f"ends in {span_text(left_s)}"
        text.markdown(f":material/bolt: {escape(fault_text(rule))} · {until}")
        action.button(
            "Remove",
            key=f"demo_fault_remove_{number}",
            disabled=bool(barred),
            help=barred,
            on_click=reporting(demo.remove_fault),
            args=(rule, actor),
        )


def _minutes(minutes: int) -> str:
    return plural(minutes, "minute")


def _put(demo: Demo, route: Route, fault: str, minutes: int, actor: Actor) -> None:
    demo.put_fault(fault_rule(route, fault, minutes), actor)
    # What is broken on stage should be seen at once.
    demo.services.request_sweep(actor)
