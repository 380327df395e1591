"""A check: one probe of one route as history keeps it, the verdict without its evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, Tokens
from core.model.route import Route


def route_id(route: Route) -> str:
    """Return the name of a route in history: 16 hex digits of what makes it this route, its token left out.

    Another model, address or identity is another route with a history of its own.
    """
    parts = (route.agent, route.slot, route.model, route.base_url, route.dialect, route.identity)
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One verdict as it is kept; `health` is what this probe alone says, `standing` the route's health after it.

    `simulated` checks never enter uptime. `checked_at` is aware, in UTC.
    """

    route_id: str
    checked_at: datetime
    depth: Depth
    health: Health
    standing: Health
    rung: Rung
    diagnosis: Diagnosis
    http_status: int | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    tokens: Tokens = Tokens()
    answered_model: str | None = None
    simulated: bool = False


def check_of(result: ProbeResult, *, standing: Health, simulated: bool) -> Check:
    """Return what is kept of a result."""
    return Check(
        route_id=route_id(result.route),
        checked_at=result.checked_at,
        depth=result.depth,
        health=result.health,
        standing=standing,
        rung=result.rung,
        diagnosis=result.diagnosis,
        http_status=result.http_status,
        latency_ms=result.latency_ms,
        ttft_ms=result.ttft_ms,
        tokens=result.tokens,
        answered_model=result.answered_model,
        simulated=simulated,
    )


def without_token(route: Route) -> Route:
    """Return the route as it may be kept."""
    return replace(route, token=None)
