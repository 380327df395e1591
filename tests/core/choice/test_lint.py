"""Lint names what will not work before anything is asked, and keeps silent where nobody can know."""

from __future__ import annotations

import pytest

from core.choice.lint import find_model, lint_choice
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, AgentConfig, Layer, LintFinding, Severity, Shadowed, SlotChoice
from core.model.gateway import Generation
from core.model.models import ListingOutcome, ListingResult, Model, ModelCatalogue

OPUS, SONNET = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6"
CHAT, MESSAGES = "mlflow/v1/chat/completions", "anthropic/v1/messages"
BASE = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com/serving-endpoints"


def model(
    spelling: str,
    *more: str,
    api_types: tuple[str, ...] = (CHAT, MESSAGES),
    agents: tuple[AgentId, ...] = (AgentId.HERMES,),
) -> Model:
    name = spelling.removeprefix("databricks-").removeprefix("system.ai.")
    return Model(id=name, spellings=(spelling, *more), family="claude", api_types=api_types, agents=agents)


def catalogue(*models: Model, outcome: ListingOutcome = ListingOutcome.OK) -> ModelCatalogue:
    result = ListingResult(source="serving_endpoints", outcome=outcome, count=len(models), detail="")
    return ModelCatalogue(models=models, sources=(result,))


LISTED = catalogue(model(OPUS), model(SONNET))


def slot(
    name: str,
    value: str | None,
    *,
    source: Layer = Layer.TARGET,
    shadowed: tuple[Shadowed, ...] = (),
    generation: Generation = Generation.WORKSPACE,
    base_url: str = BASE,
) -> SlotChoice:
    return SlotChoice(
        slot=name,
        model=value,
        source=source,
        variable="HERMES_MODEL",
        shadowed=shadowed,
        base_url=base_url,
        dialect=Dialect.OPENAI_CHAT,
        generation=generation,
    )


def lint(
    *slots: SlotChoice,
    known: ModelCatalogue = LISTED,
    agent: AgentId = AgentId.HERMES,
    config: AgentConfig | None = None,
) -> dict[str, LintFinding]:
    choice = AgentChoice(
        agent=agent, enabled=True, dialect=Dialect.OPENAI_CHAT, base_url=BASE, slots=slots, config=config
    )
    return {finding.code: finding for finding in lint_choice(choice, known)}


def test_a_sound_chain_has_no_findings() -> None:
    assert lint(slot("primary", OPUS), slot("fallback", SONNET)) == {}


def test_a_fallback_that_equals_the_primary_is_no_fallback() -> None:
    finding = lint(slot("primary", OPUS), slot("fallback", OPUS))["fallback_equals_primary"]
    assert finding.severity is Severity.ERROR
    assert "skips it" in finding.message


def test_a_later_fallback_is_compared_too() -> None:
    found = lint(slot("primary", OPUS), slot("fallback", SONNET), slot("fallback_2", OPUS))
    assert found["fallback_equals_primary"].message.startswith("fallback_2 ")


@pytest.mark.parametrize(
    "fallback",
    [slot("fallback", "system.ai.claude-opus-4-6"), slot("fallback", OPUS, base_url="https://gw.example.com")],
    ids=["other spelling", "other route"],
)
def test_the_same_model_by_another_way_is_a_warning(fallback: SlotChoice) -> None:
    assert lint(slot("primary", OPUS), fallback)["fallback_equals_primary"].severity is Severity.WARNING


def test_a_missing_fallback_is_a_warning() -> None:
    assert lint(slot("primary", OPUS), slot("fallback", None))["fallback_missing"].severity is Severity.WARNING


def test_a_fallback_without_a_primary_is_compared_with_nothing() -> None:
    assert lint(slot("primary", None), slot("fallback", OPUS)) == {}


def test_agents_without_a_chain_miss_no_fallback() -> None:
    assert lint(slot("default", OPUS), agent=AgentId.COPILOT) == {}


def test_a_model_that_no_listing_has_is_unknown() -> None:
    finding = lint(slot("primary", "databricks-claude-opus-4-7"))["model_unknown"]
    assert finding.severity is Severity.WARNING
    assert "databricks-claude-opus-4-7" in finding.message


def test_an_unlisted_spelling_says_how_the_model_is_listed() -> None:
    assert f"listed as {OPUS}" in lint(slot("primary", "claude-opus-4-6"))["model_unknown"].message


@pytest.mark.parametrize(
    "known",
    [
        ModelCatalogue(),
        catalogue(outcome=ListingOutcome.FAILED),
        catalogue(outcome=ListingOutcome.UNAVAILABLE),
        catalogue(),
    ],
    ids=["never listed", "failed", "unavailable", "empty"],
)
def test_without_a_listing_no_model_is_called_unknown(known: ModelCatalogue) -> None:
    assert lint(slot("primary", "databricks-anything"), slot("fallback", SONNET), known=known) == {}


@pytest.mark.parametrize("name", [OPUS, "system.ai.claude-opus-4-6", f"{OPUS}[1m]"])
def test_a_model_is_known_by_both_spellings_and_with_the_long_context_ending(name: str) -> None:
    assert find_model(LISTED, name) is LISTED.models[0]


@pytest.mark.parametrize(
    "name", ["claude-opus-4-6", "main.team.claude-opus-4-6", "databricks-databricks-claude-opus-4-6"]
)
def test_other_spellings_do_not_name_it(name: str) -> None:
    assert find_model(LISTED, name) is None


def test_a_model_without_the_agents_dialect_is_an_error() -> None:
    known = catalogue(model(OPUS, api_types=(MESSAGES,)), model(SONNET))
    finding = lint(slot("primary", OPUS), slot("fallback", SONNET), known=known)["dialect_not_listed"]
    assert finding.severity is Severity.ERROR
    assert "openai-chat" in finding.message


def test_unknown_api_types_are_left_to_the_probe() -> None:
    assert lint(slot("primary", OPUS), known=catalogue(model(OPUS, api_types=()))) == {}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("databricks-gte-large-en", LISTED),
        ("databricks-gte-large-en", ModelCatalogue()),
        ("databricks-vectors", catalogue(model("databricks-vectors", api_types=(), agents=()))),
    ],
    ids=["by name", "by name without listing", "by listing"],
)
def test_a_model_that_does_not_chat_is_an_error(name: str, known: ModelCatalogue) -> None:
    found = lint(slot("primary", name), known=known)
    assert found["model_not_chat"].severity is Severity.ERROR
    assert "dialect_not_listed" not in found


def test_an_ignored_variable_is_said() -> None:
    lost = (Shadowed(source=Layer.ENVIRONMENT, value=SONNET),)
    finding = lint(slot("primary", OPUS, shadowed=lost))["environment_ignored"]
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith(f"HERMES_MODEL says {SONNET}, but Hermes does not read it")


@pytest.mark.parametrize(
    ("source", "value"),
    [(Layer.TARGET, OPUS), (Layer.OVERRIDE, SONNET)],
    ids=["it says the same", "an override decides"],
)
def test_a_variable_that_changes_nothing_is_not_said(source: Layer, value: str) -> None:
    lost = (Shadowed(source=Layer.ENVIRONMENT, value=value),)
    assert lint(slot("primary", OPUS, source=source, shadowed=lost)) == {}


def test_an_unreadable_config_is_said_in_its_own_words() -> None:
    config = AgentConfig(
        agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=True, problem="~/.hermes/config.yaml is broken."
    )
    finding = lint(slot("primary", OPUS), config=config)["config_unreadable"]
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("~/.hermes/config.yaml is broken; what Hermes runs")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("system.ai.claude-opus-4-6", OPUS), ("main.team.claude", "only endpoint names")],
)
def test_a_gateway_name_on_serving_endpoints_is_a_warning(name: str, hint: str) -> None:
    chosen = slot("primary", name, generation=Generation.SERVING_ENDPOINTS)
    finding = lint(chosen, known=ModelCatalogue())["spelling_for_other_generation"]
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith(f"{hint}.")


def test_endpoint_names_fit_every_generation() -> None:
    assert lint(slot("primary", OPUS, generation=Generation.SERVING_ENDPOINTS)) == {}


def test_the_same_finding_is_given_once() -> None:
    unknown = "databricks-claude-opus-4-7"
    choice = AgentChoice(
        agent=AgentId.CLAUDE,
        enabled=True,
        dialect=Dialect.OPENAI_CHAT,
        base_url=BASE,
        slots=(slot("default", unknown), slot("opus", unknown)),
    )
    assert len(lint_choice(choice, LISTED)) == 1
