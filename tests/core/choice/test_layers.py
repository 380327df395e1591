"""The agent's own config wins over the environment, which wins over the defaults; what lost is still shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.catalog.agents import AGENTS
from core.choice.layers import choose_agents
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, AgentConfig, Layer, Shadowed, SlotChoice, StoredRoute
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.models import ModelCatalogue
from core.model.secret import Secret

ORIGIN = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com"
OPUS, SONNET = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6"


def gateway(
    base_url: str | None = f"{ORIGIN}/ai-gateway", generation: Generation | None = Generation.WORKSPACE
) -> Gateway:
    return Gateway(
        base_url=base_url,
        generation=generation,
        source=GatewaySource.DISCOVERED,
        trace=(),
        resolved_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def stored(slot: str, model: str, base_url: str | None = f"{ORIGIN}/serving-endpoints") -> StoredRoute:
    return StoredRoute(slot=slot, model=model, base_url=base_url, token=Secret("dapi-fiction"), token_from="api_key")


def hermes_config(*slots: StoredRoute, problem: str | None = None) -> AgentConfig:
    return AgentConfig(agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=True, slots=slots, problem=problem)


def choose(
    agent: AgentId,
    environment: Mapping[str, str] | None = None,
    config: AgentConfig | None = None,
    found: Gateway | None = None,
) -> AgentChoice:
    choices = choose_agents(
        environment=environment or {},
        configs={agent: config} if config else {},
        gateway=found or gateway(),
        catalogue=ModelCatalogue(),
    )
    return next(choice for choice in choices if choice.agent is agent)


def slot_of(choice: AgentChoice, name: str) -> SlotChoice:
    slot = choice.slot(name)
    assert slot is not None
    return slot


def test_every_agent_has_a_choice_in_catalogue_order() -> None:
    choices = choose_agents(environment={}, configs={}, gateway=None, catalogue=ModelCatalogue())
    assert [choice.agent for choice in choices] == list(AGENTS)


def test_without_anything_set_the_defaults_hold_and_name_their_variable() -> None:
    primary = slot_of(choose(AgentId.HERMES), "primary")
    assert (primary.model, primary.source, primary.variable) == (OPUS, Layer.DEFAULT, "HERMES_MODEL")
    assert primary.shadowed == ()


def test_the_environment_shadows_the_default() -> None:
    primary = slot_of(choose(AgentId.HERMES, {"HERMES_MODEL": " databricks-llama-4 "}), "primary")
    assert (primary.model, primary.source) == ("databricks-llama-4", Layer.ENVIRONMENT)
    assert primary.shadowed == (Shadowed(source=Layer.DEFAULT, value=OPUS),)


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_counts_as_not_set(value: str) -> None:
    assert slot_of(choose(AgentId.HERMES, {"HERMES_MODEL": value}), "primary").source is Layer.DEFAULT


def test_the_first_set_variable_of_a_slot_wins() -> None:
    both = {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "databricks-a", "ANTHROPIC_SMALL_FAST_MODEL": "databricks-b"}
    assert slot_of(choose(AgentId.CLAUDE, both), "haiku").model == "databricks-a"
    second = slot_of(choose(AgentId.CLAUDE, {"ANTHROPIC_SMALL_FAST_MODEL": "databricks-b"}), "haiku")
    assert (second.model, second.variable) == ("databricks-b", "ANTHROPIC_SMALL_FAST_MODEL")


def test_the_agents_own_config_shadows_the_environment_nearest_first() -> None:
    config = hermes_config(stored("primary", "databricks-claude-opus-4-7"), stored("fallback", OPUS))
    primary = slot_of(choose(AgentId.HERMES, {"HERMES_MODEL": "databricks-llama-4"}, config), "primary")
    assert (primary.model, primary.source, primary.variable) == (
        "databricks-claude-opus-4-7",
        Layer.TARGET,
        "HERMES_MODEL",
    )
    assert [item.source for item in primary.shadowed] == [Layer.ENVIRONMENT, Layer.DEFAULT]


def test_a_stored_route_keeps_its_base_url_generation_and_token() -> None:
    slot = slot_of(choose(AgentId.HERMES, {}, hermes_config(stored("primary", OPUS))), "primary")
    assert (slot.base_url, slot.generation) == (f"{ORIGIN}/serving-endpoints", Generation.SERVING_ENDPOINTS)
    assert slot.dialect is Dialect.OPENAI_CHAT
    assert (slot.stored_token, slot.stored_token_from) == (Secret("dapi-fiction"), "api_key")


def test_the_dialect_that_a_config_itself_names_wins_over_the_models_family() -> None:
    by_chat = replace(stored("default", SONNET, f"{ORIGIN}/ai-gateway/mlflow/v1"), dialect=Dialect.OPENAI_CHAT)
    config = replace(hermes_config(by_chat), agent=AgentId.PI)
    choice = choose(AgentId.PI, {}, config)
    assert (slot_of(choice, "default").dialect, choice.dialect) == (Dialect.OPENAI_CHAT, Dialect.OPENAI_CHAT)
    by_family = replace(config, slots=(replace(by_chat, dialect=None),))
    assert slot_of(choose(AgentId.PI, {}, by_family), "default").dialect is Dialect.ANTHROPIC_MESSAGES


def test_a_config_without_a_fallback_means_no_fallback() -> None:
    fallback = slot_of(choose(AgentId.HERMES, {}, hermes_config(stored("primary", OPUS))), "fallback")
    assert (fallback.model, fallback.source) == (None, Layer.TARGET)
    assert fallback.shadowed == (Shadowed(source=Layer.DEFAULT, value=SONNET),)


def test_further_fallbacks_of_the_config_become_slots() -> None:
    names = ("primary", "fallback", "fallback_2", "fallback_3")
    config = hermes_config(*(stored(name, f"databricks-{name}") for name in names))
    choice = choose(AgentId.HERMES, {}, config)
    assert tuple(slot.slot for slot in choice.slots) == names
    third = slot_of(choice, "fallback_3")
    assert (third.model, third.source, third.variable) == ("databricks-fallback_3", Layer.TARGET, None)
    assert third.base_url is not None


@pytest.mark.parametrize(
    "config", [hermes_config(), hermes_config(stored("primary", "x"), problem="~/.hermes/config.yaml is broken.")]
)
def test_a_config_that_says_nothing_usable_leaves_the_choice_to_the_environment(config: AgentConfig) -> None:
    choice = choose(AgentId.HERMES, {"HERMES_MODEL": "databricks-llama-4"}, config)
    assert slot_of(choice, "primary").source is Layer.ENVIRONMENT
    assert slot_of(choice, "fallback").model == SONNET
    assert choice.config is config


def test_a_stored_slot_without_a_base_url_goes_the_gateways_way() -> None:
    slot = slot_of(choose(AgentId.HERMES, {}, hermes_config(stored("primary", OPUS, None))), "primary")
    assert (slot.base_url, slot.generation) == (f"{ORIGIN}/ai-gateway/mlflow/v1", Generation.WORKSPACE)


def test_the_title_slot_follows_the_default_slot() -> None:
    choice = choose(AgentId.OPENCODE, {"OPENCODE_MODEL": "databricks-gpt-5-5"})
    title = slot_of(choice, "title")
    assert (title.model, title.source) == ("databricks-gpt-5-5", Layer.ENVIRONMENT)
    assert (title.dialect, title.base_url) == (Dialect.OPENAI_RESPONSES, f"{ORIGIN}/ai-gateway/codex/v1")


BASES = {
    "hermes on the workspace": (AgentId.HERMES, Generation.WORKSPACE, "/mlflow/v1", Dialect.OPENAI_CHAT),
    "claude on the workspace": (AgentId.CLAUDE, Generation.WORKSPACE, "/anthropic", Dialect.ANTHROPIC_MESSAGES),
    "codex on the workspace": (AgentId.CODEX, Generation.WORKSPACE, "/codex/v1", Dialect.OPENAI_RESPONSES),
    "gemini on the workspace": (AgentId.GEMINI, Generation.WORKSPACE, "/gemini", Dialect.GEMINI_GENERATE),
    "opencode on the workspace": (AgentId.OPENCODE, Generation.WORKSPACE, "/anthropic/v1", Dialect.ANTHROPIC_MESSAGES),
    "hermes on serving-endpoints": (AgentId.HERMES, Generation.SERVING_ENDPOINTS, "", Dialect.OPENAI_CHAT),
    "claude on serving-endpoints": (
        AgentId.CLAUDE,
        Generation.SERVING_ENDPOINTS,
        "/anthropic",
        Dialect.ANTHROPIC_MESSAGES,
    ),
    "codex on a dedicated host": (AgentId.CODEX, Generation.DEDICATED, "/codex/v1", Dialect.OPENAI_RESPONSES),
}


@pytest.mark.parametrize(("agent", "generation", "path", "dialect"), BASES.values(), ids=BASES.keys())
def test_the_base_url_is_the_gateways_with_the_agents_own_path(
    agent: AgentId, generation: Generation, path: str, dialect: Dialect
) -> None:
    choice = choose(agent, found=gateway("https://gw.example.com/base", generation))
    assert (choice.base_url, choice.dialect) == (f"https://gw.example.com/base{path}", dialect)
    assert choice.slots[0].generation is generation


def test_without_a_gateway_there_is_no_base_url() -> None:
    choice = choose(AgentId.CODEX, found=gateway(None, None))
    assert (choice.base_url, choice.slots[0].generation) == (None, None)


def test_cursor_can_only_be_shown() -> None:
    choice = choose(AgentId.CURSOR)
    assert (choice.enabled, choice.dialect, choice.base_url) == (True, None, None)
    assert slot_of(choice, "default").model is None


@pytest.mark.parametrize(
    ("value", "enabled"),
    [
        (None, True),
        ("", True),
        ("true", True),
        ("1", True),
        ("anything", True),
        ("false", False),
        (" False ", False),
        ("0", False),
        ("NO", False),
        ("off", False),
    ],
)
def test_an_agent_is_enabled_unless_it_is_switched_off(value: str | None, enabled: bool) -> None:
    environment = {} if value is None else {"ENABLE_HERMES": value}
    assert choose(AgentId.HERMES, environment).enabled is enabled


def test_the_long_context_ending_stays_in_the_value() -> None:
    choice = choose(AgentId.CLAUDE, {"ANTHROPIC_MODEL": "databricks-claude-opus-4-6[1m]"})
    assert slot_of(choice, "default").model == "databricks-claude-opus-4-6[1m]"


def test_our_own_defaults_name_two_different_models_for_hermes() -> None:
    choice = choose(AgentId.HERMES)
    assert slot_of(choice, "primary").model != slot_of(choice, "fallback").model
    assert choice.lint == ()
