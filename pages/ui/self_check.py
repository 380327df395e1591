"""The self-check on the Detection page: what the dashboard lacks where it runs, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.detect.self_check import Facts, self_check
from core.model.self_check import SelfCheckItem, Verdict
from core.services import Services
from core.settings.surroundings import read_surroundings
from pages.ui.formats import NOTHING, Sign, badge, code, escape, markdown_table
from pages.ui.identity import person_token
from pages.ui.lines import show_scrolling
from pages.ui.tables import Row

VERDICT_SIGNS = {
    Verdict.FINE: Sign(word="Fine", icon=":material/check_circle:", color="green"),
    Verdict.ATTENTION: Sign(word="Attention", icon=":material/warning:", color="orange"),
    Verdict.MISSING: Sign(word="Missing", icon=":material/cancel:", color="red"),
    Verdict.UNKNOWN: Sign(word="Unknown", icon=":material/help:", color="gray"),
    Verdict.NOT_USED: Sign(word="Not used", icon=":material/remove:", color="gray"),
}
_WORST_FIRST = {Verdict.MISSING: "missing", Verdict.ATTENTION: "to look at", Verdict.UNKNOWN: "unknown"}


def show_self_check(services: Services) -> None:
    """Show one row per thing that the dashboard needs or may use; nothing is asked for it."""
    st.header("Self-check", anchor=False)
    settings = services.settings
    items = self_check(
        Facts(
            seen=services.snapshot(),
            settings=settings,
            around=read_surroundings(),
            channels=len(services.alert_channels()),
            token_forwarded=person_token(settings) is not None,
        )
    )
    st.caption(summary(items))
    show_scrolling(markdown_table(rows_for_self_check(items)), least_px=760)


def summary(items: Sequence[SelfCheckItem]) -> str:
    """Return how many things want a look, worst first."""
    counts = {verdict: sum(item.verdict is verdict for item in items) for verdict in _WORST_FIRST}
    told = [f"{count} {_WORST_FIRST[verdict]}" for verdict, count in counts.items() if count]
    return " · ".join(told) if told else "Nothing is missing."


def rows_for_self_check(items: Sequence[SelfCheckItem]) -> list[Row]:
    """Return the items in their order; cells are Markdown with foreign text escaped."""
    return [
        {
            "Result": badge(VERDICT_SIGNS[item.verdict]),
            "What": escape(item.name),
            "Finding": escape(item.sentence),
            "What to do": " ".join(filter(None, [escape(item.remedy), item.command and code(item.command)])) or NOTHING,
        }
        for item in items
    ]
