"""What is asked of history and what it answers: buckets, uptime, filters, and how well history is being kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.model.agent import AgentId
from core.model.audit import AuditEvent
from core.model.check import Check
from core.model.incident import Incident
from core.model.probe import Health, ProbeResult
from core.model.route import Route
from core.model.standing import Standing, Transition

# Upper bounds in ms of the latency histogram; the last class is open. A factor of about 1.26 keeps a quantile that is
# read from merged hours within 13 % of the true one.
LATENCY_BOUNDS_MS: tuple[float, ...] = tuple(round(10 * 10 ** (step / 10), 1) for step in range(39))


class Resolution(StrEnum):
    RAW = "raw"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One route's hour or day: seconds spent in each health, seconds with no data are the rest.

    `latency` and `ttft` count passed checks per class of LATENCY_BOUNDS_MS, so that buckets can be added up.
    """

    route_id: str
    start: datetime
    resolution: Resolution
    checks: int = 0
    failures: int = 0
    healthy_s: float = 0.0
    degraded_s: float = 0.0
    down_s: float = 0.0
    unknown_s: float = 0.0
    paused_s: float = 0.0
    latency: tuple[int, ...] = ()
    ttft: tuple[int, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """Shares of a window, each 0 to 1 (rule R12): `up` counts Degraded as up and leaves Paused and no data out.

    `up` is None when nothing is known of the window at all.
    """

    up: float | None
    degraded: float
    down: float
    no_data: float
    paused: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Latency and time to first token over some checks, in ms; None where nothing was measured."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    samples: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRoute:
    """The newest that a store knows of a route: how it stands (without beats), and the result shown for it."""

    standing: Standing
    result: ProbeResult

    @property
    def checked_at(self) -> datetime:
        """Return when the route was last checked; the result shown for it may be of the other depth, and older."""
        streaks = (self.standing.reach, self.standing.faithful)
        return max([self.result.checked_at, *(streak.last.checked_at for streak in streaks if streak.last)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one round of checks leaves to be kept, all of it or nothing.

    `events` are audit events that could not be kept when they came. Everything in it has an id of its own, so that
    keeping the same batch twice keeps it once.
    """

    id: str
    checks: tuple[Check, ...] = ()
    routes: tuple[KeptRoute, ...] = ()
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    events: tuple[AuditEvent, ...] = ()

    @property
    def has_happened(self) -> bool:
        """Say whether something is in it that is nowhere else and must not be lost."""
        return bool(self.transitions or self.incidents or self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """What somebody wants to see of history; empty filters mean everything."""

    since: datetime
    until: datetime
    agents: tuple[AgentId, ...] = ()
    healths: tuple[Health, ...] = ()
    models: tuple[str, ...] = ()
    text: str = ""
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteHistory:
    """One route over the asked time."""

    route: Route
    route_id: str
    uptime: Uptime
    quantiles: Quantiles
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """The answer to one HistoryQuery; newest first, `cut` says that there was more than its limit.

    `left_out` is how many routes match and are not among `routes`: so long a time of all cannot be read at once.
    """

    query: HistoryQuery
    incidents: tuple[Incident, ...] = ()
    transitions: tuple[Transition, ...] = ()
    routes: tuple[RouteHistory, ...] = ()
    cut: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How history is being kept at this moment, for people.

    `place` names where ("SQLite on this machine", "PostgreSQL at db.example.com"); `durable` False means that it ends
    with the container. `problem` is one sentence while it cannot be kept, and `waiting` how many batches will be caught
    up. `probing` says whether this process asks the models itself; `prober` who does. `size_bytes` is how large the
    database was when that was last measured, None before.
    """

    place: str = ""
    durable: bool = True
    problem: str | None = None
    remedy: str = ""
    waiting: int = 0
    dropped: int = 0
    probing: bool = True
    prober: str = ""
    size_bytes: int | None = None
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often things are really looked at, in seconds, and when the next time is."""

    hosts_s: float = 60.0
    reach_s: float = 300.0
    faithful_s: float = 1800.0
    next_hosts_at: datetime | None = None
    next_reach_at: datetime | None = None
    next_faithful_at: datetime | None = None
    next_settling_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSize:
    """How much a store holds; `limit_bytes` is never exceeded."""

    bytes: int
    limit_bytes: int
    rows: Mapping[str, int] = field(default_factory=dict)
