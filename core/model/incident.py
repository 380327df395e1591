"""An incident: one cause and every route it hits, from its first failed check to the last recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.model.agent import AgentId
from core.model.probe import Diagnosis, Health, Rung
from core.model.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What routes must share to be one incident (rule R9): the rung, the host and the diagnosis."""

    rung: Rung
    host: str
    diagnosis: Diagnosis


class StepKind(StrEnum):
    OPENED = "opened"
    JOINED = "joined"
    WORSENED = "worsened"
    CHANGED = "changed"
    LEFT = "left"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStep:
    """One line of an incident's timeline."""

    at: datetime
    kind: StepKind
    route: Route | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident; `ended_at` None while it lasts.

    `started_at` is the first failing check of its first route, not the moment it was confirmed. `health` is the worst
    that any of its routes reached: Down, or Degraded for a failure that lasts but may not count as Down. `routes` are
    all that it ever hit, `open_routes` the ids of those it still hits.
    """

    id: str
    cause: Cause
    health: Health
    started_at: datetime
    confirmed_at: datetime
    ended_at: datetime | None = None
    message: str = ""
    remedy: str = ""
    routes: tuple[Route, ...] = ()
    open_routes: tuple[str, ...] = ()
    timeline: tuple[IncidentStep, ...] = ()
    simulated: bool = False

    @property
    def agents(self) -> tuple[AgentId, ...]:
        """Return the agents it hit, each once, in the order it hit them."""
        return tuple(dict.fromkeys(route.agent for route in self.routes))
