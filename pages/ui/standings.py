"""How the routes of a snapshot read at one moment: what was seen too long ago is no longer claimed; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.health.agent_status import line_of
from core.health.standing import Shown, as_shown, rules_of, shown
from core.model.check import Check, route_id
from core.model.probe import ProbeResult
from core.model.route import Route
from core.model.snapshot import Snapshot
from core.model.standing import HealthRules, Standing
from core.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When this is shown, and by which rules."""

    now: datetime
    rules: HealthRules


def moment_of(settings: Settings, snapshot: Snapshot, now: datetime) -> Moment:
    """Return the rules with the real interval between sweeps, as of now."""
    return Moment(now=now, rules=replace(rules_of(settings), reach_interval_s=snapshot.interval_s))


def as_of(snapshot: Snapshot, moment: Moment) -> Snapshot:
    """Return the snapshot whose results say what their routes' standings say at this moment."""
    if not snapshot.standings:
        return snapshot
    return replace(snapshot, results=shown_results(snapshot, snapshot.results, moment))


def shown_results(snapshot: Snapshot, results: Sequence[ProbeResult], moment: Moment) -> tuple[ProbeResult, ...]:
    """Return results with the health of their routes' standings; a route without one keeps its own."""
    return tuple(_shown_result(result, standing_of(snapshot, result.route), moment) for result in results)


def standing_of(snapshot: Snapshot, route: Route) -> Standing | None:
    """Return how a route stands, None for one that is not watched."""
    return snapshot.standings.get(route_id(route))


def beats_of(standing: Standing | None) -> tuple[Check, ...]:
    """Return the newest checks, oldest first."""
    return standing.beats if standing else ()


def shown_now(standing: Standing | None, moment: Moment) -> Shown | None:
    """Return how a standing reads at this moment."""
    return shown(standing, moment.now, moment.rules) if standing else None


def line_now(result: ProbeResult, snapshot: Snapshot, moment: Moment) -> str:
    """Return the line beside the word of a verdict, with how far its route has come; plain text."""
    return line_of(result, standing_of(snapshot, result.route), moment.rules, moment.now)


def _shown_result(result: ProbeResult, standing: Standing | None, moment: Moment) -> ProbeResult:
    return as_shown(result, standing, moment.now, moment.rules) if standing else result
