"""Fold the newest verdicts of an agent's routes into one status of the agent, and all agents into one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.catalog.agents import AGENTS
from core.catalog.failover import failover_of
from core.health.standing import shown
from core.model.agent import AgentId
from core.model.check import route_id
from core.model.choice import AgentChoice, SlotChoice
from core.model.probe import Diagnosis, Health, ProbeResult, Rung
from core.model.route import Identity
from core.model.standing import HealthRules, Standing

_WORST_FIRST = (Health.DOWN, Health.UNKNOWN, Health.DEGRADED, Health.PAUSED, Health.HEALTHY)
# What the slots are called that an agent goes on with when the one before fails.
_FALLBACK = "fallback"


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


def agent_status(
    choice: AgentChoice,
    results: Sequence[ProbeResult],
    *,
    standings: Mapping[str, Standing] | None = None,
    rules: HealthRules | None = None,
    now: datetime | None = None,
) -> AgentStatus:
    """Return the status of an agent from the newest verdicts of its slots, whosever credential they used.

    The first slot decides. It is as healthy as the worst of its identities: a route that works for the dashboard and
    not with the agent's own token does not work for the agent. With the `standings` of the routes, by route id, the
    line says how far a failure or a recovery has come; `now` is the time of the verdict when not given.
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
    words = _Words(standings=standings or {}, rules=rules or HealthRules(), now=now)
    if first.health is Health.DOWN:
        failing = [result for result in own if result.route.slot == slots[0][0].slot and result.health is Health.DOWN]
        falls_back = all(_falls_back(result) for result in failing)
        server = _working_fallback(first, slots[1:]) if falls_back else None
        return words.status(first.health, first) if server is None else words.served(first, *server)
    others = [result for _, result in slots[1:] if result is not None and result.health is not Health.HEALTHY]
    if first.health is Health.HEALTHY and others:
        return words.beside(first, others[0])
    return words.status(first.health, first)


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


def headline_of(result: ProbeResult, qualifier: str = "", *, proved: Rung | None = None) -> str:
    """Return the line beside the health word: the rung and what happened there, and the small text of its standing.

    `proved` is the highest rung that is known to work; that of the verdict when not given.
    """
    if result.diagnosis is Diagnosis.OK:
        return _answered(result.health, qualifier, proved or result.rung)
    words = _WORDS.get(result.diagnosis)
    what = f"{result.http_status} {words}" if words and result.http_status else result.message
    return f"{result.rung.label}: {what}" + (f" ({qualifier})" if qualifier else "")


def line_of(
    result: ProbeResult,
    standing: Standing | None,
    rules: HealthRules,
    now: datetime,
    *,
    proved: Rung | None = None,
) -> str:
    """Return the line with how far the route has come; the plain one where the verdict is not the word of its route."""
    seen = shown(standing, now, rules) if standing else None
    qualifier = seen.qualifier if seen and seen.health is result.health else ""
    return headline_of(result, qualifier, proved=proved)


def _proved(standing: Standing | None, rules: HealthRules, now: datetime) -> Rung | None:
    """Return what the newest faithful check proved while it counts; a short one in between takes nothing away."""
    last = standing.faithful.last if standing else None
    if last is None or last.health is not Health.HEALTHY:
        return None
    age_s = (now - last.checked_at).total_seconds()
    return last.rung if age_s <= rules.stale_intervals * rules.faithful_interval_s else None


def _answered(health: Health, qualifier: str, proved: Rung) -> str:
    """The last check passed; what else the word says comes from the checks before it, or from its age."""
    if health in (Health.HEALTHY, Health.PAUSED):
        return "Model answers" + _BESIDES.get(proved, "") + (f" ({qualifier})" if qualifier else "")
    if health is Health.UNKNOWN:
        return "Model answered when it was last asked" + (f" ({qualifier})" if qualifier else "")
    if qualifier.startswith("slow"):
        return f"Model answers, but {qualifier}"
    return f"Model answers again, {qualifier or 'not often enough yet'}"


# What the agent's own request proves beyond an answer.
_BESIDES = {Rung.STREAM: ", streaming works", Rung.TOOLS: ", tools work"}
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


def _falls_back(result: ProbeResult) -> bool:
    """Say whether the agent gets past this verdict (rule R10); one that passes needs no fallback."""
    if result.diagnosis is Diagnosis.OK:
        return True
    failover = failover_of(result.route.agent, result.diagnosis, result.http_status)
    return failover is not None and failover.falls_back and not failover.needs


def _working_fallback(
    primary: ProbeResult, rest: Sequence[tuple[SlotChoice, ProbeResult | None]]
) -> tuple[SlotChoice, ProbeResult] | None:
    """Return the fallback that the agent ends up on; one with the primary's model is skipped, so it is none."""
    for slot, result in rest:
        is_fallback = slot.slot.startswith(_FALLBACK) and slot.model != primary.route.model
        if is_fallback and result is not None and result.health is Health.HEALTHY:
            return slot, result
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Say a status in words, with what is known of how its route stands."""

    standings: Mapping[str, Standing]
    rules: HealthRules
    now: datetime | None

    def line(self, result: ProbeResult) -> str:
        standing = self.standings.get(route_id(result.route)) if self.standings else None
        now = self.now or result.checked_at
        return line_of(result, standing, self.rules, now, proved=_proved(standing, self.rules, now))

    def served(self, primary: ProbeResult, slot: SlotChoice, serving: ProbeResult) -> AgentStatus:
        """Return Degraded: the agent answers, but not with the model it should."""
        status = self.status(Health.DEGRADED, primary)
        is_back = primary.diagnosis is Diagnosis.OK
        headline = f"{'Backed' if is_back else 'Served'} by {slot.slot} {slot.model}; primary {self.line(primary)}"
        return replace(status, headline=headline, latency_ms=serving.latency_ms, checked_at=serving.checked_at)

    def beside(self, first: ProbeResult, other: ProbeResult) -> AgentStatus:
        """Return Degraded: the agent answers, but not where it goes on or turns to for other work."""
        status = self.status(Health.DEGRADED, other)
        line = f"{first.route.slot.capitalize()} answers; {other.route.slot} {status.headline}"
        return replace(status, headline=line)

    def status(self, health: Health, result: ProbeResult) -> AgentStatus:
        return AgentStatus(
            agent=result.route.agent,
            health=health,
            headline=self.line(result),
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
