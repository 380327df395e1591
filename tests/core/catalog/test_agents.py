"""The table of agents is whole, and no row contradicts another."""

from __future__ import annotations

import pytest

from core.catalog.agents import AGENTS, API_TYPES, dialect_for
from core.catalog.spellings import family_of
from core.model.agent import AgentId, AgentSpec, Dialect
from core.model.gateway import Generation

PROBEABLE = [spec for spec in AGENTS.values() if spec.probeable]


def test_every_agent_has_its_row() -> None:
    assert list(AGENTS) == list(AgentId)
    assert set(API_TYPES) == set(Dialect)


@pytest.mark.parametrize("spec", PROBEABLE, ids=lambda spec: spec.agent)
def test_an_agent_has_a_base_for_each_dialect_in_each_generation(spec: AgentSpec) -> None:
    assert set(spec.bases) == {(generation, dialect) for generation in Generation for dialect in spec.dialects}


@pytest.mark.parametrize("spec", PROBEABLE, ids=lambda spec: spec.agent)
def test_every_slot_has_or_follows_a_default_in_a_dialect_of_its_agent(spec: AgentSpec) -> None:
    by_name = {slot.name: slot for slot in spec.slots}
    for slot in (by_name[slot.follows or slot.name] for slot in spec.slots):
        assert slot.default and slot.variables
        assert dialect_for(spec, family_of(slot.default)) in spec.dialects


def test_no_variable_sets_two_slots_of_one_agent_and_each_agent_has_its_own_switch() -> None:
    for spec in AGENTS.values():
        names = [name for slot in spec.slots for name in slot.variables]
        assert len(names) == len(set(names))
    switches = [spec.enable_variable for spec in PROBEABLE]
    assert len(switches) == len(set(switches))


def test_hermes_falls_back_to_another_model() -> None:
    primary, fallback = AGENTS[AgentId.HERMES].slots
    assert primary.default != fallback.default


@pytest.mark.parametrize(
    ("agent", "family", "dialect"),
    [
        (AgentId.PI, "claude", Dialect.ANTHROPIC_MESSAGES),
        (AgentId.PI, "gpt", Dialect.OPENAI_RESPONSES),
        (AgentId.PI, "gemini", Dialect.GEMINI_GENERATE),
        (AgentId.PI, "gpt-oss", Dialect.OPENAI_CHAT),
        (AgentId.HERMES, "claude", Dialect.OPENAI_CHAT),
        (AgentId.CURSOR, "claude", None),
    ],
)
def test_an_agent_picks_its_dialect_by_family(agent: AgentId, family: str, dialect: Dialect | None) -> None:
    assert dialect_for(AGENTS[agent], family) is dialect


def test_an_agent_speaks_what_it_can_to_a_family_it_has_no_dialect_for() -> None:
    opencode = AGENTS[AgentId.OPENCODE]
    assert dialect_for(opencode, "other") in opencode.dialects


def test_labels_become_owners() -> None:
    assert AGENTS[AgentId.HERMES].possessive == "Hermes'"
    assert AGENTS[AgentId.CODEX].possessive == "Codex's"
