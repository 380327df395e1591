"""How a route stands: the state that results are folded into, and the transitions between its healths."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.model.check import Check
from core.model.probe import Depth, Diagnosis, Health, Rung
from core.model.route import Route

KEPT_BEATS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """The numbers of rules R2 to R6; intervals are the real ones, in seconds."""

    down_after: int = 3
    recover_after: int = 2
    latency_limit_ms: float = 6000.0
    ttft_limit_ms: float = 4000.0
    latency_samples: int = 20
    latency_least: int = 5
    stale_intervals: float = 2.0
    unknown_intervals: float = 10.0
    reach_interval_s: float = 300.0
    faithful_interval_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """What the checks of one depth amount to so far; `failures` and `passes` are consecutive."""

    health: Health = Health.UNKNOWN
    failures: int = 0
    passes: int = 0
    last: Check | None = None
    last_success_at: datetime | None = None
    first_failure_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one route stands after its checks so far.

    `health` is the word that is shown, `since` when it became that word. The two depths are counted apart: a route
    whose model answers but which fails its agent's own request is Down, whatever the short question says in between.
    `beats` are the newest checks, oldest first, at most KEPT_BEATS.
    """

    route_id: str
    route: Route
    health: Health = Health.UNKNOWN
    since: datetime | None = None
    reach: Streak = Streak()
    faithful: Streak = Streak()
    beats: tuple[Check, ...] = ()
    simulated: bool = False

    @property
    def decisive(self) -> Depth:
        """Return the depth that the shown health comes from; when both or neither say it, the one checked last."""
        depths = ((Depth.REACH, self.reach), (Depth.FAITHFUL, self.faithful))
        agreeing = [
            (streak.last.checked_at, depth) for depth, streak in depths if streak.last and streak.health is self.health
        ]
        if agreeing:
            return max(agreeing)[1]
        return self.beats[-1].depth if self.beats else Depth.REACH

    @property
    def decisive_streak(self) -> Streak:
        """Return the streak of that depth."""
        return self.faithful if self.decisive is Depth.FAITHFUL else self.reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of a route's health, with the check that brought it; `id` is unique and grows with time."""

    id: str
    at: datetime
    route_id: str
    route: Route
    before: Health
    after: Health
    rung: Rung
    diagnosis: Diagnosis
    http_status: int | None
    message: str
    remedy: str
    incident_id: str | None = None
    simulated: bool = False
