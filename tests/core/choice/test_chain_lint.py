"""What a fallback shares with the model before it."""

from __future__ import annotations

from dataclasses import replace

from core.choice.chain_lint import chain_of, lint_chain
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, Severity, SlotChoice
from core.model.probe import Diagnosis, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from tests.fakes.verdicts import verdict

BASE = "https://ws.example/ai-gateway/mlflow/v1"
PRIMARY = SlotChoice(
    slot="primary",
    model="databricks-claude-opus-4-6",
    source=Layer.TARGET,
    base_url=BASE,
    stored_token=Secret("one"),
    stored_token_from="api_key in config.yaml",
)
APART = SlotChoice(
    slot="fallback",
    model="databricks-gpt-5-5",
    source=Layer.TARGET,
    base_url="https://ws.example/serving-endpoints",
    stored_token=Secret("two"),
    stored_token_from="api_key in config.yaml",
)


def codes(*slots: SlotChoice) -> list[str]:
    return [finding.code for finding in lint_chain(choice(*slots))]


def choice(*slots: SlotChoice) -> AgentChoice:
    return AgentChoice(agent=AgentId.HERMES, enabled=True, dialect=None, base_url=BASE, slots=slots)


def test_a_chain_of_strangers_has_nothing_to_say() -> None:
    assert codes(PRIMARY, APART) == []


def test_one_token_for_both_is_named_by_its_text_or_else_by_its_place() -> None:
    assert codes(PRIMARY, replace(APART, stored_token=Secret("one"))) == ["fallback_same_token"]
    unread = replace(PRIMARY, stored_token=None)
    assert codes(unread, replace(APART, stored_token=None)) == ["fallback_same_token"]


def test_one_route_and_one_family_are_named() -> None:
    same = replace(APART, base_url=BASE, model="databricks-claude-sonnet-4-6")
    assert codes(PRIMARY, same) == ["fallback_same_route", "fallback_same_family"]


def test_families_that_nobody_knows_are_not_compared() -> None:
    one, other = replace(PRIMARY, model="north"), replace(APART, model="south")
    assert codes(one, other) == []


def test_the_same_model_is_left_to_its_own_finding() -> None:
    assert codes(PRIMARY, replace(PRIMARY, slot="fallback")) == []


def test_without_a_fallback_there_is_no_chain_to_judge() -> None:
    assert codes(PRIMARY) == [] and codes() == []
    assert chain_of(choice(PRIMARY, replace(APART, model=None))) == (PRIMARY,)


def test_a_failure_that_ends_the_agent_is_an_error_while_it_lasts() -> None:
    route = Route(
        agent=AgentId.HERMES,
        slot="primary",
        model=PRIMARY.model or "",
        base_url=BASE,
        dialect=Dialect.OPENAI_CHAT,
        identity=Identity.DASHBOARD,
    )
    capped = verdict(route, Health.DOWN, Diagnosis.OUTPUT_CAP)
    (finding,) = lint_chain(choice(PRIMARY, APART), [capped])
    assert (finding.code, finding.severity) == ("fallback_not_eligible", Severity.ERROR)
    assert lint_chain(choice(PRIMARY, APART), [verdict(route, Health.DOWN, Diagnosis.MODEL_ABSENT)]) == ()
