"""Both spellings of a model are one model, and its agents are those that could talk to it."""

from __future__ import annotations

import pytest

from core.detect.listing import ListedModel, Listing
from core.detect.models import agents_for, merge_models
from core.model.agent import AgentId
from core.model.models import ListingOutcome, ListingResult, Model

CHAT = "mlflow/v1/chat/completions"
MESSAGES = "anthropic/v1/messages"
RESPONSES = "openai/v1/responses"
GEMINI = "gemini/v1/generateContent"


def listing(source: str, *models: ListedModel, outcome: ListingOutcome = ListingOutcome.OK) -> Listing:
    result = ListingResult(source=source, outcome=outcome, count=len(models), detail="")
    return Listing(result=result, models=models)


def only(*models: ListedModel) -> Model:
    (model,) = merge_models([listing(f"source {number}", model) for number, model in enumerate(models)]).models
    return model


def test_both_spellings_are_one_model_with_the_union_of_its_api_types() -> None:
    model = only(
        ListedModel(spelling="databricks-claude-opus-4-6", ready=True, chat=True),
        ListedModel(spelling="databricks-claude-opus-4-6", api_types=(CHAT, MESSAGES), ready=True),
        ListedModel(spelling="system.ai.claude-opus-4-6", api_types=(MESSAGES, "mlflow/v1/responses")),
    )
    assert (model.id, model.family) == ("claude-opus-4-6", "claude")
    assert model.spellings == ("databricks-claude-opus-4-6", "system.ai.claude-opus-4-6")
    assert model.api_types == (CHAT, MESSAGES, "mlflow/v1/responses")


def test_a_service_of_another_schema_is_its_own_model() -> None:
    models = merge_models(
        [listing("s", ListedModel(spelling="main.team.claude-opus"), ListedModel(spelling="system.ai.claude-opus"))]
    ).models
    assert [model.id for model in models] == ["claude-opus", "main.team.claude-opus"]


@pytest.mark.parametrize(
    ("said", "ready"),
    [
        ((None, None), None),
        ((None, False), False),
        ((False, True), True),
        ((True, None), True),
    ],
)
def test_one_listing_that_calls_it_ready_is_enough(said: tuple[bool | None, ...], ready: bool | None) -> None:
    assert only(*(ListedModel(spelling="databricks-x", ready=value) for value in said)).ready is ready


@pytest.mark.parametrize(
    ("spelling", "chat", "has_agents"),
    [
        ("databricks-llama-4", True, True),
        ("databricks-llama-4", None, True),
        ("databricks-llama-4", False, False),
        ("databricks-gte-large-en", None, False),
        ("databricks-qwen3-embedding", True, False),
    ],
)
def test_models_that_do_not_chat_have_no_agents(spelling: str, chat: bool | None, has_agents: bool) -> None:
    assert bool(only(ListedModel(spelling=spelling, chat=chat)).agents) is has_agents


ALL_CHAT = {AgentId.HERMES, AgentId.COPILOT}
MULTI = {AgentId.OPENCODE, AgentId.PI}


@pytest.mark.parametrize(
    ("family", "api_types", "agents"),
    [
        ("claude", (CHAT, MESSAGES), {*ALL_CHAT, *MULTI, AgentId.CLAUDE}),
        ("claude", (MESSAGES,), {*MULTI, AgentId.CLAUDE}),
        ("claude", (CHAT,), ALL_CHAT),
        ("claude", (), {*ALL_CHAT, *MULTI, AgentId.CLAUDE}),
        ("gpt", (RESPONSES,), {*MULTI, AgentId.CODEX}),
        ("gpt", (), {*ALL_CHAT, *MULTI, AgentId.CODEX}),
        ("gemini", (GEMINI,), {*MULTI, AgentId.GEMINI}),
        ("gemini", ("gemini/v1beta/generateContent",), {*MULTI, AgentId.GEMINI}),
        ("gemini", (), {*ALL_CHAT, *MULTI, AgentId.GEMINI}),
        ("llama", (CHAT,), {*ALL_CHAT, *MULTI}),
        ("llama", (), {*ALL_CHAT, *MULTI}),
        ("other", ("mlflow/v1/embeddings",), set()),
        ("other", ("something/new",), set()),
    ],
)
def test_agents_are_those_whose_dialect_the_model_speaks(
    family: str, api_types: tuple[str, ...], agents: set[AgentId]
) -> None:
    assert set(agents_for(family, api_types)) == agents


def test_a_failed_listing_costs_the_others_nothing() -> None:
    good = listing("model_services", ListedModel(spelling="system.ai.gpt-5-5"))
    catalogue = merge_models([listing("serving_endpoints", outcome=ListingOutcome.FAILED), good])
    assert [model.id for model in catalogue.models] == ["gpt-5-5"]
    assert [source.outcome for source in catalogue.sources] == [ListingOutcome.FAILED, ListingOutcome.OK]


def test_models_are_sorted_and_found_by_either_spelling() -> None:
    models = [ListedModel(spelling=name) for name in ("databricks-b", "system.ai.a", "system.ai.b")]
    catalogue = merge_models([listing("s", *models)])
    assert [model.id for model in catalogue.models] == ["a", "b"]
    assert catalogue.find("databricks-b") is catalogue.find("system.ai.b")
