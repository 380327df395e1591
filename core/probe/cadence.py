"""Decide what is due next: hosts, a sweep, what agents really send, or routes that are not settled yet; pure.

Who looks, and how, is left to the monitor and its observer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.model.history import Cadence
from core.model.probe import Depth

JITTER = 0.2
SETTLE_S = 5.0
# What flaps for ever must not be asked twelve times a minute for ever; after this it waits for the next sweep.
MOST_TRIES = 20
# A paused agent is nobody's emergency: its routes are asked with every sixth sweep.
PAUSED_EVERY = 6

Unsettled = Mapping[Depth, frozenset[str]]
# A factor around 1, drawn anew for each interval, so that instances and agents do not ask in step.
Jitter = Callable[[], float]


class Kind(StrEnum):
    """What one look is for; in the order in which they come when several are due."""

    REACH = "reach"
    SETTLING = "settling"
    FAITHFUL = "faithful"
    HOSTS = "hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Seconds between looks; `faithful_s` 0 means only when somebody asks."""

    hosts_s: float = 60.0
    reach_s: float = 300.0
    faithful_s: float = 1800.0

    @property
    def settle_s(self) -> float:
        """Return how soon an unsettled route is asked again."""
        return min(SETTLE_S, self.reach_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: at which depth, and at which routes by id (None: at all of them, after detecting anew)."""

    kind: Kind
    depth: Depth = Depth.REACH
    only: frozenset[str] | None = None
    with_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """When each kind is due; `faithful_at` and `settling_at` None means never and nothing to settle."""

    reach_at: datetime
    hosts_at: datetime
    faithful_at: datetime | None
    settling_at: datetime | None = None
    unsettled: Unsettled = field(default_factory=dict)
    tries: Mapping[tuple[Depth, str], int] = field(default_factory=dict)
    sweeps: int = 0


def first_agenda(intervals: Intervals, now: datetime) -> Agenda:
    """Return the agenda of a start: sweep at once, and send what agents really send when half its interval is over."""
    return Agenda(
        reach_at=now,
        hosts_at=_in(now, intervals.hosts_s),
        faithful_at=_in(now, intervals.faithful_s / 2) if intervals.faithful_s else None,
    )


def at_once(agenda: Agenda, now: datetime) -> Agenda:
    """Return the agenda after somebody asked for a sweep."""
    return replace(agenda, reach_at=min(agenda.reach_at, now))


def urgent(agenda: Agenda, now: datetime, routes: frozenset[str]) -> Agenda:
    """Return the agenda after these routes' host stopped answering, or answers again: they are asked at once."""
    if not routes:
        return agenda
    reach = agenda.unsettled.get(Depth.REACH, frozenset()) | routes
    return replace(agenda, settling_at=now, unsettled={**agenda.unsettled, Depth.REACH: reach})


def next_at(agenda: Agenda) -> datetime:
    """Return when the next thing is due."""
    return min(at for at in _times(agenda).values() if at is not None)


def due(agenda: Agenda, now: datetime) -> tuple[Look, ...]:
    """Return the looks of the one kind that comes next, none while nothing is due."""
    kind = next((kind for kind, at in _times(agenda).items() if at is not None and at <= now), None)
    match kind:
        case None:
            return ()
        case Kind.REACH:
            return (Look(kind=kind, with_paused=agenda.sweeps % PAUSED_EVERY == 0),)
        case Kind.FAITHFUL:
            return (Look(kind=kind, depth=Depth.FAITHFUL),)
        case Kind.SETTLING:
            return tuple(Look(kind=kind, depth=depth, only=ids) for depth, ids in agenda.unsettled.items() if ids)
        case Kind.HOSTS:
            return (Look(kind=kind),)


def after(
    agenda: Agenda,
    kind: Kind,
    *,
    now: datetime,
    intervals: Intervals,
    unsettled: Unsettled,
    offline: bool,
    jitter: Jitter,
) -> Agenda:
    """Return the agenda after a look of this kind has ended at `now`."""
    agenda = _settling(agenda, kind, now, intervals, {} if offline else unsettled)
    if offline:
        # The way there may be back any moment, and asking costs nothing while it is not.
        soon = _in(now, intervals.settle_s)
        later = max(agenda.faithful_at, soon) if agenda.faithful_at else None
        again = soon if kind is Kind.REACH else min(agenda.reach_at, soon)
        return replace(agenda, reach_at=again, hosts_at=_in(now, intervals.hosts_s), faithful_at=later)
    match kind:
        case Kind.REACH:
            return replace(
                agenda,
                reach_at=_in(now, intervals.reach_s * jitter()),
                hosts_at=_in(now, intervals.hosts_s),
                sweeps=agenda.sweeps + 1,
            )
        case Kind.FAITHFUL:
            again_at = _in(now, intervals.faithful_s * jitter()) if intervals.faithful_s else None
            return replace(agenda, faithful_at=again_at)
        case Kind.HOSTS:
            return replace(agenda, hosts_at=_in(now, intervals.hosts_s))
        case Kind.SETTLING:
            return agenda


def cadence_of(agenda: Agenda, intervals: Intervals) -> Cadence:
    """Return the real cadence and the next times, as pages show them."""
    return Cadence(
        hosts_s=intervals.hosts_s,
        reach_s=intervals.reach_s,
        faithful_s=intervals.faithful_s,
        next_hosts_at=agenda.hosts_at,
        next_reach_at=agenda.reach_at,
        next_faithful_at=agenda.faithful_at,
        next_settling_at=agenda.settling_at,
    )


def _times(agenda: Agenda) -> dict[Kind, datetime | None]:
    return {
        Kind.REACH: agenda.reach_at,
        Kind.SETTLING: agenda.settling_at,
        Kind.FAITHFUL: agenda.faithful_at,
        Kind.HOSTS: agenda.hosts_at,
    }


def _settling(agenda: Agenda, kind: Kind, now: datetime, intervals: Intervals, unsettled: Unsettled) -> Agenda:
    """Take up what is unsettled now; a try counts for each route that was asked for this and is still not settled."""
    asked = agenda.unsettled if kind is Kind.SETTLING else {}
    tries = {
        (depth, route_id): agenda.tries.get((depth, route_id), 0) + (route_id in asked.get(depth, ()))
        for depth, ids in unsettled.items()
        for route_id in ids
    }
    wanted = {
        depth: frozenset(route_id for route_id in ids if tries[depth, route_id] < MOST_TRIES)
        for depth, ids in unsettled.items()
    }
    wanted = {depth: ids for depth, ids in wanted.items() if ids}
    due_at = _in(now, intervals.settle_s) if wanted else None
    if wanted and kind is not Kind.SETTLING and agenda.settling_at is not None:
        # Another look in between does not put off what is waiting already.
        due_at = min(agenda.settling_at, _in(now, intervals.settle_s))
    return replace(agenda, settling_at=due_at, unsettled=wanted, tries=tries)


def _in(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
