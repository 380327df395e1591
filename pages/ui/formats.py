"""How values read on the pages: durations, ages, health words, and upstream text that must not become Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from core.catalog.visible import visible
from core.model.change import ChangeState, DiffOp
from core.model.choice import Severity
from core.model.gateway import GatewaySource, Generation, TraceOutcome
from core.model.models import ListingOutcome
from core.model.probe import Cost, Health, RungOutcome
from core.model.usage import Price, Usage
from pages.ui.masking import masked

NOTHING = "–"
Color = Literal["red", "orange", "green", "blue", "violet", "gray"]
# Streamlit makes links of bare addresses even where their marks are escaped; an invisible joiner keeps them text.
_ADDRESS = re.compile(r"(@|://|www)(?=\S)")
_FIGURE = re.compile(rf"{NOTHING}|[\d.,]+(?:[ \u00a0](?:ms|s|%))?")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a state is shown: never by colour alone."""

    word: str
    icon: str
    color: Color


HEALTH_SIGNS = {
    Health.HEALTHY: Sign(word="Healthy", icon=":material/check_circle:", color="green"),
    Health.DEGRADED: Sign(word="Degraded", icon=":material/warning:", color="orange"),
    Health.DOWN: Sign(word="Down", icon=":material/cancel:", color="red"),
    Health.UNKNOWN: Sign(word="Unknown", icon=":material/help:", color="gray"),
    Health.PAUSED: Sign(word="Paused", icon=":material/pause_circle:", color="violet"),
}
RUNG_SIGNS = {
    RungOutcome.PASSED: Sign(word="passed", icon=":material/check:", color="green"),
    RungOutcome.FAILED: Sign(word="failed", icon=":material/close:", color="red"),
    RungOutcome.UNPROVEN: Sign(word="unproven", icon=":material/question_mark:", color="orange"),
    RungOutcome.NOT_STARTED: Sign(word="not started", icon=":material/more_horiz:", color="gray"),
    RungOutcome.SKIPPED: Sign(word="skipped", icon=":material/skip_next:", color="gray"),
}
TRACE_SIGNS = {
    TraceOutcome.CHOSEN: Sign(word="chosen", icon=":material/check_circle:", color="green"),
    TraceOutcome.REJECTED: Sign(word="rejected", icon=":material/block:", color="red"),
    TraceOutcome.SKIPPED: Sign(word="skipped", icon=":material/skip_next:", color="gray"),
}
LISTING_SIGNS = {
    ListingOutcome.OK: Sign(word="answered", icon=":material/check_circle:", color="green"),
    ListingOutcome.PARTIAL: Sign(word="partly", icon=":material/warning:", color="orange"),
    ListingOutcome.FAILED: Sign(word="failed", icon=":material/cancel:", color="red"),
    ListingOutcome.UNAVAILABLE: Sign(word="not available", icon=":material/help:", color="gray"),
}
DIFF_SIGNS = {
    DiffOp.ADD: Sign(word="ADD", icon=":material/add:", color="green"),
    DiffOp.CHANGE: Sign(word="CHANGE", icon=":material/sync_alt:", color="orange"),
    DiffOp.DELETE: Sign(word="DELETE", icon=":material/remove:", color="red"),
}
SEVERITY_SIGNS = {
    Severity.ERROR: Sign(word="Error", icon=":material/error:", color="red"),
    Severity.WARNING: Sign(word="Warning", icon=":material/warning:", color="orange"),
    Severity.INFO: Sign(word="Note", icon=":material/info:", color="blue"),
}
STATE_SIGNS = {
    ChangeState.APPLYING: Sign(word="Applying", icon=":material/progress_activity:", color="blue"),
    ChangeState.APPLIED: Sign(word="Applied", icon=":material/check_circle:", color="green"),
    ChangeState.NO_OP: Sign(word="Nothing to change", icon=":material/equal:", color="gray"),
    ChangeState.BLOCKED: Sign(word="Blocked", icon=":material/block:", color="red"),
    ChangeState.CONFLICT: Sign(word="Conflict", icon=":material/call_split:", color="orange"),
    ChangeState.CANCELLED: Sign(word="Cancelled", icon=":material/close:", color="gray"),
    ChangeState.ROLLED_BACK: Sign(word="Rolled back", icon=":material/undo:", color="orange"),
    ChangeState.ROLLBACK_FAILED: Sign(word="Rollback failed", icon=":material/cancel:", color="red"),
    ChangeState.NEEDS_PERSON: Sign(word="Needs a person", icon=":material/person_alert:", color="red"),
}
SOURCE_WORDS = {
    GatewaySource.EXPLICIT: "set by DATABRICKS_GATEWAY_HOST",
    GatewaySource.DISABLED: "switched off by an empty DATABRICKS_GATEWAY_HOST",
    GatewaySource.DISCOVERED: "discovered",
    GatewaySource.DERIVED: "derived from the workspace",
    GatewaySource.NONE: "no gateway found",
}
GENERATION_WORDS = {
    Generation.WORKSPACE: "workspace gateway",
    Generation.DEDICATED: "dedicated gateway",
    Generation.SERVING_ENDPOINTS: "serving endpoints",
}


def segment(text: str) -> str:
    """Return the label of one of several buttons in a row; `text` is Markdown already.

    Streamlit writes the chosen one in the primary colour, which no single value makes readable both there, on the dark
    background, and below the white text of a primary button (axe-core: 3.5 : 1). The theme's grey is readable in each.
    """
    return f":gray[{text}]"


def cost_text(cost: Cost) -> str:
    """Return what a probe takes at most, as one line."""
    tokens = (
        f"at most {cost.output_tokens:,} output tokens"
        if cost.output_tokens is not None
        else "output tokens without a limit"
    )
    minutes = math.ceil(cost.seconds / 60)
    time = f"{cost.seconds:.0f} s" if cost.seconds < 60 else f"{minutes} min"
    return f"{plural(cost.requests, 'request')} · {tokens} · at most {time}"


def ms_text(latency_ms: float | None) -> str:
    """Return a latency as people read it, in ms below a second."""
    if latency_ms is None:
        return NOTHING
    return f"{latency_ms:.0f} ms" if latency_ms < 1000 else f"{latency_ms / 1000:.1f} s"


def span_text(seconds: float) -> str:
    """Return a length of time in its largest fitting unit; below a minute in tens, so that it does not tick."""
    if seconds < 60:
        return f"{max(10, int(seconds // 10) * 10)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def every_text(seconds: float) -> str:
    """Return a pace as it was set: in seconds unless it is whole minutes."""
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:g} s"


def percent(share: float | None) -> float | None:
    """Return a share in percent, rounded, but what is not all or nothing never reads as that."""
    if share is None:
        return None
    if share in (0.0, 1.0):
        return share * 100
    return min(99.99, max(0.01, round(share * 100, 2)))


def share_text(share: float | None) -> str:
    """Return a share in percent as people read it."""
    value = percent(share)
    return "no data" if value is None else f"{value:g} %"


def age_text(then: datetime | None, now: datetime) -> str:
    """Return how long ago something was."""
    if then is None:
        return "never"
    seconds = (now - then).total_seconds()
    return "just now" if seconds < 10 else f"{span_text(seconds)} ago"


def usage_text(usage: Usage | None, prices: Mapping[str, Price]) -> str:
    """Return what the day's probing took, to put behind another text; money only where every price is known."""
    if usage is None or not usage.requests:
        return ""
    cost = usage.cost(prices) if prices else None
    money = f", {cost:.4f} by the price table" if cost is not None else ""
    return f" · today {plural(usage.requests, 'request')}, {usage.total_tokens:,} tokens{money}"


def until_text(then: datetime | None, now: datetime) -> str:
    """Return how long it is until something is due."""
    if then is None:
        return NOTHING
    seconds = (then - now).total_seconds()
    return "now" if seconds < 10 else f"in {span_text(seconds)}"


def clock_text(moment: datetime | None) -> str:
    """Return a moment in UTC, to the second."""
    return NOTHING if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def escape(text: str) -> str:
    """Return text that reads the same in Streamlit's Markdown, whoever wrote it: no markup, links, colours or icons."""
    plain = visible(" ".join(masked(text).split()))
    return _MARKDOWN.sub(r"\\\1", _ADDRESS.sub("\\1\u2060", plain))


def code(text: str) -> str:
    """Return text as inline code; nothing inside is interpreted."""
    plain = visible(" ".join(masked(text).replace("`", "'").split()))
    return f"`{plain}`" if plain not in ("", NOTHING) else NOTHING


def badge(sign: Sign, label: str | None = None) -> str:
    """Return the Markdown of a badge for places that take text only; `label` must already be escaped."""
    return f":{sign.color}-badge[{sign.icon} {label or sign.word}]"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as a Markdown table; cells are Markdown already.

    A table widget would be converted to Arrow each time: 2 ms, too much for what refreshes every second.
    """
    if not rows:
        return ""
    head = list(rows[0])
    rules = ("---:" if _are_figures([row[name] for row in rows]) else "---" for name in head)
    lines = ["| " + " | ".join(name or "&nbsp;" for name in head) + " |", "| " + " | ".join(rules) + " |"]
    # Pipes end a cell even within inline code, unless escaped; escape() has done so for the others.
    return "\n".join(lines + ["| " + " | ".join(_cell(row[name]) for name in head) + " |" for row in rows])


def _are_figures(cells: Sequence[str]) -> bool:
    """Say whether a column is of figures, which stand at the right so that their digits are below each other."""
    return all(_FIGURE.fullmatch(cell) for cell in cells) and any(cell != NOTHING for cell in cells)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)
