"""Fold how routes stand into incidents: one cause and every route that it hits (rule R9); pure.

Whom to tell of them is left to `core.alerts`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from core.health.spans import span_text
from core.health.standing import Folded
from core.model.alert import NoticeKind
from core.model.check import Check, route_id
from core.model.incident import Cause, Incident, IncidentStep, StepKind
from core.model.probe import Health
from core.model.route import Route
from core.model.standing import HealthRules, Standing, Streak, Transition

_NO_LONGER = "no longer configured"
# Of a timeline the beginning and the newest steps: a cause that alternates for days must not grow without end.
_KEPT_STEPS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFold:
    """What a round of results makes of the incidents.

    `incidents` are all that last, `changed` those that somebody may want to hear of, the ended ones among them.
    """

    incidents: tuple[Incident, ...] = ()
    changed: tuple[tuple[NoticeKind, Incident], ...] = ()
    transitions: tuple[Transition, ...] = ()


def fold_incidents(
    open_ones: Sequence[Incident],
    folded: Sequence[Folded],
    rules: HealthRules,
    now: datetime,
    *,
    present: frozenset[str] | None = None,
) -> IncidentFold:
    """Return the incidents after these results, which come in the order in which they landed.

    `present` are the routes that are configured, after a round that saw them all; None while that is not known.
    """
    board = _Board(open_ones)
    transitions: list[Transition] = []
    for wave in _waves(folded):
        before = dict(board.member)
        board.take(wave, rules)
        for one in wave:
            if one.transition is not None:
                incident_id = board.member.get(one.standing.route_id) or before.get(one.standing.route_id)
                transitions.append(replace(one.transition, incident_id=incident_id))
    if present is not None:
        for key in [key for key in board.member if key not in present]:
            board.leave(key, now, _NO_LONGER)
    lasting = tuple(incident for incident in board.incidents.values() if incident.ended_at is None)
    return IncidentFold(incidents=lasting, changed=tuple(board.changed()), transitions=tuple(transitions))


def cause_of(route: Route, check: Check) -> Cause:
    """Return what this failure shares with others that are the same incident."""
    return Cause(rung=check.rung, host=urlsplit(route.base_url).netloc, diagnosis=check.diagnosis)


def lasting_failure(standing: Standing, rules: HealthRules) -> Streak | None:
    """Return the failure that makes an incident of this route: Down, or as long as it usually takes to be Down."""
    streak = _failing(standing)
    if streak is None:
        return None
    needed = 1 if standing.health is Health.DOWN else rules.down_after
    return streak if streak.failures >= needed else None


def has_recovered(standing: Standing) -> bool:
    """Say whether nothing of an incident is left here; an unknown route is not known to have recovered."""
    if standing.health in (Health.HEALTHY, Health.DEGRADED):
        return _failing(standing) is None
    return standing.health is Health.PAUSED


def _failing(standing: Standing) -> Streak | None:
    """Return the streak whose failure is shown; of two the short question's, so that the cause does not alternate."""
    streaks = (standing.reach, standing.faithful)
    return next((one for one in streaks if one.health is standing.health and one.first_failure_at is not None), None)


def _waves(folded: Sequence[Folded]) -> Iterator[list[Folded]]:
    """Yield the first result of each route, then the second of each: what happened together is seen together."""
    waves: list[list[Folded]] = []
    seen: dict[str, int] = defaultdict(int)
    for one in folded:
        place = seen[one.standing.route_id]
        seen[one.standing.route_id] += 1
        if place == len(waves):
            waves.append([])
        waves[place].append(one)
    yield from waves


class _Board:
    """The incidents while results are being folded into them."""

    def __init__(self, open_ones: Sequence[Incident]) -> None:
        self.incidents = {incident.id: incident for incident in open_ones}
        self.member = {key: one.id for one in open_ones for key in one.open_routes}
        self._begun = dict(self.incidents)

    def take(self, wave: Sequence[Folded], rules: HealthRules) -> None:
        failing: dict[str, _Failing] = {}
        for one in wave:
            standing = one.standing
            if has_recovered(standing):
                self.leave(standing.route_id, one.check.checked_at, _why_left(standing))
                continue
            streak = lasting_failure(standing, rules)
            if streak is not None and streak.first_failure_at is not None and streak.last == one.check:
                cause = cause_of(standing.route, one.check)
                failing[standing.route_id] = _Failing(folded=one, cause=cause, began_at=streak.first_failure_at)
        for incident_id in sorted({self.member[key] for key in failing if key in self.member}):
            self._regroup(self.incidents[incident_id], failing)
        for seen in sorted(failing.values(), key=lambda seen: seen.began_at):
            if seen.folded.standing.route_id not in self.member:
                self._join(seen)
            self._worsen(seen.folded)

    def leave(self, key: str, at: datetime, why: str) -> None:
        """Take a route out of its incident, which ends with its last one."""
        incident = self.incidents.get(self.member.pop(key, ""))
        if incident is None:
            return
        left = tuple(other for other in incident.open_routes if other != key)
        route = next((route for route in incident.routes if route_id(route) == key), None)
        incident = _noted(replace(incident, open_routes=left), at, StepKind.LEFT, route, why)
        if not left:
            lasted = span_text((at - incident.started_at).total_seconds())
            incident = _noted(replace(incident, ended_at=at), at, StepKind.RESOLVED, None, f"resolved after {lasted}")
        self.incidents[incident.id] = incident

    def changed(self) -> Iterator[tuple[NoticeKind, Incident]]:
        for incident in self.incidents.values():
            before = self._begun.get(incident.id)
            if before is None:
                yield NoticeKind.OPENED, incident
            elif incident.ended_at is None and _is_worse(before, incident):
                yield NoticeKind.WORSENED, incident
            if incident.ended_at is not None:
                yield NoticeKind.RESOLVED, incident

    def _regroup(self, incident: Incident, failing: Mapping[str, _Failing]) -> None:
        """Let routes go that fail differently now; when none fails as before, the incident itself has changed."""
        causes = {key: failing[key].cause if key in failing else incident.cause for key in incident.open_routes}
        kept = incident.cause
        if kept not in causes.values():
            first = failing[incident.open_routes[0]]
            kept = first.cause
            changed = replace(incident, cause=kept, message=first.folded.message, remedy=first.folded.remedy)
            self._note(changed, StepKind.CHANGED, first.folded, f"now {first.text}")
        for key, cause in causes.items():
            if cause != kept:
                self.leave(key, failing[key].folded.check.checked_at, f"now {failing[key].text}")

    def _join(self, seen: _Failing) -> None:
        known = (one for one in self.incidents.values() if one.ended_at is None and one.cause == seen.cause)
        incident = next(known, None)
        kind = StepKind.OPENED if incident is None else StepKind.JOINED
        incident = incident or _opened(seen)
        route, key = seen.folded.standing.route, seen.folded.standing.route_id
        if key not in {route_id(other) for other in incident.routes}:
            incident = replace(incident, routes=(*incident.routes, route))
        self._note(replace(incident, open_routes=(*incident.open_routes, key)), kind, seen.folded, seen.text)
        self.member[key] = incident.id

    def _worsen(self, one: Folded) -> None:
        incident = self.incidents[self.member[one.standing.route_id]]
        if one.standing.health is Health.DOWN and incident.health is not Health.DOWN:
            self._note(replace(incident, health=Health.DOWN), StepKind.WORSENED, one, "now Down")

    def _note(self, incident: Incident, kind: StepKind, one: Folded, text: str) -> None:
        self.incidents[incident.id] = _noted(incident, one.check.checked_at, kind, one.standing.route, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failing:
    """One route whose failure has lasted, with what just showed it."""

    folded: Folded
    cause: Cause
    began_at: datetime

    @property
    def text(self) -> str:
        return f"{self.cause.rung.label}: {self.folded.message}"


def _opened(seen: _Failing) -> Incident:
    one, cause = seen.folded, seen.cause
    named = (cause.rung, cause.host, cause.diagnosis, one.standing.route_id, one.check.checked_at.isoformat())
    digest = hashlib.sha256("\n".join(named).encode()).hexdigest()[:6]
    return Incident(
        id=f"inc-{seen.began_at:%Y%m%d-%H%M%S}-{digest}",
        cause=cause,
        health=one.standing.health,
        started_at=seen.began_at,
        confirmed_at=one.check.checked_at,
        message=one.message,
        remedy=one.remedy,
        simulated=one.standing.simulated,
    )


def _noted(incident: Incident, at: datetime, kind: StepKind, route: Route | None, text: str) -> Incident:
    steps = (*incident.timeline, IncidentStep(at=at, kind=kind, route=route, text=text))
    if len(steps) > _KEPT_STEPS:
        steps = (*steps[:1], *steps[1 - _KEPT_STEPS :])
    return replace(incident, timeline=steps)


def _is_worse(before: Incident, after: Incident) -> bool:
    return before.health is not after.health or len(after.agents) > len(before.agents)


def _why_left(standing: Standing) -> str:
    return "paused" if standing.health is Health.PAUSED else "recovered"
