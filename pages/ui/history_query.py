"""What the address of the History page says: time range, filters, section and the open incident; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.model.agent import AgentId
from core.model.history import HistoryQuery
from core.model.probe import Health
from pages.ui.route_query import last_of, members_of

LIMIT = 200
_LONGEST = 200


class Span(StrEnum):
    """How far back is looked."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def label(self) -> str:
        """Return the range as people read it."""
        return f"{self.value[:-1]} {self.value[-1]}"

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        count = int(self.value[:-1])
        return timedelta(hours=count) if self.value.endswith("h") else timedelta(days=count)


class Section(StrEnum):
    """What of history is shown."""

    INCIDENTS = "incidents"
    ROUTES = "routes"
    CHANGES = "changes"
    AUDIT = "audit"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAsk:
    """Everything the address says; empty filters mean everything, `route` is the one whose latency is drawn."""

    span: Span = Span.DAY
    section: Section = Section.INCIDENTS
    agents: tuple[AgentId, ...] = ()
    healths: tuple[Health, ...] = ()
    models: tuple[str, ...] = ()
    text: str = ""
    route: str | None = None
    incident: str | None = None

    @property
    def filtered(self) -> bool:
        """Say whether anything is left out besides what is too long ago."""
        return bool(self.agents or self.healths or self.models or self.text)


def parse_history(query: Mapping[str, Sequence[str]]) -> HistoryAsk:
    """Return what an address means; whatever cannot be meant is ignored."""
    spans = members_of(Span, query.get("range", ())[-1:])
    sections = members_of(Section, query.get("show", ())[-1:])
    return HistoryAsk(
        span=next(iter(spans), Span.DAY),
        section=next(iter(sections), Section.INCIDENTS),
        agents=members_of(AgentId, query.get("agents", ())),
        healths=members_of(Health, query.get("health", ())),
        models=tuple(dict.fromkeys(name[:_LONGEST] for name in query.get("models", ()) if name)),
        text=last_of(query, "q") or "",
        route=last_of(query, "route"),
        incident=last_of(query, "incident"),
    )


def history_address(asked: HistoryAsk) -> dict[str, list[str]]:
    """Return the shortest address that means this; what is as usual is not in it."""
    values: dict[str, Iterable[str | None]] = {
        "range": [asked.span] if asked.span is not Span.DAY else [],
        "show": [asked.section] if asked.section is not Section.INCIDENTS else [],
        "agents": asked.agents,
        "health": asked.healths,
        "models": asked.models,
        "q": [asked.text],
        "route": [asked.route],
        "incident": [asked.incident],
    }
    said = {name: [str(value) for value in found if value] for name, found in values.items()}
    return {name: found for name, found in said.items() if found}


def asked_of_store(asked: HistoryAsk, now: datetime) -> HistoryQuery:
    """Return the question to the store, as of now."""
    return HistoryQuery(
        since=now - asked.span.length,
        until=now,
        agents=asked.agents,
        healths=asked.healths,
        models=asked.models,
        text=asked.text,
        limit=LIMIT,
    )
