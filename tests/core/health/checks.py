"""Checks, results and routes to fold, with fictional names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.check import Check, route_id
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, Tokens
from core.model.route import Identity, Route

START = datetime(2026, 8, 21, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def route(
    slot: str = "primary",
    *,
    agent: AgentId = AgentId.HERMES,
    host: str = "1234567890123456.ai-gateway.cloud.databricks.com",
    identity: Identity = Identity.DASHBOARD,
) -> Route:
    return Route(
        agent=agent,
        slot=slot,
        model="databricks-claude-opus-4-6",
        base_url=f"https://{host}/mlflow/v1",
        dialect=Dialect.OPENAI_CHAT,
        identity=identity,
    )


def check(
    seconds: float,
    standing: Health = Health.HEALTHY,
    *,
    health: Health | None = None,
    latency_ms: float | None = None,
    ttft_ms: float | None = None,
    tokens: Tokens = Tokens(),
) -> Check:
    return Check(
        route_id=route_id(route()),
        checked_at=at(seconds),
        depth=Depth.REACH,
        health=health or standing,
        standing=standing,
        rung=Rung.MODEL,
        diagnosis=Diagnosis.OK if standing is Health.HEALTHY else Diagnosis.SERVER_ERROR,
        latency_ms=latency_ms,
        ttft_ms=ttft_ms,
        tokens=tokens,
    )


def result(
    seconds: float,
    diagnosis: Diagnosis = Diagnosis.OK,
    *,
    of: Route | None = None,
    depth: Depth = Depth.REACH,
    rung: Rung = Rung.MODEL,
    attempts: int = 2,
    latency_ms: float | None = 800.0,
    ttft_ms: float | None = None,
) -> ProbeResult:
    return ProbeResult(
        route=of or route(),
        depth=depth,
        health=health_of(diagnosis),
        rung=rung,
        rungs=(),
        diagnosis=diagnosis,
        message=f"It says {diagnosis}.",
        remedy="Do what helps.",
        url="https://gateway.example.com/x",
        checked_at=at(seconds),
        http_status=200 if diagnosis is Diagnosis.OK else 404,
        latency_ms=latency_ms,
        ttft_ms=ttft_ms,
        attempts=attempts,
    )
