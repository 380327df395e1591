"""History as the core would tell it: beats, standings, incidents, transitions and what a store answers about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.health.buckets import bucket_checks, quantiles_of_buckets
from core.health.uptime import uptime_of
from core.model.check import Check, route_id
from core.model.history import Cadence, HistoryQuery, HistoryView, Resolution, RouteHistory
from core.model.incident import Cause, Incident, IncidentStep, StepKind
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Route
from core.model.snapshot import Snapshot
from core.model.standing import KEPT_BEATS, Standing, Streak, Transition

INTERVAL = timedelta(minutes=5)


def beats(route: Route, healths: Sequence[Health], *, newest: datetime) -> tuple[Check, ...]:
    """Return one check per health, five minutes apart, oldest first."""
    return tuple(
        Check(
            route_id=route_id(route),
            checked_at=newest - INTERVAL * (len(healths) - 1 - place),
            depth=Depth.REACH,
            health=health,
            standing=health,
            rung=Rung.MODEL,
            diagnosis=Diagnosis.OK if health is Health.HEALTHY else Diagnosis.MODEL_NOT_ON_ROUTE,
            latency_ms=300.0 + 4 * (place % 11) if health is Health.HEALTHY else None,
            ttft_ms=120.0 + 2 * (place % 7) if health is Health.HEALTHY else None,
            simulated=True,
        )
        for place, health in enumerate(healths)
    )


def standing_from(result: ProbeResult) -> Standing:
    """Return how a route stands whose newest verdict is this: three failures after passes, or passes only."""
    failed = 3 if result.health is not Health.HEALTHY else 0
    healths = [Health.HEALTHY] * (KEPT_BEATS - failed) + [result.health] * failed
    checks = beats(result.route, healths, newest=result.checked_at)
    passed = next((check for check in reversed(checks) if check.health is Health.HEALTHY), None)
    streak = Streak(
        health=result.health,
        failures=failed,
        passes=0 if failed else KEPT_BEATS,
        last=checks[-1],
        last_success_at=passed.checked_at if passed else None,
        first_failure_at=checks[-failed].checked_at if failed else None,
    )
    return Standing(
        route_id=route_id(result.route),
        route=result.route,
        health=result.health,
        since=streak.first_failure_at or checks[0].checked_at,
        reach=streak,
        beats=checks,
        simulated=True,
    )


def with_history(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a standing per result, its open incidents and its transitions."""
    standings = {route_id(result.route): standing_from(result) for result in snapshot.results}
    failing = [result for result in snapshot.results if result.health is Health.DOWN]
    causes: dict[Diagnosis, list[ProbeResult]] = {}
    for result in failing:
        causes.setdefault(result.diagnosis, []).append(result)
    moment = snapshot.swept_at or datetime.now(UTC)
    incidents = tuple(incident_of(results) for results in causes.values())
    cadence = Cadence(next_hosts_at=moment + timedelta(seconds=60), next_reach_at=snapshot.next_sweep_at)
    return replace(
        snapshot,
        standings=standings,
        incidents=incidents,
        transitions=tuple(
            transition_of(result, incident.id)
            for incident, results in zip(incidents, causes.values(), strict=True)
            for result in results
        ),
        cadence=cadence,
    )


def incident_of(results: Sequence[ProbeResult], *, ended_at: datetime | None = None) -> Incident:
    """Return the incident of routes that fail for one cause, since three checks."""
    first = results[0]
    began = first.checked_at - 2 * INTERVAL
    routes = tuple(result.route for result in results)
    steps = [IncidentStep(at=began, kind=StepKind.OPENED, route=routes[0], text=first.message)]
    steps += [IncidentStep(at=began, kind=StepKind.JOINED, route=route, text="") for route in routes[1:]]
    if ended_at is not None:
        steps.append(IncidentStep(at=ended_at, kind=StepKind.RESOLVED, route=None, text="all routes answer again"))
    return Incident(
        id=f"inc-{began:%Y%m%d-%H%M%S}-{route_id(routes[0])[:6]}",
        cause=Cause(rung=first.rung, host="adb-4455667788990011.11.azuredatabricks.net", diagnosis=first.diagnosis),
        health=Health.DOWN,
        started_at=began,
        confirmed_at=first.checked_at,
        ended_at=ended_at,
        message=first.message,
        remedy=first.remedy,
        routes=routes,
        open_routes=() if ended_at else tuple(route_id(route) for route in routes),
        timeline=tuple(steps),
        simulated=True,
    )


def transition_of(result: ProbeResult, incident_id: str | None = None) -> Transition:
    """Return the transition from Healthy to what the result says."""
    return Transition(
        id=f"{result.checked_at:%Y%m%dT%H%M%S.%f}-{route_id(result.route)}",
        at=result.checked_at,
        route_id=route_id(result.route),
        route=result.route,
        before=Health.HEALTHY,
        after=result.health,
        rung=result.rung,
        diagnosis=result.diagnosis,
        http_status=result.http_status,
        message=result.message,
        remedy=result.remedy,
        incident_id=incident_id,
        simulated=True,
    )


def route_history(standing: Standing, query: HistoryQuery) -> RouteHistory:
    """Return what the beats of a route amount to over the asked time."""
    checks = [check for check in standing.beats if check.checked_at >= query.since]
    buckets = bucket_checks(checks, resolution=Resolution.HOUR, interval_s=INTERVAL.total_seconds(), until=query.until)
    return RouteHistory(
        route=standing.route,
        route_id=standing.route_id,
        uptime=uptime_of(buckets, query.since, query.until),
        quantiles=quantiles_of_buckets(buckets),
        buckets=buckets,
    )


def answer(snapshot: Snapshot, query: HistoryQuery, *, past: Sequence[Incident] = ()) -> HistoryView:
    """Return what a store that holds exactly this snapshot's history answers."""
    standings: Mapping[str, Standing] = snapshot.standings
    chosen = [
        standing
        for standing in standings.values()
        if (not query.agents or standing.route.agent in query.agents)
        and (not query.models or standing.route.model in query.models)
        and (not query.healths or standing.health in query.healths)
    ]
    agents = set(query.agents)
    return HistoryView(
        query=query,
        incidents=tuple(
            item
            for item in (*snapshot.incidents, *past)
            if (not agents or agents & set(item.agents))
            and (not query.healths or item.health in query.healths)
            and (item.ended_at is None or item.ended_at >= query.since)
        ),
        transitions=tuple(
            item
            for item in snapshot.transitions
            if item.at >= query.since and (not agents or item.route.agent in agents)
        ),
        routes=tuple(route_history(standing, query) for standing in chosen),
    )
