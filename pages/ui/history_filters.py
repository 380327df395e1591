"""The time range, the filters and the sections of the History page: widgets that follow the address and write to it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.probe import Health
from core.model.snapshot import Snapshot
from pages.ui.address import HISTORY
from pages.ui.errors import reporting
from pages.ui.filter_bar import follow
from pages.ui.formats import HEALTH_SIGNS, segment
from pages.ui.history_query import HistoryAsk, Section, Span

SPAN_KEY = "history_span"
SECTION_KEY = "history_section"
AGENTS_KEY = "history_agents"
HEALTH_KEY = "history_health"
MODELS_KEY = "history_models"
TEXT_KEY = "history_text"
SECTION_WORDS = {
    Section.INCIDENTS: ":material/error: Incidents",
    Section.ROUTES: ":material/monitoring: Uptime and latency",
    Section.CHANGES: ":material/history: Changes",
    Section.AUDIT: ":material/policy: Audit",
    Section.ALERTS: ":material/notifications: Alerts",
}


# Changes and alerts are the newest ones in any case, and an audit event has neither health nor model.
_WITH_RANGE = (Section.INCIDENTS, Section.ROUTES, Section.AUDIT)
_WITH_FILTERS = (Section.INCIDENTS, Section.ROUTES)


def show_history_filters(asked: HistoryAsk, snapshot: Snapshot) -> None:
    """Show the sections, and the range and filters that the chosen one heeds, as the address has them."""
    line = st.container(horizontal=True, gap="medium")
    follow(SECTION_KEY, asked.section)
    line.segmented_control(
        "Show",
        list(Section),
        key=SECTION_KEY,
        required=True,
        format_func=lambda section: segment(SECTION_WORDS[section]),
        on_change=reporting(_write),
    )
    if asked.section in _WITH_RANGE:
        follow(SPAN_KEY, asked.span)
        line.segmented_control(
            "How far back",
            list(Span),
            key=SPAN_KEY,
            required=True,
            format_func=lambda span: segment(span.label),
            on_change=reporting(_write),
        )
        _filters(asked, snapshot)


def _filters(asked: HistoryAsk, snapshot: Snapshot) -> None:
    written = reporting(_write)
    line = st.grid(4, min_column_width=130, gap="small")
    follow(TEXT_KEY, asked.text)
    line.text_input("Search", key=TEXT_KEY, icon=":material/search:", placeholder="Any word", on_change=written)
    if asked.section not in _WITH_FILTERS:
        return
    follow(AGENTS_KEY, list(asked.agents))
    follow(HEALTH_KEY, list(asked.healths))
    follow(MODELS_KEY, list(asked.models))
    line.multiselect(
        "Agent",
        list(AgentId),
        key=AGENTS_KEY,
        format_func=lambda agent: AGENTS[agent].label,
        placeholder="All",
        on_change=written,
    )
    line.multiselect(
        "Health",
        list(Health),
        key=HEALTH_KEY,
        format_func=lambda found: HEALTH_SIGNS[found].word,
        placeholder="All",
        on_change=written,
    )
    line.multiselect("Model", known_models(snapshot, asked), key=MODELS_KEY, placeholder="All", on_change=written)


def known_models(snapshot: Snapshot, asked: HistoryAsk) -> list[str]:
    """Return the models of all routes that are watched, and those that the address names."""
    watched = {standing.route.model for standing in snapshot.standings.values()}
    return sorted(watched | {result.route.model for result in snapshot.results} | set(asked.models))


def _write() -> None:
    """Make the address say what the widgets say; those that the section does not show leave it as it is."""
    state, asked = st.session_state, HISTORY.read()
    HISTORY.write(
        replace(
            asked,
            span=state.get(SPAN_KEY) or asked.span,
            section=state.get(SECTION_KEY) or asked.section,
            agents=tuple(state.get(AGENTS_KEY, asked.agents)),
            healths=tuple(state.get(HEALTH_KEY, asked.healths)),
            models=tuple(state.get(MODELS_KEY, asked.models)),
            text=str(state.get(TEXT_KEY, asked.text)).strip(),
        )
    )
