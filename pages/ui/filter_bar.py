"""The filters of the Routes page: widgets that follow the address and write to it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.agent import AgentId, Dialect
from pages.ui.address import read_address, write_address
from pages.ui.errors import reporting
from pages.ui.formats import segment
from pages.ui.matrix import CellState
from pages.ui.matrix_view import STATE_SIGNS
from pages.ui.route_query import RouteQuery, Says

AGENTS_KEY = "filter_agents"
HEALTH_KEY = "filter_health"
DIALECTS_KEY = "filter_dialects"
TEXT_KEY = "filter_text"
SAYS_KEY = "cells_say"
CLEAR = "clear_filters"
_SAYS_WORDS = {Says.HEALTH: "Health", Says.LATENCY: "Latency"}


def show_filters(asked: RouteQuery) -> None:
    """Show the filters as the address has them."""
    follow(AGENTS_KEY, list(asked.agents))
    follow(HEALTH_KEY, list(asked.health))
    follow(DIALECTS_KEY, list(asked.dialects))
    follow(TEXT_KEY, asked.text)
    line = st.grid(5, min_column_width=130, gap="small")
    changed: dict[str, Any] = {"on_change": reporting(_write)}
    line.text_input("Search", key=TEXT_KEY, icon=":material/search:", placeholder="Model or agent", **changed)
    line.multiselect(
        "Agent", list(AgentId), key=AGENTS_KEY, format_func=lambda a: AGENTS[a].label, placeholder="All", **changed
    )
    line.multiselect(
        "Health",
        list(CellState),
        key=HEALTH_KEY,
        format_func=lambda state: STATE_SIGNS[state].word,
        placeholder="All",
        **changed,
    )
    line.multiselect(
        "Dialect", list(Dialect), key=DIALECTS_KEY, format_func=lambda d: d.label, placeholder="All", **changed
    )
    follow(SAYS_KEY, asked.says)
    line.segmented_control(
        "Cells say",
        list(Says),
        key=SAYS_KEY,
        required=True,
        format_func=lambda says: segment(_SAYS_WORDS[says]),
        **changed,
    )


def show_no_match() -> None:
    """Say that the filters leave nothing, and take them away on request."""
    st.info("No combination matches these filters.", icon=":material/filter_alt_off:")
    st.button("Clear the filters", key=CLEAR, icon=":material/filter_alt_off:", on_click=reporting(_clear))


def _clear() -> None:
    asked = read_address()
    write_address(RouteQuery(ticked=asked.ticked, says=asked.says))


def follow(key: str, value: Hashable | list[Any]) -> None:
    """Make a widget show what the address says; setting it anew without need would wipe what is being typed."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _write() -> None:
    state = st.session_state
    write_address(
        replace(
            read_address(),
            agents=tuple(state[AGENTS_KEY]),
            health=tuple(state[HEALTH_KEY]),
            dialects=tuple(state[DIALECTS_KEY]),
            text=str(state[TEXT_KEY]).strip(),
            says=state[SAYS_KEY] or Says.HEALTH,
        )
    )
