"""The faults that a presenter may put in front of a route of the simulated workspace, in words; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.catalog.agents import AGENTS
from core.model.route import Route
from core.simulator.faults import FaultRule

# A fault that is forgotten ends by itself.
MINUTES = (1, 5, 15)
OFFERED: Mapping[str, str] = {
    "throttled": "429, throttled",
    "endpoint_not_found": "404, no such model",
    "token_dead": "403, token refused",
    "permission_denied": "403, permission missing",
    "rate_limit_zero": "403, rate limit of zero",
    "internal_error": "500, server error",
    "overloaded": "529, overloaded",
    "empty_answer": "empty answer",
    "stream_error": "stream breaks off",
    "delay": "slow by 5 s",
    "hang": "no answer at all",
}
_SLOW_S = 5.0


def fault_rule(route: Route, fault: str, minutes: int) -> FaultRule:
    """Return this fault on every request that goes the way of this route, for so long."""
    return FaultRule(
        fault=fault,
        generation=route.generation,
        dialect=route.dialect,
        model=route.model,
        lasts_s=60.0 * minutes,
        delay_s=_SLOW_S,
    )


def fault_text(rule: FaultRule) -> str:
    """Return what a fault does and to what."""
    what = OFFERED.get(rule.fault, rule.fault)
    return f"{what} on {rule.model or 'every model'}" + (f", {rule.dialect.label}" if rule.dialect else "")


def ways(routes: Iterable[Route]) -> Mapping[str, Route]:
    """Return the distinct ways to a model by a text for people; whose credential and whose slot makes no other way."""
    found: dict[tuple[str, ...], Route] = {}
    users: dict[tuple[str, ...], list[str]] = {}
    for route in routes:
        way = (route.model, route.dialect, route.generation or "")
        found.setdefault(way, route)
        users.setdefault(way, []).append(AGENTS[route.agent].label)
    return {
        f"{route.model} · {route.dialect.label} ({', '.join(dict.fromkeys(users[way]))})": route
        for way, route in found.items()
    }
