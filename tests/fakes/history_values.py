"""Fictional checks, standings, transitions and incidents, as a round of probes leaves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.check import Check, check_of, route_id, without_token
from core.model.history import Batch, KeptRoute
from core.model.incident import Cause, Incident, IncidentStep, StepKind
from core.model.probe import (
    Depth,
    Diagnosis,
    Health,
    ProbeEvidence,
    ProbeResult,
    Rung,
    RungOutcome,
    RungResult,
    Suggestion,
    Tokens,
)
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.standing import Standing, Streak, Transition

START = datetime(2030, 1, 2, 3, 0, tzinfo=UTC)
HOST = "https://adb-4455667788990011.11.azuredatabricks.net"


def a_route(number: int = 0, *, agent: AgentId = AgentId.HERMES, model: str | None = None) -> Route:
    """Return one of many routes, with a token that must never be kept."""
    return Route(
        agent=agent,
        slot="primary",
        model=model or f"example-model-{number}",
        base_url=f"{HOST}/ai-gateway/mlflow/v1",
        dialect=AGENTS[agent].dialects[0],
        identity=Identity.DASHBOARD,
        token=Secret("dapi-never-to-be-kept"),
    )


def a_result(route: Route, at: datetime = START, health: Health = Health.HEALTHY) -> ProbeResult:
    """Return a verdict with everything that a verdict may have."""
    failed = health in (Health.DOWN, Health.DEGRADED)
    return ProbeResult(
        route=route,
        depth=Depth.REACH,
        health=health,
        rung=Rung.MODEL,
        rungs=(RungResult(rung=Rung.DNS, outcome=RungOutcome.PASSED, ms=1.5),),
        diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE if failed else Diagnosis.OK,
        message="The model is not on this route – № 7." if failed else "The model answered.",
        remedy="Choose another one." if failed else "",
        url=route.base_url,
        checked_at=at,
        http_status=404 if failed else 200,
        answered_model=None if failed else route.model,
        latency_ms=None if failed else 312.125,
        ttft_ms=None if failed else 101.5,
        tokens=Tokens(input=12, output=3),
        suggestion=Suggestion(model="example-model-9", url=route.base_url, reason="it answered"),
        evidence=ProbeEvidence(
            method="POST", url=route.base_url, response_excerpt="\u0000 \ud800 {}", request_id="r-1"
        ),
        attempts=2,
    )


def a_check(
    number: int = 0, at: datetime = START, health: Health = Health.HEALTHY, *, depth: Depth = Depth.REACH
) -> Check:
    """Return what is kept of such a verdict."""
    result = replace(a_result(a_route(number), at, health), depth=depth)
    return check_of(result, standing=health, simulated=False)


def a_kept_route(number: int = 0, at: datetime = START, health: Health = Health.HEALTHY) -> KeptRoute:
    """Return the newest that is known of a route, as it may be kept."""
    route = without_token(a_route(number))
    check = a_check(number, at, health)
    streak = Streak(health=health, passes=2, last=check, last_success_at=at)
    standing = Standing(route_id=route_id(route), route=route, health=health, since=at, reach=streak)
    return KeptRoute(standing=standing, result=a_result(route, at, health))


def a_transition(number: int = 0, at: datetime = START, **changed: object) -> Transition:
    """Return a route that went down."""
    route = without_token(a_route(number))
    transition = Transition(
        id=f"{at:%Y%m%dT%H%M%S.%f}-{route_id(route)}",
        at=at,
        route_id=route_id(route),
        route=route,
        before=Health.HEALTHY,
        after=Health.DOWN,
        rung=Rung.MODEL,
        diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE,
        http_status=404,
        message="Down – Model: 404 on the chat route",
        remedy="Choose another model.",
    )
    return replace(transition, **changed)


def an_incident(number: int = 0, at: datetime = START, *, ended_at: datetime | None = None) -> Incident:
    """Return an incident of one route."""
    route = without_token(a_route(number))
    steps = (IncidentStep(at=at, kind=StepKind.OPENED, route=route, text="It failed three times."),)
    if ended_at:
        steps += (IncidentStep(at=ended_at, kind=StepKind.RESOLVED, route=None, text="It answers again."),)
    return Incident(
        id=f"inc-{at:%Y%m%d-%H%M%S}-{number:06x}",
        cause=Cause(rung=Rung.MODEL, host="adb.example", diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE),
        health=Health.DOWN,
        started_at=at,
        confirmed_at=at + timedelta(seconds=5),
        ended_at=ended_at,
        message="Down – Model: 404",
        routes=(route,),
        open_routes=() if ended_at else (route_id(route),),
        timeline=steps,
    )


def a_batch(number: int = 0, at: datetime = START, health: Health = Health.HEALTHY) -> Batch:
    """Return the smallest round: one check of one route."""
    return Batch(
        id=f"{at:%Y%m%dT%H%M%S}-{number}",
        checks=(a_check(number, at, health),),
        routes=(a_kept_route(number, at, health),),
    )
