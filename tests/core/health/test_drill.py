"""What an agent would do if its first model failed, played through without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.agents import AGENTS
from core.catalog.failover import FailureClass, measured_failures
from core.health.drill import Drill, Step, run_drill
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity, Route
from tests.fakes.verdicts import verdict

BASE = "https://ws.example/ai-gateway/mlflow/v1"


def choice(*models: str, agent: AgentId = AgentId.HERMES, base_urls: Sequence[str] = ()) -> AgentChoice:
    """Return a chain of these models; the first is the agent's own slot."""
    names = (AGENTS[agent].slots[0].name, *(f"fallback_{n}" if n > 1 else "fallback" for n in range(1, len(models))))
    bases = (*base_urls, *(BASE for _ in models))
    slots = tuple(
        SlotChoice(slot=name, model=model, source=Layer.TARGET, base_url=base)
        for name, model, base in zip(names, models, bases, strict=False)
    )
    return AgentChoice(agent=agent, enabled=True, dialect=None, base_url=BASE, slots=slots)


def probed(
    slot: str,
    model: str,
    health: Health = Health.HEALTHY,
    diagnosis: Diagnosis | None = None,
    *,
    identity: Identity = Identity.DASHBOARD,
    status: int | None = None,
) -> ProbeResult:
    """Return how a fallback really is."""
    route = Route(
        agent=AgentId.HERMES,
        slot=slot,
        model=model,
        base_url=BASE,
        dialect=Dialect.OPENAI_CHAT,
        identity=identity,
    )
    return replace(verdict(route, health, diagnosis), http_status=status)


def steps(drill: Drill) -> list[tuple[str | None, Step]]:
    return [(attempt.model, attempt.step) for attempt in drill.attempts]


def test_a_healthy_fallback_answers_at_once_on_429() -> None:
    drill = run_drill(choice("a", "b"), FailureClass.THROTTLED, [probed("fallback", "b")])
    assert steps(drill) == [("a", Step.FAILS), ("b", Step.ANSWERS)]
    assert (drill.health, drill.seconds) == (Health.DEGRADED, 0.2)
    assert drill.sentence == "Asked a, got an answer from b."


def test_an_overload_keeps_the_person_waiting_first() -> None:
    drill = run_drill(choice("a", "b"), FailureClass.OVERLOADED, [probed("fallback", "b")])
    assert (drill.attempts[0].requests, drill.seconds) == (2, 3.3)


def test_an_output_cap_never_reaches_the_fallback() -> None:
    drill = run_drill(choice("a", "b"), FailureClass.OUTPUT_CAP, [probed("fallback", "b")])
    assert steps(drill) == [("a", Step.FAILS)]
    assert drill.health is Health.DOWN and "does not fall back on it" in drill.sentence


def test_two_faults_end_with_the_second_and_hide_the_first() -> None:
    dead = probed("fallback", "b", Health.DOWN, Diagnosis.CREDENTIAL_DEAD, status=403)
    drill = run_drill(choice("a", "b"), FailureClass.NO_MODEL, [dead])
    assert steps(drill) == [("a", Step.FAILS), ("b", Step.FAILS)]
    assert drill.health is Health.DOWN
    assert drill.sentence == "Hermes ends with the failure of b, and does not show the primary's."
    assert drill.seconds == pytest.approx(0.5)


def test_the_agents_own_token_decides_not_the_dashboards() -> None:
    works = probed("fallback", "b")
    dead = probed("fallback", "b", Health.DOWN, Diagnosis.CREDENTIAL_DEAD, identity=Identity.STORED, status=403)
    assert run_drill(choice("a", "b"), FailureClass.NO_MODEL, [works, dead]).health is Health.DOWN


def test_a_chain_goes_on_to_the_model_that_answers() -> None:
    busy = probed("fallback", "b", Health.DOWN, Diagnosis.OVERLOADED, status=503)
    drill = run_drill(choice("a", "b", "c"), FailureClass.NO_MODEL, [busy, probed("fallback_2", "c")])
    assert steps(drill) == [("a", Step.FAILS), ("b", Step.FAILS), ("c", Step.ANSWERS)]
    assert drill.seconds == pytest.approx(3.5)


def test_the_same_model_is_skipped() -> None:
    drill = run_drill(choice("a", "a"), FailureClass.THROTTLED, [probed("fallback", "a")])
    assert steps(drill) == [("a", Step.FAILS), ("a", Step.SKIPPED)]
    assert drill.health is Health.DOWN


def test_the_same_model_elsewhere_depends_on_a_name_that_is_not_known() -> None:
    elsewhere = choice("a", "a", base_urls=(BASE, "https://ws.example/serving-endpoints"))
    drill = run_drill(elsewhere, FailureClass.THROTTLED, [probed("fallback", "a")])
    assert drill.health is Health.UNKNOWN and drill.attempts[-1].step is Step.UNKNOWN


def test_a_fallback_that_was_never_probed_is_unknown() -> None:
    drill = run_drill(choice("a", "b"), FailureClass.THROTTLED, [])
    assert drill.health is Health.UNKNOWN and "not probed yet" in drill.sentence


def test_a_verdict_on_another_model_of_the_slot_does_not_count() -> None:
    drill = run_drill(choice("a", "b"), FailureClass.THROTTLED, [probed("fallback", "former")])
    assert drill.health is Health.UNKNOWN


def test_an_answer_that_the_client_takes_for_good_is_one() -> None:
    other = probed("fallback", "b", Health.DEGRADED, Diagnosis.MODEL_SUBSTITUTED)
    assert run_drill(choice("a", "b"), FailureClass.THROTTLED, [other]).attempts[-1].step is Step.ANSWERS


def test_what_nobody_measured_is_not_claimed() -> None:
    drill = run_drill(choice("a", agent=AgentId.GEMINI), FailureClass.SERVER_ERROR, [])
    assert drill.health is Health.UNKNOWN and "was not measured" in drill.sentence


def test_claude_code_goes_on_only_with_its_option() -> None:
    drill = run_drill(choice("a", agent=AgentId.CLAUDE), FailureClass.NO_MODEL, [])
    assert drill.health is Health.UNKNOWN and "--fallback-model" in drill.sentence


def test_an_agent_without_a_fallback_ends_after_its_own_tries() -> None:
    drill = run_drill(choice("a", agent=AgentId.CODEX), FailureClass.UNAVAILABLE, [])
    assert (drill.health, drill.attempts[0].requests, drill.seconds) == (Health.DOWN, 30, 25.0)
    assert "has no fallback" in drill.sentence


def test_a_wait_that_was_not_timed_is_not_added_up() -> None:
    capped = probed("fallback", "b", Health.DOWN, Diagnosis.STREAM_BROKEN)
    assert run_drill(choice("a", "b"), FailureClass.NO_MODEL, [capped]).seconds is None


@given(
    agent=st.sampled_from([agent for agent in AgentId if measured_failures(agent)]),
    failure=st.sampled_from(FailureClass),
    healths=st.lists(st.sampled_from(Health), max_size=3),
    diagnosis=st.sampled_from(Diagnosis),
)
def test_a_drill_is_never_healthy_and_degraded_only_by_an_answer(
    agent: AgentId, failure: FailureClass, healths: list[Health], diagnosis: Diagnosis
) -> None:
    chain = choice("a", *(f"m{n}" for n in range(len(healths))), agent=agent)
    results = [
        replace(
            probed(slot.slot, slot.model or "", health, diagnosis),
            route=replace(probed("x", "y").route, agent=agent, slot=slot.slot, model=slot.model or ""),
        )
        for slot, health in zip(chain.slots[1:], healths, strict=True)
    ]
    drill = run_drill(chain, failure, results)
    assert drill.health is not Health.HEALTHY
    assert (drill.health is Health.DEGRADED) == (drill.attempts[-1].step is Step.ANSWERS)
