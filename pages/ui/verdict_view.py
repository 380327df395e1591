"""One verdict in full: its ladder, what it means, the exchange behind it, and how to repeat it in a terminal."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.model.probe import Health, ProbeEvidence, ProbeResult, Tokens
from pages.ui.curls import evidence_curl
from pages.ui.formats import HEALTH_SIGNS, NOTHING, age_text, clock_text, code, escape, markdown_table, ms_text
from pages.ui.lines import show_scrolling
from pages.ui.literals import show_code, show_text
from pages.ui.tables import rows_for_findings, rows_for_ladder


def show_verdict(result: ProbeResult, line: str, *, simulated: bool, now: datetime) -> None:
    """Show the line, sentence and remedy, the ladder, follow-ups, and the evidence."""
    sign = HEALTH_SIGNS[result.health]
    st.badge(f"{sign.word} · simulated" if simulated else sign.word, icon=sign.icon, color=sign.color)
    st.markdown(f"**{escape(line)}**  \n{escape(result.message)}")
    if result.health is not Health.HEALTHY and result.remedy:
        st.markdown(f":material/build: {escape(result.remedy)}")
    if result.suggestion is not None:
        st.markdown(
            f":material/lightbulb: Works already: {code(result.suggestion.model)} – {escape(result.suggestion.reason)}"
        )
    grid = st.grid(3, min_column_width=240, gap="small")
    grid.cell().markdown(markdown_table(rows_for_ladder(result)))
    with grid.cell(column_span=2):
        show_scrolling(markdown_table(_facts(result, now)), least_px=420)
        _to_copy(result)
    if result.findings:
        st.markdown("**Asked to tell the cause**")
        show_scrolling(markdown_table(rows_for_findings(result)), least_px=560)
    if result.evidence is not None:
        _evidence(result.evidence)


def _to_copy(result: ProbeResult) -> None:
    """Show what people take elsewhere in full, each with a button that copies it."""
    request_id = result.evidence.request_id if result.evidence else None
    for title, text in (("Asked at", result.url), ("Request id", request_id)):
        if text:
            st.caption(title)
            show_code(text)


def show_curl(result: ProbeResult) -> None:
    """Show how to ask the same in a terminal."""
    st.caption("The same from a terminal; the token comes from your environment")
    show_code(evidence_curl(result), language="bash")


def _facts(result: ProbeResult, now: datetime) -> list[dict[str, str]]:
    facts = {
        "Credential": escape(result.route.identity.label),
        "Diagnosis": code(result.diagnosis),
        "Status": str(result.http_status or NOTHING),
        "Answered by": code(result.answered_model or ""),
        "Latency": ms_text(result.latency_ms),
        "First token": ms_text(result.ttft_ms),
        "Tokens": _tokens(result.tokens),
        "Requests": str(result.attempts),
        "Checked": f"{age_text(result.checked_at, now)}, {clock_text(result.checked_at)}",
    }
    return [{"Fact": name, "Value": value} for name, value in facts.items() if value != NOTHING]


def _tokens(tokens: Tokens) -> str:
    if tokens.input is None and tokens.output is None:
        return "not said"
    known = [NOTHING if count is None else str(count) for count in (tokens.input, tokens.output)]
    return f"{known[0]} in, {known[1]} out"


def _evidence(evidence: ProbeEvidence) -> None:
    with st.expander("Request and answer, credentials struck out", icon=":material/receipt_long:"):
        head = [f"{evidence.method} {evidence.url}", "Authorization: Bearer ***"]
        head += [f"{name}: {value}" for name, value in evidence.request_headers.items()]
        show_code("\n".join(head))
        if evidence.request_body:
            show_code(evidence.request_body, language="json")
        if evidence.error:
            show_text(evidence.error)
            return
        answer = "\n".join(f"{name}: {value}" for name, value in evidence.response_headers.items())
        st.caption("Answer")
        show_code(answer or "no header worth showing")
        if evidence.response_excerpt:
            show_code(evidence.response_excerpt, language="json")
