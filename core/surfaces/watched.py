"""Say how routes and agents are at this moment, as the surfaces for other programs tell it: never greener than a page.

What was last seen grows old; a program that reads it once a minute must not take a stopped watch for a healthy one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from core.catalog.agents import AGENTS
from core.health.agent_status import AgentStatus, agent_status, overall_line
from core.health.standing import as_shown, shown
from core.model.agent import AgentId
from core.model.check import route_id
from core.model.probe import Health, ProbeResult
from core.model.snapshot import Snapshot
from core.model.standing import HealthRules, Standing

_OFFLINE = "The dashboard is offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRoute:
    """One route as it is now; `standing` is None for one that was never folded into history."""

    result: ProbeResult
    standing: Standing | None = None
    stale: bool = False

    @property
    def last_success_at(self) -> datetime | None:
        """Return when it last passed a check of either depth."""
        if self.standing is None:
            return self.result.checked_at if self.result.health is Health.HEALTHY else None
        passed = (self.standing.reach.last_success_at, self.standing.faithful.last_success_at)
        return max((moment for moment in passed if moment is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAgent:
    """One agent as it is now; `since` is when the route that decides became what it is."""

    status: AgentStatus
    since: datetime | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Everything at one moment; `health` is that of the worst agent (rule R11) and `line` says it in words."""

    at: datetime
    snapshot: Snapshot
    routes: tuple[WatchedRoute, ...]
    agents: Mapping[AgentId, WatchedAgent]
    health: Health
    line: str

    def agent(self, agent: AgentId) -> WatchedAgent:
        """Return how an agent is, Unknown before anything was looked at."""
        unseen = AgentStatus(agent=agent, health=Health.UNKNOWN, headline="Not looked at yet")
        return self.agents.get(agent, WatchedAgent(status=unseen))


def watched(snapshot: Snapshot, *, now: datetime, rules: HealthRules) -> Watched:
    """Return the picture as it is to be told at this moment."""
    routes = tuple(_route(result, snapshot, now, rules) for result in snapshot.results)
    results = [route.result for route in routes]
    told = [
        agent_status(choice, results, standings=snapshot.standings, rules=rules, now=now) for choice in snapshot.choices
    ]
    agents = {status.agent: _agent(status, routes, offline=snapshot.offline is not None) for status in told}
    statuses = [agent.status for agent in agents.values()]
    return Watched(
        at=now,
        snapshot=snapshot,
        routes=routes,
        agents=agents,
        health=_overall(statuses),
        line=overall_line(statuses),
    )


def _route(result: ProbeResult, snapshot: Snapshot, now: datetime, rules: HealthRules) -> WatchedRoute:
    standing = snapshot.standings.get(route_id(result.route))
    if snapshot.offline:
        return WatchedRoute(result=replace(result, health=Health.UNKNOWN), standing=standing)
    if standing is None:
        return _unfolded(result, now, rules)
    told = as_shown(result, standing, now, rules)
    return WatchedRoute(result=told, standing=standing, stale=shown(standing, now, rules).stale)


def _unfolded(result: ProbeResult, now: datetime, rules: HealthRules) -> WatchedRoute:
    """A verdict that history knows nothing of grows old by the same rule (R6)."""
    intervals = (now - result.checked_at).total_seconds() / rules.reach_interval_s
    if intervals > rules.unknown_intervals and result.health is not Health.PAUSED:
        return WatchedRoute(result=replace(result, health=Health.UNKNOWN), stale=True)
    return WatchedRoute(result=result, stale=intervals > rules.stale_intervals)


def _agent(status: AgentStatus, routes: tuple[WatchedRoute, ...], *, offline: bool) -> WatchedAgent:
    if offline and AGENTS[status.agent].probeable and status.health is not Health.PAUSED:
        return WatchedAgent(status=AgentStatus(agent=status.agent, health=Health.UNKNOWN, headline=_OFFLINE))
    decisive = next((route for route in routes if route.result is status.decisive), None)
    if decisive is None:
        return WatchedAgent(status=status)
    standing = decisive.standing
    # Grown too old to count, it is Unknown from no moment that anybody saw.
    is_as_it_stood = standing is not None and standing.health is decisive.result.health
    return WatchedAgent(
        status=status, since=standing.since if standing and is_as_it_stood else None, stale=decisive.stale
    )


def _overall(statuses: list[AgentStatus]) -> Health:
    """Return the worst health, counted as `overall_line` does: paused and not probeable agents are left out."""
    counted = {status.health for status in statuses if AGENTS[status.agent].probeable} - {Health.PAUSED}
    if not counted:
        return Health.UNKNOWN
    return next(
        health for health in (Health.DOWN, Health.UNKNOWN, Health.DEGRADED, Health.HEALTHY) if health in counted
    )
