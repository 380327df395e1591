"""Remember verdicts: fold each as it lands, hand on what a round leaves behind, and recall what others have kept.

Where things are kept, who is told and who may probe is decided by whoever made the memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import StoreError
from core.health.standing import is_recorded, rules_of, unsettled_depths
from core.history.journal import Journal, Round
from core.history.totals import Totals
from core.model.alert import NoticeKind
from core.model.check import Check
from core.model.history import Batch, HistoryQuery, Keeping, KeptRoute
from core.model.incident import Incident
from core.model.probe import Depth, ProbeResult
from core.model.snapshot import Snapshot
from core.model.standing import KEPT_BEATS, Standing, Transition
from core.ports import Clock
from core.ports.store import HistoryStore
from core.probe.cadence import Unsettled
from core.settings import Settings

log = logging.getLogger(__name__)

Changed = Sequence[tuple[NoticeKind, Incident]]

# A start does not wait longer than this for a database; live results come first.
_PATIENCE_S = 2.0
_SHOWN_TRANSITIONS = 50
_TRANSITIONS_OF = timedelta(days=7)
# Clocks of two machines differ; what was kept just before the last look is read once more.
_OVERLAP = timedelta(seconds=30)


def _always() -> bool:
    return True


async def _never() -> None:
    await asyncio.Event().wait()


def _forget_batch(_: Batch) -> None:
    """Keep nothing."""


def _tell_nobody(_: Changed) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where a memory hands things on to, and who decides whether it may."""

    keep: Callable[[Batch], None] = _forget_batch
    tell: Callable[[Changed], None] = _tell_nobody
    keeping: Callable[[], Keeping] = Keeping
    leads: Callable[[], bool] = _always
    until_lost: Callable[[], Awaitable[None]] = _never


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a store knows at one moment."""

    routes: Sequence[KeptRoute]
    beats: Mapping[str, tuple[Check, ...]]
    incidents: Sequence[Incident]
    transitions: tuple[Transition, ...]


class Memory:
    """What is known of every route from its verdicts so far; belongs to one event loop."""

    def __init__(
        self, settings: Settings, clock: Clock, *, history: HistoryStore | None = None, outlets: Outlets | None = None
    ) -> None:
        self.totals = Totals()
        self._rules = rules_of(settings)
        self._clock = clock
        self._history = history
        self._outlets = outlets or Outlets()
        self._simulated = settings.simulated
        self._journal = Journal(self._rules, settings.simulated, clock)
        self._standings: Mapping[str, Standing] = {}
        self._is_current = True
        self._recalled: tuple[Transition, ...] = ()
        self.has_recalled = history is None
        self._read_at: datetime | None = None
        self._handed_on = ""

    @property
    def leads(self) -> bool:
        """Say whether this process is the one that probes."""
        return self._outlets.leads()

    async def until_lost(self) -> None:
        """Return when this process may no longer probe."""
        await self._outlets.until_lost()

    @property
    def incidents(self) -> Sequence[Incident]:
        """Return the incidents that last."""
        return self._journal.incidents

    def take(self, result: ProbeResult, *, proved: bool = False) -> ProbeResult:
        """Fold one result into its route's standing; return what is shown for the route now."""
        if is_recorded(result):
            self.totals.take(result)
        shown = self._journal.take(result, proved=proved)
        self._is_current = False
        return shown

    @property
    def has_news(self) -> bool:
        """Say whether the word of a route has changed since things were handed on last."""
        return self._newest_transition() != self._handed_on

    def _newest_transition(self) -> str:
        return next((transition.id for transition in self._journal.transitions), "")

    def hand_on(self) -> None:
        """Fold what has landed so far into incidents, and tell who wants to know."""
        self.end_round(None)

    def end_round(self, present: frozenset[str] | None) -> Round:
        """Fold what a round brought into incidents, have it kept and tell who wants to know.

        `present` are the ids of all routes that there are, None when only some of them were looked at.
        """
        self._handed_on = self._newest_transition()
        ended = self._journal.end_round(present)
        self._is_current = False
        if self.leads and not ended.is_empty:
            self._outlets.keep(ended.batch)
        if self.leads and ended.changed:
            self._outlets.tell(ended.changed)
        return ended

    def picture(self, seen: Snapshot) -> Snapshot:
        """Return the picture with how routes stand now; the same one when nothing is new."""
        if not self._is_current:
            self._standings, self._is_current = self._journal.standings, True
        keeping = self._outlets.keeping()
        transitions = self._transitions()
        incidents = self._journal.incidents
        if (
            seen.standings is self._standings
            and (seen.incidents, seen.keeping) == (incidents, keeping)
            and seen.transitions == transitions
        ):
            return seen
        return replace(seen, standings=self._standings, incidents=incidents, transitions=transitions, keeping=keeping)

    def _transitions(self) -> tuple[Transition, ...]:
        own = self._journal.transitions
        known = {transition.id for transition in own}
        older = tuple(transition for transition in self._recalled if transition.id not in known)
        return (*own, *older)[:_SHOWN_TRANSITIONS]

    def unsettled(self, route_ids: Iterable[str]) -> Unsettled:
        """Return which of these routes are still being confirmed, by depth."""
        found: dict[Depth, set[str]] = {}
        standings = self._journal.standings
        for route_id in route_ids:
            standing = standings.get(route_id)
            for depth in unsettled_depths(standing, self._rules) if standing else ():
                found.setdefault(depth, set()).add(route_id)
        return {depth: frozenset(ids) for depth, ids in found.items()}

    def results(self, route_ids: Sequence[str]) -> tuple[ProbeResult, ...]:
        """Return the newest result of each of these routes, as old as it is now."""
        return self._journal.results(route_ids)

    async def recall(self) -> tuple[ProbeResult, ...]:
        """Take up everything that is kept, and return the newest result of every route; a store may be down."""
        kept = await self._read(None)
        if kept is None:
            return ()
        self.has_recalled = True
        self._journal.load(kept.routes, kept.beats, kept.incidents)
        self._recalled, self._is_current = kept.transitions, False
        return self.results([route.standing.route_id for route in kept.routes])

    async def follow(self) -> None:
        """Take up what the process that probes has kept since the last time."""
        since = self._read_at - _OVERLAP if self._read_at else None
        kept = await self._read(since)
        if kept is not None:
            self._journal.adopt(kept.routes, kept.beats, kept.incidents)
            self._recalled, self._is_current = kept.transitions, False

    async def _read(self, since: datetime | None) -> _Kept | None:
        history, now = self._history, self._clock.now()
        if history is None:
            return None
        try:
            kept = await asyncio.wait_for(asyncio.to_thread(self._kept, history, since, now), _PATIENCE_S)
        except (StoreError, TimeoutError) as exc:
            log.warning("nothing recalled from history: %s", exc)
            return None
        self._read_at = now
        return kept

    def _kept(self, history: HistoryStore, since: datetime | None, now: datetime) -> _Kept:
        """Read what a store knows; what was simulated never mixes with what is real."""
        routes = [kept for kept in history.routes(since) if kept.standing.simulated is self._simulated]
        window = HistoryQuery(since=now - _TRANSITIONS_OF, until=now + _OVERLAP, limit=_SHOWN_TRANSITIONS)
        return _Kept(
            routes=routes,
            beats=history.beats([kept.standing.route_id for kept in routes], KEPT_BEATS),
            incidents=[item for item in history.open_incidents() if item.simulated is self._simulated],
            transitions=tuple(item for item in history.transitions(window) if item.simulated is self._simulated),
        )


def forgetful(settings: Settings, clock: Clock) -> Memory:
    """Return a memory that lasts as long as the process and keeps nothing."""
    return Memory(settings, clock)
