"""The sections of the Detection page."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.gateway import Gateway, Generation, TraceOutcome, TraceStep
from core.model.snapshot import Snapshot
from core.settings import Settings
from pages.ui.banners import show_banners
from pages.ui.curls import agent_curls, workspace_curls
from pages.ui.formats import (
    GENERATION_WORDS,
    SOURCE_WORDS,
    TRACE_SIGNS,
    age_text,
    clock_text,
    code,
    escape,
    markdown_table,
    ms_text,
    plural,
)
from pages.ui.lines import show_boxes, show_scrolling
from pages.ui.literals import show_code, show_grid
from pages.ui.strip import show_identity
from pages.ui.tables import rows_for_environment, rows_for_evidence, rows_for_listings, rows_for_models, rows_for_trace

_MODELS_GRID = "models_grid"
_STEPS_IN_CARD = 2


def show_workspace(snapshot: Snapshot) -> None:
    """Show the banners, what each source said, and who we are."""
    show_banners(snapshot)
    st.header("Workspace", anchor=False)
    workspace = snapshot.workspace
    if workspace is None:
        st.caption("No workspace has been detected.")
        return
    grid = st.grid(3, min_column_width=240, gap="small")
    with grid.cell(column_span=2):
        show_scrolling(markdown_table(rows_for_evidence(workspace)), least_px=500)
    with grid.cell(), st.container(border=True, gap="xsmall"):
        show_identity(snapshot)


def show_gateway(snapshot: Snapshot) -> None:
    """Show how the gateway was found, step by step, and the generations side by side."""
    st.header("Gateway", anchor=False)
    gateway = snapshot.gateway
    if gateway is None:
        st.caption("No gateway has been looked for yet.")
        return
    age = age_text(gateway.resolved_at, datetime.now(UTC))
    st.markdown(f":gray[{SOURCE_WORDS[gateway.source]} · resolved {age}]", help=clock_text(gateway.resolved_at))
    if gateway.base_url:
        show_code(gateway.base_url)
    show_scrolling(markdown_table(rows_for_trace(gateway)), least_px=860)
    boxes = show_boxes([1] * len(Generation), tracks=len(Generation), track_px=240)
    for box, generation in zip(boxes, Generation, strict=True):
        with box:
            _generation(gateway, generation)


def _generation(gateway: Gateway, generation: Generation) -> None:
    st.markdown(f"**{GENERATION_WORDS[generation].capitalize()}**")
    steps = [step for step in gateway.trace if generation_of(step) is generation]
    if not steps:
        st.caption("Not tried.")
    for step in steps[:_STEPS_IN_CARD]:
        sign = TRACE_SIGNS[step.outcome]
        time = f" · {ms_text(step.latency_ms)}" if step.latency_ms is not None else ""
        st.badge(f"{sign.word}{time}", icon=sign.icon, color=sign.color)
        st.caption(f"{code(step.candidate or '')}  \n{escape(step.reason)}")
    if len(steps) > _STEPS_IN_CARD:
        st.caption(f"and {plural(len(steps) - _STEPS_IN_CARD, 'more candidate')}, in the table above")
    if any(step.outcome is TraceOutcome.CHOSEN for step in steps):
        # Some agents repeat a version segment in their base; the first of the catalogue that speaks a dialect stands.
        paths = {
            dialect.label: path
            for spec in reversed(tuple(AGENTS.values()))
            for (where, dialect), path in spec.bases.items()
            if where is generation
        }
        st.caption(
            "  \n".join(
                f"{label}: {code('…' + path) if path else 'the base URL itself'}" for label, path in paths.items()
            )
        )


def generation_of(step: TraceStep) -> Generation | None:
    """Return which generation a candidate belongs to, by its URL."""
    if not step.candidate:
        return None
    if ".ai-gateway." in step.candidate:
        return Generation.DEDICATED
    if step.candidate.rstrip("/").endswith("/ai-gateway"):
        return Generation.WORKSPACE
    return Generation.SERVING_ENDPOINTS if "serving-endpoints" in step.candidate else None


def show_models(snapshot: Snapshot) -> None:
    """Show which listing said what, and the merged models."""
    st.header("Models", anchor=False)
    catalogue = snapshot.catalogue
    if not catalogue.sources:
        st.caption("No listing has answered yet.")
        return
    show_scrolling(markdown_table(rows_for_listings(catalogue)), least_px=500)
    if catalogue.models:
        count = plural(len(catalogue.models), "model")
        st.caption(f"{count} from all listings together; names that mean the same model are one row.")
        rows = rows_for_models(catalogue)
        show_grid(rows, key=_MODELS_GRID, alt=f"Table of {count}")


def show_environment(settings: Settings) -> None:
    """Show the agents' variables as this process sees them."""
    st.header("Environment in force", anchor=False)
    states = {None: "not set: the gateway is looked for", "": "set to nothing: the gateway is switched off on purpose"}
    gateway = states.get(settings.gateway_host, code(settings.gateway_host or ""))
    st.markdown(f"{code('DATABRICKS_GATEWAY_HOST')} {gateway}")
    with st.expander("Variables of the agents"):
        show_scrolling(markdown_table(rows_for_environment(settings)), least_px=560)


def show_requests(snapshot: Snapshot) -> None:
    """Show the requests for a terminal."""
    st.header("The same requests from a terminal", anchor=False)
    st.caption("They read the token from your environment: `export DATABRICKS_TOKEN=…`")
    groups = {"Workspace": workspace_curls(snapshot)}
    groups |= {AGENTS[choice.agent].label: agent_curls(choice) for choice in snapshot.choices if choice.enabled}
    for label, curls in groups.items():
        if not curls:
            continue
        with st.expander(label):
            for title, command in curls:
                st.caption(escape(title))
                show_code(command, language="bash")
