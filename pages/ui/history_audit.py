"""The audit section of the History page: who did what, whether that is still what was recorded, and taking it away."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st

from core.history.audit_export import AuditForm
from core.model.audit import ChainVerdict
from pages.ui.formats import escape, plural
from pages.ui.history_query import HistoryAsk
from pages.ui.history_tables import rows_for_audit
from pages.ui.literals import JSON_LINES, offer_file, show_code, show_grid
from pages.ui.masking import learn
from pages.ui.request import RequestContext

_SHOWN = 500
_MIME = {AuditForm.JSONL: JSON_LINES, AuditForm.CSV: "text/csv"}
_END = "Whether its end was cut off only shows against a head that was noted elsewhere: in the log or in an export."


def show_audit(request: RequestContext, asked: HistoryAsk, now: datetime) -> bool:
    """Show the events of this time that match; say whether there are any."""
    trail = request.services.audit_trail
    _verdict(trail.verdict())
    since, words = now - asked.span.length, asked.text.lower().split()
    events = [event for event in request.services.audit(_SHOWN) if event.at >= since]
    learn(names=(event.actor for event in events))
    rows = [row for row in rows_for_audit(events) if all(word in " ".join(row.values()).lower() for word in words)]
    if rows:
        st.caption(f"{plural(len(rows), 'event')}, newest first; this dashboard never changes or removes one.")
        show_grid(rows, key="audit_events", alt="Audit events: who did what, why, and how it ended")
    _downloads(request, now)
    return bool(rows)


def _verdict(verdict: ChainVerdict) -> None:
    if not verdict.is_intact:
        st.error(
            f"**Not as it was recorded.** {escape(verdict.message)} Somebody has written to the database past this "
            "dashboard. Keep it as it is, and compare it with an export: `python -m core audit --against FILE`.",
            icon=":material/gpp_bad:",
        )
    elif verdict.head is not None:
        st.caption(f":material/verified_user: **Intact**: {_checked(verdict)} Its head:", help=_END)
        show_code(str(verdict.head))


def _checked(verdict: ChainVerdict) -> str:
    if verdict.first == 1:
        return f"{plural(verdict.count, 'event')} in all, each as it was recorded."
    return f"the newest {verdict.count:,} are as they were recorded; `python -m core audit --verify` checks all."


def _downloads(request: RequestContext, now: datetime) -> None:
    with st.container(horizontal=True, gap="small"):
        for form in AuditForm:
            offer_file(
                f"All events as {form.upper()}",
                partial(request.services.audit_trail.export, form),
                file_name=f"switchyard-audit-{now:%Y%m%dT%H%M}.{form}",
                mime=_MIME[form],
                key=f"export_audit_{form}",
                icon=":material/download:",
            )
