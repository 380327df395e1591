"""Fold results into how routes stand as they land, and say at the end of a round what of it is to be kept.

What a result means is decided in `core.health`, keeping in `recorder`. A journal belongs to one event loop.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.health.incidents import fold_incidents
from core.health.standing import Folded, as_shown, fold, is_recorded, new_standing
from core.history.recalled import result_of
from core.model.alert import NoticeKind
from core.model.check import Check, route_id, without_token
from core.model.history import Batch, KeptRoute
from core.model.incident import Incident, IncidentStep, StepKind
from core.model.probe import Depth, ProbeResult
from core.model.standing import KEPT_BEATS, HealthRules, Standing, Transition
from core.ports import Clock

_NEWEST_TRANSITIONS = 50
# Routes that are no longer configured, kept in case they come back: after a switch and its rollback, say.
_PAST_ROUTES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round leaves: the batch to be kept, and the incidents that somebody may want to hear of."""

    batch: Batch
    changed: tuple[tuple[NoticeKind, Incident], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing happened that is worth keeping."""
        batch = self.batch
        return not (batch.checks or batch.routes or batch.transitions or batch.incidents)


class Journal:
    """How every route stands, from what was kept before and what has landed since."""

    def __init__(self, rules: HealthRules, simulated: bool, clock: Clock) -> None:
        self._rules = rules
        self._simulated = simulated
        self._clock = clock
        self._standings: dict[str, Standing] = {}
        self._picture: Mapping[str, Standing] | None = None
        self._past: dict[str, Standing] = {}
        self._results: dict[str, dict[Depth, ProbeResult]] = {}
        self._incidents: dict[str, Incident] = {}
        self._transitions: deque[Transition] = deque(maxlen=_NEWEST_TRANSITIONS)
        self._folded: list[Folded] = []
        # Incidents that ended outside of a round, and how open ones looked when they were last handed on.
        self._ended: list[Incident] = []
        self._handed_on: dict[str, Incident] = {}

    @property
    def standings(self) -> Mapping[str, Standing]:
        """Return how every configured route stands, by route id; a picture that does not change any more."""
        if self._picture is None:
            self._picture = dict(self._standings)
        return self._picture

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Return the incidents that last, as of the end of the last round."""
        return tuple(self._incidents.values())

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Return the newest transitions, newest first."""
        return tuple(self._transitions)

    def result(self, route_id: str) -> ProbeResult | None:
        """Return the result that says why the route stands as it does; its health is of its time.

        It is of the depth that decides. Where no depth does, as on a paused route, it is the newest.
        """
        standing, results = self._standings.get(route_id), self._results.get(route_id)
        if standing is None or not results:
            return None
        deciding = standing.decisive_streak
        if deciding.last is None or deciding.health is not standing.health:
            return max(results.values(), key=lambda result: result.checked_at)
        return results.get(standing.decisive) or result_of(deciding.last, standing.route)

    def results(self, route_ids: Sequence[str]) -> tuple[ProbeResult, ...]:
        """Return what is shown for these routes now; those that were never checked are left out."""
        now = self._clock.now()
        found = ((self._standings.get(key), self.result(key)) for key in route_ids)
        return tuple(as_shown(result, standing, now, self._rules) for standing, result in found if standing and result)

    def take(self, result: ProbeResult, *, proved: bool = False) -> ProbeResult:
        """Fold one result; return what is shown for its route now.

        What says nothing of its route (rule R8) is shown as it is and leaves no trace.
        """
        if not is_recorded(result):
            return result
        key = route_id(result.route)
        before = self._standings.get(key) or self._past.pop(key, None)
        if before is None:
            before = new_standing(result.route, simulated=self._simulated)
        folded = fold(before, result, self._rules, proved=proved)
        self._folded.append(folded)
        self._standings[key], self._picture = folded.standing, None
        if result.route.token is not None:
            result = replace(result, route=without_token(result.route))
        self._results.setdefault(key, {})[result.depth] = result
        if folded.transition is not None:
            self._transitions.appendleft(folded.transition)
        return as_shown(self.result(key) or result, folded.standing, result.checked_at, self._rules)

    def end_round(self, present: frozenset[str] | None) -> Round:
        """Fold what has landed since the last time into incidents, and return what is to be kept of it.

        `present` are the ids of all configured routes after a round that saw them all, None otherwise.
        """
        now, folded = self._clock.now(), tuple(self._folded)
        self._folded.clear()
        ended = fold_incidents(self.incidents, folded, self._rules, now, present=present)
        self._incidents = {incident.id: incident for incident in ended.incidents}
        self._name_incidents(ended.transitions)
        batch = Batch(
            id=uuid.uuid4().hex,
            checks=tuple(one.check for one in folded),
            routes=tuple(self._kept(key) for key in dict.fromkeys(one.standing.route_id for one in folded)),
            transitions=ended.transitions,
            incidents=self._moved_incidents(ended.changed),
        )
        if present is not None:
            self._forget_absent(present)
        return Round(batch=batch, changed=ended.changed)

    def load(
        self, kept: Sequence[KeptRoute], beats: Mapping[str, tuple[Check, ...]], incidents: Sequence[Incident]
    ) -> None:
        """Take up what is kept, where it is newer than what has landed here; our own incidents go on.

        An incident that was kept open loses the routes that are in one of ours, and ends when none is left.
        """
        self._take_up(kept, beats)
        ours = {key: incident.id for incident in self._incidents.values() for key in incident.open_routes}
        for incident in incidents:
            if incident.id in self._incidents or not incident.open_routes:
                continue
            if all(key in ours for key in incident.open_routes):
                self._ended.append(_continued(incident, ours[incident.open_routes[0]], self._clock.now()))
                continue
            self._handed_on[incident.id] = incident
            left = tuple(key for key in incident.open_routes if key not in ours)
            is_whole = left == incident.open_routes
            self._incidents[incident.id] = incident if is_whole else replace(incident, open_routes=left)

    def adopt(
        self, kept: Sequence[KeptRoute], beats: Mapping[str, tuple[Check, ...]], incidents: Sequence[Incident]
    ) -> None:
        """Take up what the process that probes has kept; which incidents last is its word alone."""
        self._take_up(kept, beats)
        self._incidents = {incident.id: incident for incident in incidents}
        self._handed_on = dict(self._incidents)
        self._folded.clear()
        self._ended.clear()

    def _take_up(self, kept: Sequence[KeptRoute], beats: Mapping[str, tuple[Check, ...]]) -> None:
        self._picture = None
        for route in kept:
            key = route.standing.route_id
            ours = self._standings.get(key)
            if ours is not None and _last_at(ours) > _last_at(route.standing):
                continue
            known = beats.get(key) or (ours.beats if ours else ())
            self._standings[key] = replace(route.standing, beats=known[-KEPT_BEATS:])
            self._past.pop(key, None)
            self._results.setdefault(key, {})[route.result.depth] = route.result

    def _kept(self, key: str) -> KeptRoute:
        standing = self._standings[key]
        newest = self._results[key]
        result = self.result(key) or next(iter(newest.values()))
        shown = as_shown(result, standing, result.checked_at, self._rules)
        return KeptRoute(standing=replace(standing, beats=()), result=shown)

    def _name_incidents(self, transitions: Sequence[Transition]) -> None:
        """A transition learns only at the end of its round which incident it belongs to."""
        named = {transition.id: transition for transition in transitions}
        self._transitions = deque(
            (named.get(transition.id, transition) for transition in self._transitions), _NEWEST_TRANSITIONS
        )

    def _moved_incidents(self, changed: Sequence[tuple[NoticeKind, Incident]]) -> tuple[Incident, ...]:
        """Return the incidents that are not as they were handed on last, ended ones among them."""
        moved = {incident.id: incident for incident in self._ended}
        moved |= {incident.id: incident for _, incident in changed}
        for key, incident in self._incidents.items():
            if self._handed_on.get(key) is not incident:
                moved[key] = incident
        self._ended.clear()
        self._handed_on = dict(self._incidents)
        return tuple(moved.values())

    def _forget_absent(self, present: frozenset[str]) -> None:
        self._picture = None
        for key in [key for key in self._standings if key not in present]:
            self._past[key] = self._standings.pop(key)
        while len(self._past) > _PAST_ROUTES:
            oldest = next(iter(self._past))
            del self._past[oldest]
            self._results.pop(oldest, None)


def _last_at(standing: Standing) -> float:
    """Return when a route was last checked, as a number; never comes before all others."""
    streaks = (standing.reach, standing.faithful)
    checks = [*(streak.last for streak in streaks if streak.last), *standing.beats[-1:]]
    times = [check.checked_at for check in checks] + ([standing.since] if standing.since else [])
    return max((at.timestamp() for at in times), default=float("-inf"))


def _continued(incident: Incident, own_id: str, now: datetime) -> Incident:
    step = IncidentStep(at=now, kind=StepKind.RESOLVED, route=None, text=f"continues as {own_id}")
    return replace(incident, ended_at=now, open_routes=(), timeline=(*incident.timeline, step))
