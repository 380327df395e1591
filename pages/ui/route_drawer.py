"""The drawer of one cell: its verdicts, each with its own address, and the probe of this route alone."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.catalog.agents import AGENTS
from core.health.agent_status import worst_of
from core.model.probe import ProbeResult
from core.model.snapshot import Snapshot
from pages.ui.address import close_verdict, open_verdict, read_address
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import HEALTH_SIGNS, escape, segment
from pages.ui.literals import show_code
from pages.ui.matrix import Cell, matrix_of
from pages.ui.matrix_view import IDENTITY_ICONS
from pages.ui.messages import show_flash
from pages.ui.probe_bar import choose_manner, probe_button, running_job, show_probe_job
from pages.ui.request import RequestContext
from pages.ui.route_history import show_route_history
from pages.ui.route_query import Opened, evidence_address, opened_of
from pages.ui.standings import as_of, line_now, moment_of
from pages.ui.verdict_view import show_curl, show_verdict

VERDICT_KEY = "opened_verdict"
_POLL_S = 1.0


def show_drawer(request: RequestContext, cell: Cell | None) -> bool:
    """Show the drawer of the cell that the address names, and say whether there is one."""
    if cell is None:
        return False
    title = f"{AGENTS[cell.agent].label} with {escape(cell.model)}"
    dialog = st.dialog(
        title, width=900, position="right", icon=":material/stairs:", on_dismiss=reporting(close_verdict)
    )
    dialog(_content)(request)
    return True


def opened_cell(request: RequestContext) -> Cell | None:
    """Return the cell that the address names; None for an address without one, or with one that there is not."""
    opened = read_address().opened
    if opened is None:
        return None
    snapshot = request.services.snapshot()
    snapshot = as_of(snapshot, moment_of(request.services.settings, snapshot, datetime.now(UTC)))
    matrix = matrix_of(snapshot, request.services.extra_results(request.actor))
    return matrix.cell(opened.agent, opened.model)


def _content(request: RequestContext) -> None:
    """What a person sets stands outside the parts that are drawn anew each second: an open list would close."""
    with shown_errors():
        show_flash()
        _polled_verdicts(request)
        cell = opened_cell(request)
        if cell is not None and cell.routes:
            _probe(request, cell)


@st.fragment(run_every=_POLL_S)
def _polled_verdicts(request: RequestContext) -> None:
    with shown_errors():
        cell, opened = opened_cell(request), read_address().opened
        if cell is None or opened is None:
            st.caption("This route is not known any more.")
            return
        snapshot = request.services.snapshot()
        _head(cell)
        _verdicts(request, cell, opened, snapshot)


@st.fragment(run_every=_POLL_S)
def _polled_job(request: RequestContext) -> None:
    with shown_errors():
        show_probe_job(running_job(request))


def _head(cell: Cell) -> None:
    used = f"in use as {escape(', '.join(cell.in_use))}" if cell.in_use else "not in use"
    dialect = f"{escape(cell.dialect.label)} · " if cell.dialect else ""
    st.caption(f"{dialect}{used}")
    if cell.obstacle is not None:
        st.markdown(f":gray[:material/block: {escape(cell.obstacle.sentence)}]")


def _verdicts(request: RequestContext, cell: Cell, opened: Opened, snapshot: Snapshot) -> None:
    if not cell.verdicts:
        if cell.obstacle is None:
            st.markdown("Nothing has been asked yet, so nothing is known.")
        return
    chosen = _chosen(cell, opened)
    if not opened.fits(chosen):
        st.info("The verdict of this address is no longer kept; this is another one of the same route.")
    if len(cell.verdicts) > 1:
        _choice(cell, evidence_address(chosen))
    now = datetime.now(UTC)
    line = line_now(chosen, snapshot, moment_of(request.services.settings, snapshot, now))
    show_verdict(chosen, line, simulated=snapshot.scene is not None, now=now)
    show_route_history(request, chosen.route, snapshot, now)
    show_curl(chosen)
    page = (st.context.url or "").partition("?")[0]
    st.caption("The address of exactly this evidence")
    show_code(page + "?" + evidence_address(chosen))


def _choice(cell: Cell, chosen: str) -> None:
    results = {evidence_address(result): result for result in cell.verdicts}
    # Set only to something new: an answer that sets it anew would take a choice back that was made meanwhile. Where the
    # page draws the drawer anew, the default says which one is chosen; both at once is what Streamlit warns of.
    stands = st.session_state.get(VERDICT_KEY) == chosen
    if not stands:
        st.session_state[VERDICT_KEY] = chosen
    st.pills(
        "Verdict",
        list(results),
        default=chosen if stands else None,
        key=VERDICT_KEY,
        required=True,
        format_func=lambda address: _name(results[address]),
        label_visibility="collapsed",
        on_change=reporting(_choose),
        args=(results,),
    )


def _chosen(cell: Cell, opened: Opened) -> ProbeResult:
    """Return the verdict that the address means, or the worst of those that fit it best."""
    exact = [result for result in cell.verdicts if opened.fits_exactly(result)]
    fitting = exact or [result for result in cell.verdicts if opened.fits(result)] or list(cell.verdicts)
    return worst_of(fitting) or fitting[0]


def _name(result: ProbeResult) -> str:
    route, sign = result.route, HEALTH_SIGNS[result.health]
    whose = f"{IDENTITY_ICONS[route.identity]}{route.identity.label}"
    return segment(f"{sign.icon} {escape(route.slot)} · {escape(route.model)} · {whose} · {result.depth}")


def _choose(results: dict[str, ProbeResult]) -> None:
    result = results.get(str(st.session_state.get(VERDICT_KEY)))
    if result is not None:
        open_verdict(opened_of(result))


def _probe(request: RequestContext, cell: Cell) -> None:
    with st.container(border=True, gap="xsmall"):
        manner = choose_manner(request, "drawer")
        label = "Probe this route" if cell.obstacle is None or cell.in_use else "Probe it all the same"
        probe_button(request, label, cell.routes, manner, key="probe_cell", empty="")
        _polled_job(request)
