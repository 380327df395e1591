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
from pages.ui.formats import HEALTH_SIGNS
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


def show_history_filters(asked: HistoryAsk, snapshot: Snapshot) -> None:
    """Show range, section and filters as the address has them."""
    left, right = st.columns([1.9, 1.1], gap="small")
    follow(SECTION_KEY, asked.section)
    left.segmented_control(
        "Show",
        list(Section),
        key=SECTION_KEY,
        required=True,
        format_func=SECTION_WORDS.__getitem__,
        on_change=reporting(_write),
    )
    follow(SPAN_KEY, asked.span)
    right.segmented_control(
        "How far back",
        list(Span),
        key=SPAN_KEY,
        required=True,
        format_func=lambda span: span.label,
        on_change=reporting(_write),
    )
    _filters(asked, snapshot)


def _filters(asked: HistoryAsk, snapshot: Snapshot) -> None:
    follow(TEXT_KEY, asked.text)
    follow(AGENTS_KEY, list(asked.agents))
    follow(HEALTH_KEY, list(asked.healths))
    follow(MODELS_KEY, list(asked.models))
    text, agents, health, models = st.columns(4, gap="small")
    written = reporting(_write)
    text.text_input("Search", key=TEXT_KEY, icon=":material/search:", placeholder="Any word", on_change=written)
    agents.multiselect(
        "Agent",
        list(AgentId),
        key=AGENTS_KEY,
        format_func=lambda agent: AGENTS[agent].label,
        placeholder="All",
        on_change=written,
    )
    health.multiselect(
        "Health",
        list(Health),
        key=HEALTH_KEY,
        format_func=lambda found: HEALTH_SIGNS[found].word,
        placeholder="All",
        on_change=written,
    )
    models.multiselect("Model", known_models(snapshot, asked), key=MODELS_KEY, placeholder="All", on_change=written)


def known_models(snapshot: Snapshot, asked: HistoryAsk) -> list[str]:
    """Return the models of all routes that are watched, and those that the address names."""
    watched = {standing.route.model for standing in snapshot.standings.values()}
    return sorted(watched | {result.route.model for result in snapshot.results} | set(asked.models))


def _write() -> None:
    state = st.session_state
    HISTORY.write(
        replace(
            HISTORY.read(),
            span=state[SPAN_KEY] or Span.DAY,
            section=state[SECTION_KEY] or Section.INCIDENTS,
            agents=tuple(state[AGENTS_KEY]),
            healths=tuple(state[HEALTH_KEY]),
            models=tuple(state[MODELS_KEY]),
            text=str(state[TEXT_KEY]).strip(),
        )
    )
