"""An agent's choice with other models than it is set to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.choice.variants import every_model, with_model
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.models import Model, ModelCatalogue

HOST = "https://ws.example"
PI = AgentChoice(
    agent=AgentId.PI,
    enabled=True,
    dialect=Dialect.ANTHROPIC_MESSAGES,
    base_url=f"{HOST}/ai-gateway/anthropic",
    slots=(
        SlotChoice(
            slot="default",
            model="databricks-claude-opus-4-6",
            source=Layer.TARGET,
            base_url=f"{HOST}/stored/base",
            dialect=Dialect.ANTHROPIC_MESSAGES,
        ),
        SlotChoice(slot="second", model="m", source=Layer.DEFAULT),
    ),
)


def gateway(generation: Generation) -> Gateway:
    """Return a resolved gateway of this generation."""
    path = "/serving-endpoints" if generation is Generation.SERVING_ENDPOINTS else "/ai-gateway"
    return Gateway(
        base_url=HOST + path,
        generation=generation,
        source=GatewaySource.DISCOVERED,
        trace=(),
        resolved_at=datetime(2030, 1, 1, tzinfo=UTC),
    )


def model(name: str, *agents: AgentId) -> Model:
    """Return a model under both spellings, the service's first."""
    return Model(id=name, spellings=(f"system.ai.{name}", f"databricks-{name}"), family="claude", agents=agents)


def test_the_first_slot_takes_the_model_and_keeps_its_own_base_for_the_same_dialect() -> None:
    (slot,) = with_model(PI, "databricks-claude-haiku-4-5", gateway(Generation.WORKSPACE)).slots
    assert (slot.slot, slot.model) == ("default", "databricks-claude-haiku-4-5")
    assert (slot.base_url, slot.dialect) == (f"{HOST}/stored/base", Dialect.ANTHROPIC_MESSAGES)


def test_a_model_of_another_family_is_asked_in_its_own_dialect_and_place() -> None:
    (slot,) = with_model(PI, "databricks-gpt-5-5", gateway(Generation.WORKSPACE)).slots
    assert (slot.base_url, slot.dialect) == (f"{HOST}/ai-gateway/codex/v1", Dialect.OPENAI_RESPONSES)


def test_without_slots_there_is_nothing_to_think_otherwise() -> None:
    bare = replace(PI, slots=())
    assert with_model(bare, "m", None) is bare


@pytest.mark.parametrize(
    ("generation", "spelling"),
    [(Generation.WORKSPACE, "system.ai.claude-a"), (Generation.SERVING_ENDPOINTS, "databricks-claude-a")],
)
def test_models_that_the_agent_can_use_are_spelled_for_the_generation(generation: Generation, spelling: str) -> None:
    catalogue = ModelCatalogue(models=(model("claude-a", AgentId.PI), model("claude-b", AgentId.HERMES)))
    variants = list(every_model(PI, gateway(generation), catalogue))
    assert [variant.slots[0].model for variant in variants] == [spelling]


def test_a_model_with_no_other_name_keeps_the_one_it_has() -> None:
    only = replace(model("claude-a", AgentId.PI), spellings=("system.ai.claude-a",))
    (variant,) = every_model(PI, gateway(Generation.SERVING_ENDPOINTS), ModelCatalogue(models=(only,)))
    assert variant.slots[0].model == "system.ai.claude-a"
