"""Asking for probes: how deep, with whose credential, what it costs, and the buttons that start it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import ProbeError
from core.model.probe import Depth
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Job
from pages.ui.errors import reporting
from pages.ui.formats import cost_text, escape, plural, segment
from pages.ui.identity import person_token
from pages.ui.matrix import Matrix
from pages.ui.messages import problem_box
from pages.ui.request import RequestContext

PROBE_JOB = "probe_job"
_DEPTH_WORDS = {Depth.REACH: "Reach", Depth.FAITHFUL: "Faithful"}
_DEPTH_HELP = (
    "Reach asks each model for a word. Faithful sends what the agent itself sends, with its tools and its output cap, "
    "and leaves the answer as soon as it proves stream and tools."
)
_CONFIGURED = "Configured"
_WORDS = {
    _CONFIGURED: "Dashboard's, and the agent's stored one",
    Identity.USER: "My own token",
    Identity.ONE_PROBE: "A token for this probe",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to ask: to which depth, and with tokens of which identities (none: as configured).

    `token_key` names the field with the token for one probe, if there is one.
    """

    depth: Depth
    given: tuple[Identity, ...] = ()
    token_key: str | None = None


def choose_manner(request: RequestContext, prefix: str) -> Manner:
    """Show the choice of depth and credential."""
    line = st.container(horizontal=True, gap="small")
    depth = line.segmented_control(
        "Depth",
        list(Depth),
        default=Depth.REACH,
        required=True,
        key=f"{prefix}_depth",
        format_func=lambda depth: segment(_DEPTH_WORDS[depth]),
        help=_DEPTH_HELP,
    )
    own = [Identity.USER] if person_token(request.services.settings) else []
    whose = line.selectbox(
        "Credential",
        [_CONFIGURED, *own, Identity.ONE_PROBE],
        key=f"{prefix}_credential",
        format_func=_WORDS.__getitem__,
    )
    if whose is Identity.ONE_PROBE:
        key = f"{prefix}_token"
        line.text_input(
            "Token", key=key, type="password", autocomplete="off", help="Used for this probe and kept nowhere."
        )
        return Manner(depth=depth or Depth.REACH, given=(Identity.ONE_PROBE,), token_key=key)
    return Manner(depth=depth or Depth.REACH, given=(Identity.USER,) if whose is Identity.USER else ())


def probe_button(
    request: RequestContext, label: str, routes: Sequence[Route], manner: Manner, *, key: str, empty: str
) -> None:
    """Show a button that probes these routes, and below it what that costs."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    line.button(
        f"{label} ({len(routes)})" if len(routes) > 1 else label,
        key=key,
        icon=":material/network_check:",
        disabled=not routes or not request.actor.may_probe,
        help=None if request.actor.may_probe else escape(request.actor.why),
        on_click=reporting(_start),
        args=(request, tuple(routes), manner),
    )
    line.caption(cost_text(request.services.probe_cost(routes, manner.depth, given=manner.given)) if routes else empty)


def show_probe_bar(request: RequestContext, matrix: Matrix, selected: Matrix) -> None:
    """Show the choices and *Probe selected* and *Probe all*; what cannot work is left out."""
    with st.container(border=True, gap="xsmall", key="probe_bar"):
        manner = choose_manner(request, "bar")
        halves = st.grid(2, min_column_width=270, gap="small")
        with halves.cell():
            routes = _routes(selected)
            empty = "Tick models to select them." if not selected.rows else "Nothing here can be asked."
            probe_button(request, "Probe selected", routes, manner, key="probe_selected", empty=empty)
        with halves.cell():
            probe_button(request, "Probe all", _routes(matrix), manner, key="probe_all", empty="Nothing can be asked.")
        show_probe_job(running_job(request))


def running_job(request: RequestContext) -> Job | None:
    """Return the probe that this session started last."""
    job_id = st.session_state.get(PROBE_JOB)
    return request.services.job(job_id) if isinstance(job_id, str) else None


def show_probe_job(job: Job | None) -> None:
    """Show how far a probe is; results appear where they belong as they land."""
    if job is None:
        return
    count = job.progress
    notes = "".join(f" · {escape(phase)}" for phase in job.phases)
    if job.problem is not None:
        problem_box(job.problem)
    elif job.done:
        st.caption(f":material/done_all: {plural(count.total, 'route')} probed{notes}")
    else:
        share = count.done / count.total if count.total else 0.0
        st.progress(min(share, 1.0), text=f"Probing: {count.done} of {plural(count.total, 'route')}{notes}")


def _routes(matrix: Matrix) -> tuple[Route, ...]:
    return tuple(route for cell in matrix.cells if cell.can_be_probed for route in cell.routes)


def _start(request: RequestContext, routes: tuple[Route, ...], manner: Manner) -> None:
    tokens: dict[Identity, Secret] = {}
    if manner.token_key is not None:
        typed = str(st.session_state.get(manner.token_key, "")).strip()
        # Cleared before anything else can happen: the token is for this probe only.
        st.session_state[manner.token_key] = ""
        tokens |= {Identity.ONE_PROBE: Secret(typed)} if typed else {}
    own = person_token(request.services.settings) if Identity.USER in manner.given else None
    if own is not None:
        tokens[Identity.USER] = own
    if manner.given and not tokens:
        raise ProbeError("No token was given.", code="credential_missing", remedy="Type it into the field first.")
    st.session_state[PROBE_JOB] = request.services.start_probe(
        routes, depth=manner.depth, tokens=tokens, actor=request.actor
    )
