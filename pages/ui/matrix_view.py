"""The matrix on the page: a row per model, a column per agent, and in each cell a word per credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from core.catalog.agents import AGENTS
from core.health.agent_status import line_of
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
from pages.ui.matrix import Band, Cell, CellState, Matrix, ModelRow
from pages.ui.route_query import Opened, opened_of
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
_MODEL_WIDTH = 2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What cells need to know besides themselves."""

    standings: Mapping[str, Standing]
    moment: Moment


def show_matrix(matrix: Matrix, ticked: tuple[str, ...], snapshot: Snapshot, moment: Moment) -> None:
    """Show all bands below one head, and the legend."""
    seen = _Seen(standings=snapshot.standings, moment=moment)
    widths = [_MODEL_WIDTH, *[1.0] * len(matrix.agents)]
    with st.container(border=True, gap="xxsmall", key="matrix"):
        head = st.columns(widths, gap="xxsmall")
        for column, agent in zip(head[1:], matrix.agents, strict=True):
            column.markdown(f"**{AGENTS[agent].label}**  \n:small[:gray[{escape(_spoken(agent))}]]")
        for band in matrix.bands:
            st.space("xsmall")
            _band(band, matrix.agents, widths, ticked, seen)
    marks = " · ".join(f"{icon}{identity.label}" for identity, icon in IDENTITY_ICONS.items() if icon)
    st.caption(f"No mark: dashboard's credential · {marks} · a name below a cell: the slot that is set to this model")


def _spoken(agent: AgentId) -> str:
    dialects = AGENTS[agent].dialects
    if not dialects:
        return "inform only"
    return dialects[0].label if len(dialects) == 1 else "the model's own"


def _band(band: Band, agents: tuple[AgentId, ...], widths: list[float], ticked: tuple[str, ...], seen: _Seen) -> None:
    st.markdown(f"**{band.dialect.label} models**" if band.dialect else "**Not chat models**")
    for row in band.rows:
        columns = st.columns(widths, gap="xxsmall", vertical_alignment="top")
        with columns[0]:
            _name(row, ticked=row.model in ticked)
        for column, agent in zip(columns[1:], agents, strict=True):
            cell = row.cells.get(agent)
            if cell is not None:
                with column:
                    _cell(cell, seen)


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
        # Most cells are of this kind; a container around each would double what the browser has to lay out.
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
    sign = HEALTH_SIGNS[result.health]
    identity = result.route.identity
    moment = seen.moment
    stale = " · stale" if is_stale(result.checked_at, moment.rules.reach_interval_s, moment.now) else ""
    # A bar per cell would be hundreds of pictures in columns too narrow for them; the drawer has it.
    standing = seen.standings.get(route_id(result.route))
    line = line_of(result, standing, moment.rules, moment.now)
    past = f" · {bar_words(standing.beats, moment.now)}" if standing and standing.beats else ""
    st.button(
        f"{IDENTITY_ICONS[identity]}:{sign.color}[{sign.icon} {sign.word}]{stale}",
        key=f"open_{cell.agent}_{cell.model}_{identity}",
        type="tertiary",
        help=f"{identity.label}, {escape(result.route.slot)}: {escape(line)}{past}",
        on_click=reporting(open_verdict),
        args=(opened_of(result),),
    )


def _no_verdict(cell: Cell) -> None:
    sign = STATE_SIGNS[CellState.NOT_PROBED]
    label, reason = f"{sign.icon} {sign.word}", "Nothing has been asked yet"
    if cell.obstacle is not None:
        sign = HEALTH_SIGNS[Health.PAUSED] if cell.paused else STATE_SIGNS[CellState.IMPOSSIBLE]
        label = f":small[:{sign.color}[{sign.icon} {escape(cell.obstacle.short.capitalize())}]]"
        reason = cell.obstacle.sentence
    st.button(
        label,
        key=f"open_{cell.agent}_{cell.model}",
        type="tertiary",
        help=escape(reason),
        on_click=reporting(open_verdict),
        args=(Opened(agent=cell.agent, model=cell.model),),
    )
