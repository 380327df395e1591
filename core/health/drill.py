"""Play through what an agent would do if its first model failed, with its other routes as they are now; sends nothing.

What each client does on which failure was measured (core.catalog.failover); how the fallbacks are was probed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.catalog.agents import AGENTS
from core.catalog.failover import Failover, FailureClass, failover_of, failure_class, measured_failures
from core.choice.chain_lint import chain_of
from core.health.agent_status import headline_of, worst_of
from core.model.agent import AgentId
from core.model.choice import AgentChoice, SlotChoice
from core.model.probe import Diagnosis, Health, ProbeResult


class Step(StrEnum):
    """What happens to one attempt of a drill."""

    FAILS = "fails"
    ANSWERS = "answers"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One model that the agent turns to.

    `requests` are sent to it, taking `seconds` (None: not measured), before the agent goes on or ends. `result` is the
    real probe behind it; the first attempt has none, because its failure was chosen. `needs` is the option without
    which the agent ends here.
    """

    slot: str
    model: str | None
    step: Step
    words: str
    requests: int = 0
    seconds: float | None = None
    result: ProbeResult | None = None
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """How it would end: Degraded when a fallback answers, Down when none does, Unknown when that cannot be said.

    `seconds` are how long the person waits before the fallback is asked, or before the agent gives up.
    """

    agent: AgentId
    failure: FailureClass
    attempts: tuple[Attempt, ...]
    health: Health
    sentence: str
    seconds: float | None


def run_drill(choice: AgentChoice, failure: FailureClass, results: Sequence[ProbeResult]) -> Drill:
    """Return what this agent would do, attempt by attempt, if its first model failed in this way now."""
    attempts = tuple(_attempts(choice, failure, results))
    waits = [attempt.seconds for attempt in attempts if attempt.step is Step.FAILS]
    # A sum with a part that nobody measured would claim too much.
    seconds = None if None in waits else sum(wait for wait in waits if wait is not None)
    health, sentence = _ending(choice, attempts)
    return Drill(
        agent=choice.agent, failure=failure, attempts=attempts, health=health, sentence=sentence, seconds=seconds
    )


def _attempts(choice: AgentChoice, failure: FailureClass, results: Sequence[ProbeResult]) -> Iterator[Attempt]:
    first, *fallbacks = chain_of(choice)
    failover = measured_failures(choice.agent).get(failure)
    if failover is None:
        label = AGENTS[choice.agent].label
        words = f"What {label} does on \u201c{failure.label}\u201d was not measured"
        yield Attempt(slot=first.slot, model=first.model, step=Step.UNKNOWN, words=words)
        return
    yield _failing(first, failure.label, failover)
    for slot in fallbacks:
        if not failover.falls_back or failover.needs:
            return
        attempt, failover = _fallback(slot, first, results, failover)
        yield attempt
        if attempt.step in (Step.ANSWERS, Step.UNKNOWN):
            return


def _failing(slot: SlotChoice, what: str, failover: Failover, result: ProbeResult | None = None) -> Attempt:
    return Attempt(
        slot=slot.slot,
        model=slot.model,
        step=Step.FAILS,
        words=what,
        requests=failover.requests,
        seconds=failover.seconds,
        result=result,
        needs=failover.needs,
    )


def _fallback(
    slot: SlotChoice, primary: SlotChoice, results: Sequence[ProbeResult], before: Failover
) -> tuple[Attempt, Failover]:
    """Return what happens at one fallback, and what the agent does after it."""
    if slot.model == primary.model:
        return _same_model(slot, primary), before
    result = worst_of(one for one in results if (one.route.slot, one.route.model) == (slot.slot, slot.model))
    attempt = Attempt(slot=slot.slot, model=slot.model, step=Step.UNKNOWN, words="not probed yet", result=result)
    if result is None:
        return attempt, before
    attempt = replace(attempt, words=headline_of(result))
    if result.health is Health.UNKNOWN:
        return attempt, before
    if result.diagnosis is Diagnosis.OK or _passes_for_fine(result):
        return replace(attempt, step=Step.ANSWERS, requests=1), before
    failover = failover_of(result.route.agent, result.diagnosis, result.http_status)
    if failover is None:
        return replace(attempt, words=f"{attempt.words}; what the agent does then was not measured"), before
    return _failing(slot, attempt.words, failover, result), failover


def _same_model(slot: SlotChoice, primary: SlotChoice) -> Attempt:
    """Hermes skips an entry of the same provider and model, whatever its base URL (agents.md section 3.1)."""
    if slot.base_url == primary.base_url:
        words = "the same provider and model as the primary, so it is never asked"
        return Attempt(slot=slot.slot, model=slot.model, step=Step.SKIPPED, words=words)
    words = "the primary's model on another base URL, which is asked only if its provider has another name"
    return Attempt(slot=slot.slot, model=slot.model, step=Step.UNKNOWN, words=words)


def _passes_for_fine(result: ProbeResult) -> bool:
    """Say whether the client takes this answer for a good one, whatever is wrong with it."""
    return result.health is Health.DEGRADED and failure_class(result.diagnosis, result.http_status) is None


def _ending(choice: AgentChoice, attempts: Sequence[Attempt]) -> tuple[Health, str]:
    label, last = AGENTS[choice.agent].label, attempts[-1]
    if last.step is Step.ANSWERS:
        return Health.DEGRADED, f"Asked {attempts[0].model}, got an answer from {last.model}."
    if last.step is Step.UNKNOWN:
        return Health.UNKNOWN, f"Whether {label} would answer cannot be said: {last.words}."
    if last.needs:
        return Health.UNKNOWN, f"{label} goes on only if it was started with {last.needs}, which cannot be seen here."
    if last.step is Step.SKIPPED:
        return Health.DOWN, f"{label} ends with the primary's failure: its fallback is never asked."
    if len(attempts) > 1:
        return Health.DOWN, f"{label} ends with the failure of {last.model}, and does not show the primary's."
    why = "it does not fall back on it" if chain_of(choice)[1:] else "it has no fallback"
    return Health.DOWN, f"{label} ends with this failure: {why}."
