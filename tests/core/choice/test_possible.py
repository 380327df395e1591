"""What listings say against a combination is a sentence; what they leave open is left to a probe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.choice.possible import unlisted_model, why_impossible
from core.model.agent import AgentId
from core.model.models import Model

OPUS = Model(
    id="claude-opus-4-6",
    spellings=("databricks-claude-opus-4-6",),
    family="claude",
    api_types=("anthropic/v1/messages",),
    agents=(AgentId.CLAUDE,),
    ready=True,
)


def test_nothing_speaks_against_a_model_that_is_listed_for_the_agent() -> None:
    assert why_impossible(AgentId.CLAUDE, OPUS) is None


def test_a_listing_that_says_nothing_about_readiness_leaves_it_to_the_probe() -> None:
    assert why_impossible(AgentId.CLAUDE, replace(OPUS, ready=None)) is None


@pytest.mark.parametrize(
    ("agent", "model", "short", "words"),
    [
        (AgentId.CURSOR, OPUS, "inform only", "account settings"),
        (AgentId.CLAUDE, replace(OPUS, id="gte-large-en", agents=()), "not chat", "not a chat model"),
        (AgentId.HERMES, OPUS, "other dialect", "Hermes speaks openai-chat; this model is listed for anthropic/v1"),
        (AgentId.HERMES, replace(OPUS, api_types=()), "other dialect", "listed for no API type"),
        (AgentId.CLAUDE, replace(OPUS, ready=False), "not ready", "not ready"),
    ],
    ids=["cannot be probed", "not a chat model", "other dialect", "no API type", "not ready"],
)
def test_an_obstacle_has_a_short_name_and_a_sentence(agent: AgentId, model: Model, short: str, words: str) -> None:
    found = why_impossible(agent, model)

    assert found is not None
    assert found.short == short
    assert words in found.sentence


@pytest.mark.parametrize(
    ("name", "agent", "possible"),
    [
        ("databricks-claude-opus-9", AgentId.CLAUDE, True),
        ("databricks-claude-opus-9", AgentId.HERMES, True),
        ("databricks-claude-opus-9", AgentId.CODEX, False),
        ("databricks-bge-large-en", AgentId.HERMES, False),
    ],
)
def test_a_model_in_no_listing_is_judged_by_its_family(name: str, agent: AgentId, possible: bool) -> None:
    assert (why_impossible(agent, unlisted_model(name)) is None) is possible
