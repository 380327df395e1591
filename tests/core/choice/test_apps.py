"""Where no config is on this machine, the one app that has an agent's variables says what the agent runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from core.choice.apps import configured_by, gateway_of_app
from core.choice.layers import choose_agents, choose_in_app
from core.detect.hosts import parse_host
from core.detect.trust import make_trust
from core.model.agent import AgentId
from core.model.app import AppSeen, RunningApp
from core.model.change import TargetInfo, TargetKind
from core.model.choice import AgentChoice, AgentConfig, Layer, Shadowed, StoredRoute
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.models import ModelCatalogue

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOST = parse_host("https://dbc-a1b2c3d4-e5f6.cloud.databricks.com")
TRUST = make_trust(HOST.origin, ())
PRESENT = Gateway(
    base_url=f"{HOST.origin}/ai-gateway",
    generation=Generation.WORKSPACE,
    source=GatewaySource.DISCOVERED,
    trace=(),
    resolved_at=NOW,
)
A, B, C = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6", "databricks-claude-haiku-4-5"


def app(name: str = "coda", running: Mapping[str, str] | None = None, *agents: AgentId) -> AppSeen:
    info = TargetInfo(
        id=f"app:{name}",
        kind=TargetKind.APP,
        agents=agents or (AgentId.HERMES, AgentId.CODEX),
        writable=True,
        reason="It can be changed.",
    )
    return AppSeen(info=info, seen_at=NOW, file=running, running=running, is_up=True)


def chosen(
    values: Mapping[str, str],
    *,
    agent: AgentId = AgentId.HERMES,
    environment: Mapping[str, str] | None = None,
    config: AgentConfig | None = None,
    hidden: frozenset[str] = frozenset(),
) -> AgentChoice:
    choices = choose_agents(
        environment=environment or {},
        configs={agent: config} if config else {},
        gateway=PRESENT,
        catalogue=ModelCatalogue(),
        apps={agent: RunningApp(target="app:coda", values=values, hidden=hidden, gateway=PRESENT)},
    )
    return next(choice for choice in choices if choice.agent is agent)


def slots_of(choice: AgentChoice) -> list[tuple[str, str | None, Layer]]:
    return [(slot.slot, slot.model, slot.source) for slot in choice.slots]


def test_an_apps_values_are_the_target_and_shadow_environment_and_default() -> None:
    choice = chosen({"HERMES_MODEL": C, "HERMES_FALLBACK_MODEL": A}, environment={"HERMES_MODEL": B})
    assert slots_of(choice) == [("primary", C, Layer.TARGET), ("fallback", A, Layer.TARGET)]
    primary = choice.slots[0]
    assert primary.shadowed == (Shadowed(source=Layer.ENVIRONMENT, value=B), Shadowed(source=Layer.DEFAULT, value=A))
    assert (choice.target, primary.base_url) == ("app:coda", f"{HOST.origin}/ai-gateway/mlflow/v1")
    assert primary.stored_token is None


def test_a_fallback_that_the_app_does_not_name_is_none() -> None:
    assert slots_of(chosen({"HERMES_MODEL": C}))[1] == ("fallback", None, Layer.TARGET)


def test_the_agents_own_config_on_this_machine_wins_over_the_app() -> None:
    stored = StoredRoute(slot="primary", model=B, base_url=None, token=None, token_from=None)
    config = AgentConfig(agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=True, slots=(stored,))
    choice = chosen({"HERMES_MODEL": C}, config=config)
    assert (choice.slots[0].model, choice.target) == (B, "file:hermes")


def test_a_config_that_is_broken_is_not_replaced_by_what_an_app_says() -> None:
    config = AgentConfig(agent=AgentId.HERMES, path="~/x", exists=True, problem="~/x cannot be used.")
    choice = chosen({"HERMES_MODEL": C}, config=config)
    assert choice.slots[0].source is Layer.DEFAULT and choice.target is None


def test_a_config_that_does_not_exist_leaves_the_word_to_the_app_and_is_still_named() -> None:
    config = AgentConfig(agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=False)
    choice = chosen({"HERMES_MODEL": C}, config=config)
    assert (choice.slots[0].model, choice.config) == (C, config)


@pytest.mark.parametrize(("value", "enabled"), [("false", False), ("true", True), ("", True)])
def test_an_app_switches_its_agent_off(value: str, enabled: bool) -> None:
    assert chosen({"HERMES_MODEL": C, "ENABLE_HERMES": value}).enabled is enabled


def test_a_value_that_cannot_be_read_back_is_said() -> None:
    choice = chosen({"HERMES_FALLBACK_MODEL": A}, hidden=frozenset({"HERMES_MODEL", "CODEX_MODEL"}))
    assert [(finding.code, finding.message.split()[0]) for finding in choice.lint if "hidden" in finding.code] == [
        ("app_value_hidden", "HERMES_MODEL")
    ]


def test_an_agents_choice_in_an_app_is_the_same_asked_for_by_itself() -> None:
    running = RunningApp(target="app:coda", values={"CODEX_MODEL": "m"}, gateway=PRESENT)
    choice = choose_in_app(AgentId.CODEX, running)
    assert (choice.slots[0].model, choice.slots[0].source, choice.target) == ("m", Layer.TARGET, "app:coda")


# Which app it is


def test_the_only_app_with_an_agents_variables_configures_it() -> None:
    one, two = app("one", {}, AgentId.HERMES), app("two", {}, AgentId.CODEX)
    found = configured_by([one, two], None)
    assert found.by_agent == {AgentId.HERMES: one, AgentId.CODEX: two} and found.undecided == {}


def test_several_apps_decide_nothing_until_one_is_named() -> None:
    one, two = app("one", {}), app("two", {})
    found = configured_by([one, two], None)
    assert found.by_agent == {} and found.undecided[AgentId.HERMES] == ("one", "two")
    assert configured_by([one, two], "two").by_agent[AgentId.HERMES] is two


def test_a_named_app_that_was_not_found_and_one_that_cannot_be_read_configure_nothing() -> None:
    assert configured_by([app("one", {})], "three").by_agent == {}
    assert configured_by([app("one", None)], None).by_agent == {}


# Which gateway it uses


@pytest.mark.parametrize(
    ("values", "base_url", "generation"),
    [
        ({}, f"{HOST.origin}/ai-gateway", Generation.WORKSPACE),
        ({"DATABRICKS_GATEWAY_HOST": ""}, f"{HOST.origin}/serving-endpoints", Generation.SERVING_ENDPOINTS),
        (
            {"DATABRICKS_GATEWAY_HOST": "https://1.ai-gateway.cloud.databricks.com/"},
            "https://1.ai-gateway.cloud.databricks.com",
            Generation.DEDICATED,
        ),
    ],
)
def test_an_app_uses_the_gateway_that_it_states(
    values: Mapping[str, str], base_url: str, generation: Generation
) -> None:
    found = gateway_of_app(app("coda", values), PRESENT, host=HOST, trust=TRUST, now=NOW)
    assert found is not None and (found.base_url, found.generation) == (base_url, generation)


@pytest.mark.parametrize("url", ["https://evil.example", "http://x", "not a url", "https://user:pass@x.databricks.com"])
def test_a_gateway_that_may_not_have_our_token_is_not_asked(url: str) -> None:
    seen = app("coda", {"DATABRICKS_GATEWAY_HOST": url})
    assert gateway_of_app(seen, PRESENT, host=HOST, trust=TRUST, now=NOW) is None
