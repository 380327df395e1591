"""The rows of the Overview: one agent each, with what is wrong below it and every verdict on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.probe import Health, ProbeResult
from pages.ui.bars import LEGEND, short_words, show_bar
from pages.ui.formats import (
    HEALTH_SIGNS,
    NOTHING,
    SEVERITY_SIGNS,
    age_text,
    clock_text,
    code,
    escape,
    markdown_table,
    ms_text,
    plural,
)
from pages.ui.heads import show_head
from pages.ui.lines import Widths, show_line
from pages.ui.literals import show_code
from pages.ui.route_query import evidence_query
from pages.ui.rows import AgentRow
from pages.ui.sync_view import sync_text
from pages.ui.tables import rows_for_rungs, verdict_name

_WIDTHS = Widths(first=(1.15, 2.55, 2.1), second=(1.9, 1.0, 1.5))
_TITLES = ("Agent", "Model in use", "Health", "Last 50 checks", "Latency", "")
_LATENCY_HELP = "Of the last 50 checks: p95, below it the median (p50) and TTFT, the time to the first token (p95)."
_HELP = {"Last 50 checks": LEGEND, "Latency": _LATENCY_HELP}


Say = Callable[[ProbeResult], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowParts:
    """What a row takes from outside: `say` is the line of a verdict, `action` fills the last cell."""

    say: Say
    action: Callable[[AgentRow], None]


def show_rows(rows: Sequence[AgentRow], parts: RowParts, *, simulated: bool, now: datetime) -> None:
    """Show the table."""
    show_head(_WIDTHS, _TITLES, _HELP)
    for row in rows:
        with st.container(border=True, gap="small", key=f"row_{row.choice.agent}"):
            _line(row, parts, simulated=simulated, now=now)
            _below(row, parts.say)


def _line(row: AgentRow, parts: RowParts, *, simulated: bool, now: datetime) -> None:
    name, model, health, bar, latency, last = show_line(_WIDTHS)
    with name, st.container(gap="xxsmall"):
        st.markdown(f"**{escape(row.label)}**  \n:small[:gray[{escape(row.dialect)}]]")
        if AGENTS[row.choice.agent].probeable and row.choice.enabled:
            st.markdown(f":small[{sync_text(row.sync)}]", help=escape(row.sync.why) if row.sync else "Not read yet.")
    others = f"  \n:small[:gray[{escape(row.others)}]]" if row.others else ""
    source = f"  \n:small[:gray[{escape(row.source)}]]" if row.source else ""
    model.markdown(f"{code(row.model)}{source}{others}")
    with health:
        _health(row, simulated=simulated)
    if row.choice.enabled and AGENTS[row.choice.agent].probeable:
        with bar, st.container(gap=None):
            show_bar(row.beats, now, whose=f"{row.label}: ")
            st.caption(short_words(row.beats))
            st.caption(_checked(row, now), help=clock_text(row.status.checked_at))
    latency.markdown(_latency(row))
    with last, st.container(gap="xsmall"):
        parts.action(row)
        _checks(row, parts.say)


def _checked(row: AgentRow, now: datetime) -> str:
    stale = " :orange-badge[:material/history_toggle_off: stale]" if row.stale else ""
    return f"checked {age_text(row.status.checked_at, now)}{stale}"


def _latency(row: AgentRow) -> str:
    quantiles = row.quantiles
    if not quantiles.samples:
        return NOTHING
    first = f"  \n:small[:gray[TTFT {ms_text(quantiles.ttft_p95_ms)}]]" if quantiles.ttft_p95_ms is not None else ""
    return f"p95 {ms_text(quantiles.p95_ms)}  \n:small[:gray[p50 {ms_text(quantiles.p50_ms)}]]{first}"


def _health(row: AgentRow, *, simulated: bool) -> None:
    sign = HEALTH_SIGNS[row.status.health]
    with st.container(gap="xxsmall"):
        st.badge(f"{sign.word} · simulated" if simulated else sign.word, icon=sign.icon, color=sign.color)
        st.markdown(f":small[{escape(row.status.headline)}]")


def _below(row: AgentRow, say: Say) -> None:
    if row.hint:
        st.caption(escape(row.hint))
    if row.command:
        show_code(row.command, language="bash", width="content")
    for finding in row.lint:
        sign = SEVERITY_SIGNS[finding.severity]
        st.markdown(f":{sign.color}[{sign.icon} {sign.word}:] {escape(finding.message)}")
    _verdicts(row.explained, say)


def _checks(row: AgentRow, say: Say) -> None:
    if not row.verdicts and not (row.choice.enabled and AGENTS[row.choice.agent].probeable):
        return
    # It stands there before the first verdict too: a row that grew would push all below it.
    key, closed = f"checks_{row.choice.agent}", not row.verdicts
    with st.popover("Checks", icon=":material/stairs:", width="stretch", key=key, disabled=closed):
        if closed:
            return
        st.markdown(f"**{escape(row.label)}**: {plural(len(row.verdicts), 'verdict')}, rung by rung")
        st.markdown(markdown_table(rows_for_rungs(row.verdicts)))
        _verdicts(row.verdicts, say)
        for result in row.verdicts:
            label = f"Evidence: {escape(verdict_name(result))}"
            st.page_link("routes.py", label=label, icon=":material/receipt_long:", query_params=evidence_query(result))


def _verdicts(results: Sequence[ProbeResult], say: Say) -> None:
    said = None
    for result in results:
        # The same cause under two credentials is explained once.
        _verdict(result, say(result), explain=(result.message, result.remedy) != said)
        said = (result.message, result.remedy)


def _verdict(result: ProbeResult, line: str, *, explain: bool) -> None:
    sign = HEALTH_SIGNS[result.health]
    slot, _, identity = verdict_name(result).partition(" · ")
    lines = [
        f"{escape(slot)} · {code(result.route.model)} · {escape(identity)} · "
        f":{sign.color}[{sign.icon} **{sign.word}**] — {escape(line)}"
    ]
    if result.health is not Health.HEALTHY and explain:
        lines.append(f":small[{escape(result.message)}]")
        lines += [f":small[:material/build: {escape(result.remedy)}]"] if result.remedy else []
        if result.suggestion:
            lines.append(f":small[:material/lightbulb: Works already: {code(result.suggestion.model)}]")
    st.markdown("  \n".join(lines))
