"""How often things are really looked at, and what comes next, in words; pure."""

from __future__ import annotations

from datetime import UTC, datetime

from core.model.history import Cadence
from pages.ui.formats import NOTHING, every_text, until_text


def next_text(cadence: Cadence, sweep_at: datetime | None, now: datetime) -> str:
    """Return when models are asked next, with the clock where it is further away than people count."""
    due = min(filter(None, (cadence.next_settling_at, cadence.next_reach_at or sweep_at)), default=None)
    if due is None:
        return NOTHING
    clock = f" ({due.astimezone(UTC):%H:%M:%S} UTC)" if (due - now).total_seconds() >= 10 else ""
    return until_text(due, now) + clock


def cadence_text(cadence: Cadence, now: datetime) -> str:
    """Return the pace of every kind of check, each with its own next time."""
    faithful = f"every {every_text(cadence.faithful_s)}" if cadence.faithful_s else "only when somebody asks"
    parts = [
        f"Hosts every {every_text(cadence.hosts_s)}",
        f"models every {every_text(cadence.reach_s)}",
        f"what each agent really sends {faithful}"
        + (f" (next {until_text(cadence.next_faithful_at, now)})" if cadence.next_faithful_at else ""),
    ]
    if cadence.next_settling_at is not None:
        parts.append("after a change again within 5 s, until it is settled")
    return " · ".join(parts)
