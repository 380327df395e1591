"""Fold the newest verdicts of an agent's routes into one status of the agent, and all agents into one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.choice import AgentChoice, SlotChoice
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity

_WORST_FIRST = (Health.DOWN, Health.UNKNOWN, Health.DEGRADED, Health.PAUSED, Health.HEALTHY)

# Hermes takes these for a too long prompt or a cut answer and ends instead of falling back (measured: agents.md §3.1).
_NEVER_FALLS_BACK = frozenset({Diagnosis.OUTPUT_CAP, Diagnosis.STREAM_BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """How one agent is, in a word and a line; `decisive` is the verdict that the line speaks of."""

    agent: AgentId
    health: Health
    headline: str
    remedy: str = ""
    latency_ms: float | None = None
    checked_at: datetime | None = None
    decisive: ProbeResult | None = None


def agent_status(choice: AgentChoice, results: Sequence[ProbeResult]) -> AgentStatus:
    """Return the status of an agent from the newest verdicts of its slots, whosever credential they used.

    The first slot decides. It is as healthy as the worst of its identities: a route that works for the dashboard and
    not with the agent's own token does not work for the agent.
    """
    spec = AGENTS[choice.agent]
    if not spec.probeable:
        return AgentStatus(
            agent=choice.agent, health=Health.UNKNOWN, headline="Cannot be seen from here", remedy=spec.note
        )
    if not choice.enabled:
        headline = f"Switched off by {spec.enable_variable}"
        return AgentStatus(agent=choice.agent, health=Health.PAUSED, headline=headline)
    own = [result for result in results if result.route.agent is choice.agent]
    slots = [(slot, worst_of(result for result in own if result.route.slot == slot.slot)) for slot in choice.slots]
    first = slots[0][1] if slots else None
    if first is None:
        return AgentStatus(agent=choice.agent, health=Health.UNKNOWN, headline="Not probed yet")
    if first.health is Health.DOWN:
        ends = any(result.diagnosis in _NEVER_FALLS_BACK for result in own if result.route.slot == slots[0][0].slot)
        served = None if ends else _served_by_fallback(choice, first, slots[1:])
        return served or _status(choice.agent, first.health, first)
    others = [result for _, result in slots[1:] if result is not None and result.health is not Health.HEALTHY]
    if first.health is Health.HEALTHY and others:
        return _status(choice.agent, Health.DEGRADED, others[0])
    return _status(choice.agent, first.health, first)


def why_not_probed(choice: AgentChoice) -> tuple[str, str]:
    """Return why an agent without a route was not asked, and what to do about it."""
    spec = AGENTS[choice.agent]
    if not spec.probeable:
        return spec.note, ""
    if not choice.enabled:
        return f"{spec.label} is switched off by {spec.enable_variable}", f"Set {spec.enable_variable} to true."
    return f"There is no route to ask {spec.label} on, because no gateway was resolved", "See the resolution trace."


def worst_of(results: Iterable[ProbeResult]) -> ProbeResult | None:
    """Return the verdict with the worst health; unknown is worse than degraded because nothing speaks for it.

    Among equals the agent's own credential speaks for the agent, before anybody else's.
    """
    ranked = sorted(
        results, key=lambda result: (_WORST_FIRST.index(result.health), result.route.identity is not Identity.STORED)
    )
    return ranked[0] if ranked else None


def headline_of(result: ProbeResult) -> str:
    """Return the line beside the health word: the rung and what happened there."""
    if result.health is Health.HEALTHY:
        return "Model answers"
    words = _WORDS.get(result.diagnosis)
    what = f"{result.http_status} {words}" if words and result.http_status else result.message
    return f"{result.rung.label}: {what}"


_WORDS = {
    Diagnosis.CREDENTIAL_DEAD: "token refused",
    Diagnosis.CREDENTIAL_MISSING: "no token accepted",
    Diagnosis.MODEL_NOT_ON_ROUTE: "model not on this route",
    Diagnosis.MODEL_ABSENT: "no such model",
    Diagnosis.WRONG_PATH: "no such path",
    Diagnosis.GATEWAY_OFF: "no gateway here",
    Diagnosis.THROTTLED: "throttled",
    Diagnosis.OVERLOADED: "overloaded",
    Diagnosis.SERVER_ERROR: "server error",
    Diagnosis.RATE_LIMIT_ZERO: "rate limit of zero",
    Diagnosis.SPELLING_RETIRED: "model name retired",
    Diagnosis.GRANT_MISSING: "permission missing",
    Diagnosis.FIELD_REJECTED: "field rejected",
    Diagnosis.DIALECT_MISMATCH: "model speaks another dialect",
}


def _served_by_fallback(
    choice: AgentChoice, primary: ProbeResult, rest: Sequence[tuple[SlotChoice, ProbeResult | None]]
) -> AgentStatus | None:
    """Return Degraded when the agent would really end up on a working fallback (rule R10), else None."""
    if choice.agent is not AgentId.HERMES:
        return None
    for slot, result in rest:
        if result is not None and result.health is Health.HEALTHY and slot.model != primary.route.model:
            headline = f"Served by {slot.slot} {slot.model}; primary {headline_of(primary)}"
            return AgentStatus(
                agent=choice.agent,
                health=Health.DEGRADED,
                headline=headline,
                remedy=primary.remedy,
                latency_ms=result.latency_ms,
                checked_at=result.checked_at,
                decisive=primary,
            )
    return None


def _status(agent: AgentId, health: Health, result: ProbeResult) -> AgentStatus:
    return AgentStatus(
        agent=agent,
        health=health,
        headline=headline_of(result),
        remedy=result.remedy,
        latency_ms=result.latency_ms,
        checked_at=result.checked_at,
        decisive=result,
    )


def overall_line(statuses: Sequence[AgentStatus]) -> str:
    """Return one line over all agents; the worst decides, paused and not probeable ones are left out (rule R11)."""
    counted = [s for s in statuses if s.health is not Health.PAUSED and AGENTS[s.agent].probeable]
    down = sum(s.health is Health.DOWN for s in counted)
    if down:
        return f"{down} agent{'s' if down > 1 else ''} down"
    if not counted or any(s.health is Health.UNKNOWN for s in counted):
        return "Status unknown"
    if any(s.health is Health.DEGRADED for s in counted):
        return "Some routes degraded"
    return "All routes healthy"
