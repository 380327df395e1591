"""What programs are told is never greener than what a page shows, and grows old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.model.agent import AgentId
from core.model.check import route_id
from core.model.probe import Diagnosis, Health
from core.model.snapshot import Snapshot
from core.surfaces.watched import Watched, watched
from tests.core.surfaces.pictures import NOW, RULES, SINCE, outage, result_of, seen_for, standing_of
from tests.fakes import snapshots

FRESH = timedelta(seconds=30)


def told(snapshot: Snapshot) -> Watched:
    return watched(snapshot, now=NOW, rules=RULES)


def test_a_fresh_healthy_picture_is_healthy() -> None:
    seen = told(seen_for(FRESH))
    assert (seen.health, seen.line) == (Health.HEALTHY, "All routes healthy")
    assert seen.agent(AgentId.CODEX).status.health is Health.HEALTHY
    assert seen.agent(AgentId.CODEX).since == SINCE
    assert not any(route.stale for route in seen.routes)


def test_the_worst_agent_decides() -> None:
    seen = told(outage())
    assert (seen.health, seen.line) == (Health.DOWN, "1 agent down")
    assert seen.agent(AgentId.HERMES).status.health is Health.DOWN


@pytest.mark.parametrize(("intervals", "health", "stale"), [(1.5, "healthy", False), (3, "healthy", True)])
def test_a_watch_that_stopped_makes_it_stale(intervals: float, health: str, stale: bool) -> None:
    seen = told(seen_for(timedelta(seconds=300 * intervals)))
    assert {route.stale for route in seen.routes} == {stale}
    assert seen.agent(AgentId.CODEX).status.health == health
    assert seen.agent(AgentId.CODEX).stale is stale


@pytest.mark.parametrize("folded", [True, False], ids=["with a standing", "never folded"])
def test_what_is_too_old_is_unknown(folded: bool) -> None:
    old = seen_for(timedelta(seconds=3001))
    seen = told(old if folded else replace(old, standings={}))
    assert {route.result.health for route in seen.routes} == {Health.UNKNOWN}
    assert (seen.health, seen.line) == (Health.UNKNOWN, "Status unknown")
    assert seen.agent(AgentId.CODEX).since is None


def test_an_offline_dashboard_knows_nothing() -> None:
    seen = told(replace(seen_for(FRESH), offline="The workspace cannot be reached"))
    assert {route.result.health for route in seen.routes} == {Health.UNKNOWN}
    assert seen.agent(AgentId.CODEX).status.headline == "The dashboard is offline"
    assert seen.health is Health.UNKNOWN


def test_an_agent_that_is_switched_off_stays_paused_offline() -> None:
    base = seen_for(FRESH)
    choices = tuple(replace(choice, enabled=False) for choice in base.choices)
    seen = told(replace(base, choices=choices, offline="away"))
    assert seen.agent(AgentId.CODEX).status.health is Health.PAUSED
    assert seen.health is Health.UNKNOWN


def test_before_anything_was_seen_everything_is_unknown() -> None:
    seen = told(Snapshot())
    assert (seen.health, seen.routes) == (Health.UNKNOWN, ())
    assert seen.agent(AgentId.HERMES).status.health is Health.UNKNOWN


def test_the_line_says_how_far_a_failure_has_come() -> None:
    base = seen_for(FRESH)
    result = result_of(base, AgentId.CODEX, "default")
    failed = replace(result, health=Health.DEGRADED, diagnosis=Diagnosis.OVERLOADED, http_status=503)
    standings = {**base.standings, route_id(result.route): standing_of(failed)}
    results = tuple(failed if item is result else item for item in base.results)
    seen = told(replace(base, results=results, standings=standings))
    assert seen.agent(AgentId.CODEX).status.headline == "Model: 503 overloaded (1 of 3 failures)"


def test_the_line_of_a_watch_that_stopped_says_when_it_last_passed() -> None:
    seen = told(seen_for(timedelta(seconds=901)))
    assert seen.agent(AgentId.CODEX).status.headline == "Model answers (last pass 15 min ago)"


def test_the_last_success_is_that_of_either_depth() -> None:
    base = seen_for(FRESH)
    key, standing = next(iter(base.standings.items()))
    later = replace(standing.reach, last_success_at=NOW - timedelta(seconds=5))
    seen = told(replace(base, standings={key: replace(standing, faithful=later)}))
    assert seen.routes[0].last_success_at == NOW - timedelta(seconds=5)
    assert seen.routes[1].last_success_at == NOW - FRESH


def test_a_verdict_that_was_never_folded_tells_its_own_success() -> None:
    seen = told(replace(seen_for(FRESH, snapshots.incident), standings={}))
    down = next(route for route in seen.routes if route.result.health is Health.DOWN)
    assert down.last_success_at is None
    assert seen.routes[-1].last_success_at == NOW - FRESH
