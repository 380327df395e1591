"""Snapshots with standings, as a watch that has run for a while would publish them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.model.agent import AgentId
from core.model.check import check_of, route_id, without_token
from core.model.history import Keeping
from core.model.incident import Cause, Incident
from core.model.probe import Diagnosis, Health, ProbeResult, Rung
from core.model.snapshot import Snapshot
from core.model.standing import HealthRules, Standing, Streak
from tests.fakes import snapshots

NOW = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3)
RULES = HealthRules()


def standing_of(result: ProbeResult) -> Standing:
    """Return the standing of a route whose last check is this result."""
    check = check_of(result, standing=result.health, simulated=True)
    is_passed = result.health is Health.HEALTHY
    streak = Streak(
        health=result.health,
        passes=int(is_passed),
        failures=int(not is_passed),
        last=check,
        last_success_at=result.checked_at if is_passed else None,
        first_failure_at=None if is_passed else result.checked_at,
    )
    return Standing(
        route_id=route_id(result.route),
        route=without_token(result.route),
        health=result.health,
        since=SINCE,
        reach=streak,
        beats=(check,),
        simulated=True,
    )


def seen_for(age: timedelta, picture: Callable[[], Snapshot] = snapshots.healthy) -> Snapshot:
    """Return a picture whose checks are this old at NOW."""
    base = picture()
    results = tuple(replace(result, checked_at=NOW - age) for result in base.results)
    standings = {route_id(result.route): standing_of(result) for result in results}
    return replace(base, results=results, standings=standings, swept_at=NOW - age)


def outage() -> Snapshot:
    """Return the outage of Hermes with its incident, kept in a database that is away."""
    base = seen_for(timedelta(seconds=30), snapshots.incident)
    down = tuple(result for result in base.results if result.health is Health.DOWN)
    incident = Incident(
        id="inc-20300102-090000-abc123",
        cause=Cause(rung=Rung.MODEL, host=snapshots.HOST, diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE),
        health=Health.DOWN,
        started_at=SINCE,
        confirmed_at=SINCE + timedelta(seconds=4),
        message="databricks-claude-opus-4-7 is not found on this route",
        routes=tuple(without_token(result.route) for result in down),
        open_routes=tuple(route_id(result.route) for result in down),
        simulated=True,
    )
    keeping = Keeping(
        place="PostgreSQL at db.example.com",
        problem="The database does not answer.",
        waiting=2,
        dropped=7,
        probing=False,
        prober="another instance",
        size_bytes=1234,
        limit_bytes=5678,
    )
    return replace(base, incidents=(incident,), keeping=keeping)


def result_of(snapshot: Snapshot, agent: AgentId, slot: str) -> ProbeResult:
    """Return the first verdict on a slot."""
    return next(item for item in snapshot.results if item.route.agent is agent and item.route.slot == slot)
