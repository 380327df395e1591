"""The matrix on the page: a row per model, a column per agent, and in each cell a word per credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.elements.lib.grid_container import GridContainer

from core.catalog.agents import AGENTS
from core.health.agent_status import line_of
from core.health.buckets import quantiles_of_checks
from core.model.agent import AgentId
from core.model.check import route_id
from core.model.probe import Health, ProbeResult
from core.model.route import Identity
from core.model.snapshot import Snapshot
from core.model.standing import Standing
from pages.ui.address import open_verdict, read_address, write_address
from pages.ui.bars import bar_words
from pages.ui.errors import reporting
from pages.ui.formats import HEALTH_SIGNS, Sign, code, escape
from pages.ui.heat import ABOVE, heat_badge, heat_legend, heat_of
from pages.ui.matrix import Band, Cell, CellState, Matrix, ModelRow
from pages.ui.route_query import Opened, RouteQuery, Says, opened_of
from pages.ui.rows import is_stale
from pages.ui.standings import Moment

STATE_SIGNS = {CellState(health.value): sign for health, sign in HEALTH_SIGNS.items()} | {
    CellState.NOT_PROBED: Sign(word="Not probed", icon=":material/radio_button_unchecked:", color="gray"),
    CellState.IMPOSSIBLE: Sign(word="Impossible", icon=":material/block:", color="gray"),
}
# The dashboard's own credential is the usual one and has no mark.
IDENTITY_ICONS = {
    Identity.DASHBOARD: "",
    Identity.STORED: ":material/key: ",
    Identity.USER: ":material/person: ",
    Identity.ONE_PROBE: ":material/passkey: ",
}
# Two tracks for the model and one per agent; the narrowest that holds the longest word of a cell.
_TRACK_PX = 94


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What cells need to know besides themselves."""

    standings: Mapping[str, Standing]
    moment: Moment
    says: Says


def show_matrix(matrix: Matrix, asked: RouteQuery, snapshot: Snapshot, moment: Moment) -> None:
    """Show all bands below one head, and the legend."""
    seen = _Seen(standings=snapshot.standings, moment=moment, says=asked.says)
    agents = probeable_first(matrix.agents)
    # One grid of all rows: columns of their own for each row would be twice as many elements for the browser. Where
    # it is too narrow it scrolls sideways within itself.
    grid = st.grid(2 + len(agents), min_column_width=_TRACK_PX, wrap=False, gap="xxsmall", key="matrix")
    grid.cell(column_span=2).markdown("**Model**")
    for agent in agents:
        grid.markdown(f"**{AGENTS[agent].label}**  \n:small[:gray[{escape(_spoken(agent))}]]")
    for band in matrix.bands:
        _band(grid, band, agents, asked.ticked, seen)
    st.caption(_legend(matrix, agents, seen))


def probeable_first(agents: tuple[AgentId, ...]) -> tuple[AgentId, ...]:
    """Return the agents that have a column: an agent that cannot be probed would say so in every row.

    Where nothing else is asked for it has its column all the same.
    """
    return tuple(agent for agent in agents if AGENTS[agent].probeable) or agents


def _legend(matrix: Matrix, agents: tuple[AgentId, ...], seen: _Seen) -> str:
    marks = " · ".join(f"{icon}{identity.label}" for identity, icon in IDENTITY_ICONS.items() if icon)
    lines = [f"No mark: dashboard's credential · {marks} · a name below a cell: the slot that is set to this model"]
    if seen.says is Says.LATENCY:
        lines.append(heat_legend(seen.moment.rules.latency_limit_ms))
    left_out = [AGENTS[agent].label for agent in matrix.agents if agent not in agents]
    if left_out:
        lines.append(f"{', '.join(left_out)}: inform only, so nothing can be asked")
    return "  \n".join(lines)


def _spoken(agent: AgentId) -> str:
    dialects = AGENTS[agent].dialects
    if not dialects:
        return "inform only"
    return dialects[0].label if len(dialects) == 1 else "the model's own"


def _band(grid: GridContainer, band: Band, agents: tuple[AgentId, ...], ticked: tuple[str, ...], seen: _Seen) -> None:
    with grid.cell(column_span="all"), st.container(gap=None):
        st.space("xsmall")
        st.markdown(f"**{band.dialect.label} models**" if band.dialect else "**Not chat models**")
    for row in band.rows:
        with grid.cell(column_span=2), st.container(gap=None):
            # The words of the row stand in buttons, which are higher than a tick box.
            st.space(9)
            _name(row, ticked=row.model in ticked)
        for agent in agents:
            cell = row.cells.get(agent)
            with grid:
                if cell is not None:
                    _cell(cell, seen)
                else:
                    # What the filters leave out still takes its place.
                    st.markdown("&nbsp;")


def _name(row: ModelRow, *, ticked: bool) -> None:
    key = f"tick_{row.model}"
    if st.session_state.get(key) != ticked:
        st.session_state[key] = ticked
    st.checkbox(code(row.model), key=key, on_change=reporting(_tick), args=(row.model, key))
    if row.note:
        st.caption(escape(row.note))


def _tick(model: str, key: str) -> None:
    asked = read_address()
    others = tuple(name for name in asked.ticked if name != model)
    write_address(replace(asked, ticked=(*others, model) if st.session_state[key] else others))


def _cell(cell: Cell, seen: _Seen) -> None:
    if not cell.verdicts and not cell.in_use:
        # Most cells are of this kind; a container around each would double what the browser has to lay out, and so
        # would a tooltip that says nothing new.
        _no_verdict(cell)
        return
    with st.container(gap=None, key=f"cell_{cell.agent}_{cell.model}"):
        for result in cell.shown:
            _verdict(cell, result, seen)
        if not cell.verdicts:
            _no_verdict(cell)
        if cell.in_use:
            st.markdown(" ".join(f":blue-badge[{escape(slot)}]" for slot in cell.in_use))


def _verdict(cell: Cell, result: ProbeResult, seen: _Seen) -> None:
    identity = result.route.identity
    moment = seen.moment
    stale = " · stale" if is_stale(result.checked_at, moment.rules.reach_interval_s, moment.now) else ""
    # A bar per cell would be hundreds of pictures in columns too narrow for them; the drawer has it.
    standing = seen.standings.get(route_id(result.route))
    line = line_of(result, standing, moment.rules, moment.now)
    past = f" · {bar_words(standing.beats, moment.now)}" if standing and standing.beats else ""
    st.button(
        f"{IDENTITY_ICONS[identity]}{_said(result, standing, seen)}{stale}",
        key=f"open_{cell.agent}_{cell.model}_{identity}",
        type="tertiary",
        help=f"{identity.label}, {escape(result.route.slot)}: {escape(line)}{past}",
        on_click=reporting(open_verdict),
        args=(opened_of(result),),
    )


def _said(result: ProbeResult, standing: Standing | None, seen: _Seen) -> str:
    """Return the word of the health; of a healthy or slow route the p95 of its newest checks, where that is asked."""
    sign = HEALTH_SIGNS[result.health]
    limit_ms = seen.moment.rules.latency_limit_ms
    latency_ms = quantiles_of_checks(standing.beats).p95_ms if standing else result.latency_ms
    if seen.says is Says.HEALTH or latency_ms is None:
        return f":{sign.color}[{sign.icon} {sign.word}]"
    # What is wrong for another reason than slowness keeps its word.
    if result.health is not Health.HEALTHY and heat_of(latency_ms, limit_ms) is not ABOVE:
        return f":{sign.color}[{sign.icon} {sign.word}]"
    return f":{sign.color}[{sign.icon}] {heat_badge(latency_ms, limit_ms)}"


def _no_verdict(cell: Cell) -> None:
    sign = STATE_SIGNS[CellState.NOT_PROBED]
    label, reason = f":gray[{sign.icon} {sign.word}]", None
    if cell.obstacle is not None:
        sign = HEALTH_SIGNS[Health.PAUSED] if cell.paused else STATE_SIGNS[CellState.IMPOSSIBLE]
        label = f":small[:{sign.color}[{sign.icon} {escape(cell.obstacle.short.capitalize())}]]"
        reason = cell.obstacle.sentence
    st.button(
        label,
        key=f"open_{cell.agent}_{cell.model}",
        type="tertiary",
        help=escape(reason) if reason else None,
        on_click=reporting(open_verdict),
        args=(Opened(agent=cell.agent, model=cell.model),),
    )
