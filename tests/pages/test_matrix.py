"""The matrix says for each agent and model what is known, what cannot be, and nothing in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Health, ProbeResult
from core.model.route import Identity
from core.model.snapshot import Snapshot
from pages.ui.matrix import Cell, CellState, Matrix, matrix_of
from pages.ui.route_query import (
    Opened,
    RouteQuery,
    Says,
    evidence_query,
    filtered,
    parse_query,
    query_of,
    ticked_only,
)
from tests.fakes import snapshots

HERMES_MODEL = "databricks-claude-opus-4-6"


def cell(matrix: Matrix, agent: AgentId, model: str) -> Cell:
    found = matrix.cell(agent, model)
    assert found is not None
    return found


def hermes_result(shown: Snapshot) -> ProbeResult:
    return shown.results[0]


def test_every_agent_meets_every_listed_model() -> None:
    shown = snapshots.healthy()
    matrix = matrix_of(shown, ())

    assert len(matrix.cells) == len(shown.choices) * len(shown.catalogue.models)


def test_models_stand_below_their_own_dialect_and_agents_beside_those_that_speak_the_same() -> None:
    matrix = matrix_of(snapshots.healthy(), ())

    assert [band.dialect for band in matrix.bands] == list(Dialect)
    assert matrix.agents.index(AgentId.COPILOT) == matrix.agents.index(AgentId.HERMES) + 1
    assert matrix.agents[-1] is AgentId.CURSOR


def test_a_combination_without_a_result_is_not_probed() -> None:
    found = cell(matrix_of(snapshots.healthy(), ()), AgentId.COPILOT, "claude-haiku-4-5")

    assert found.states == {CellState.NOT_PROBED}
    assert [route.model for route in found.routes] == ["databricks-claude-haiku-4-5"]


@pytest.mark.parametrize(
    ("agent", "model", "short", "sentence"),
    [
        (AgentId.CLAUDE, "gpt-5-5", "other dialect", "Claude Code speaks anthropic-messages; this model is listed for"),
        (AgentId.HERMES, "llama-4-scout", "not ready", "listed as not ready"),
        (AgentId.CURSOR, "gpt-5-5", "inform only", "Cursor keeps its model and key in its account settings"),
    ],
    ids=["dialect", "readiness", "no probe"],
)
def test_an_impossible_combination_says_why(agent: AgentId, model: str, short: str, sentence: str) -> None:
    found = cell(matrix_of(snapshots.healthy(), ()), agent, model)

    assert found.states == {CellState.IMPOSSIBLE}
    assert found.obstacle is not None
    assert (found.obstacle.short, found.obstacle.sentence[: len(sentence)]) == (short, sentence)
    assert not found.can_be_probed


def test_a_switched_off_agent_is_paused_and_not_probed_with_the_rest() -> None:
    shown = snapshots.healthy()
    off = replace(shown, choices=(replace(shown.choices[0], enabled=False), *shown.choices[1:]), results=())
    found = cell(matrix_of(off, ()), AgentId.HERMES, HERMES_MODEL)

    assert found.states == {CellState.PAUSED}
    assert not found.can_be_probed


def test_a_model_in_use_that_no_listing_names_has_a_row() -> None:
    matrix = matrix_of(snapshots.incident(), ())
    row = next(row for row in matrix.rows if row.model == "databricks-claude-opus-4-7")

    assert row.note == "in no listing"
    assert row.cells[AgentId.HERMES].in_use == ("primary",)


def test_a_verdict_counts_for_more_than_a_listing() -> None:
    shown = snapshots.healthy()
    deaf = tuple(replace(model, agents=()) for model in shown.catalogue.models)
    found = cell(
        matrix_of(replace(shown, catalogue=replace(shown.catalogue, models=deaf)), ()), AgentId.HERMES, HERMES_MODEL
    )

    assert found.states == {CellState.HEALTHY}
    assert found.can_be_probed


def test_each_credential_has_a_word_of_its_own() -> None:
    found = cell(matrix_of(snapshots.incident(), ()), AgentId.HERMES, HERMES_MODEL)

    assert [(result.route.identity, result.health) for result in found.shown] == [
        (Identity.DASHBOARD, Health.HEALTHY),
        (Identity.STORED, Health.DOWN),
    ]


def test_works_for_me_but_not_for_the_app_is_two_words_in_one_cell() -> None:
    shown = snapshots.incident()
    refused = hermes_result(shown)
    mine = replace(refused, health=Health.HEALTHY, route=replace(refused.route, identity=Identity.USER))
    found = cell(matrix_of(shown, (mine,)), AgentId.HERMES, refused.route.model)

    assert {result.route.identity: result.health for result in found.shown} == {
        Identity.DASHBOARD: Health.DOWN,
        Identity.STORED: Health.DOWN,
        Identity.USER: Health.HEALTHY,
    }


@pytest.mark.parametrize(("age_s", "health"), [(-60, Health.DOWN), (60, Health.HEALTHY)], ids=["newer", "older"])
def test_the_newest_verdict_of_a_route_stands(age_s: int, health: Health) -> None:
    shown = snapshots.healthy()
    swept = hermes_result(shown)
    asked = replace(swept, health=Health.DOWN, checked_at=swept.checked_at - timedelta(seconds=age_s))

    assert [item.health for item in cell(matrix_of(shown, (asked,)), AgentId.HERMES, HERMES_MODEL).shown] == [health]


def test_a_faithful_failure_is_not_hidden_by_a_reach_that_passed() -> None:
    shown = snapshots.healthy()
    deep = replace(hermes_result(shown), depth=Depth.FAITHFUL, health=Health.DOWN)
    found = cell(matrix_of(shown, (deep,)), AgentId.HERMES, HERMES_MODEL)

    assert len(found.verdicts) == 2
    assert [item.health for item in found.shown] == [Health.DOWN]


def test_a_verdict_of_another_base_url_is_not_of_this_route() -> None:
    shown = snapshots.healthy()
    swept = hermes_result(shown)
    elsewhere = replace(swept, health=Health.DOWN, route=replace(swept.route, base_url="https://elsewhere.example"))

    assert cell(matrix_of(shown, (elsewhere,)), AgentId.HERMES, HERMES_MODEL).states == {CellState.HEALTHY}


def test_nothing_known_is_an_empty_matrix() -> None:
    assert matrix_of(Snapshot(), ()).cells == ()


@pytest.mark.parametrize(
    ("asked", "agents"),
    [
        (RouteQuery(health=(CellState.DOWN,)), {AgentId.HERMES}),
        (RouteQuery(agents=(AgentId.CODEX,)), {AgentId.CODEX}),
        (RouteQuery(dialects=(Dialect.GEMINI_GENERATE,)), {AgentId.GEMINI, AgentId.OPENCODE, AgentId.PI}),
        (RouteQuery(text="codex GPT-5"), {AgentId.CODEX}),
    ],
    ids=["health", "agent", "dialect", "text"],
)
def test_a_filter_leaves_only_what_matches(asked: RouteQuery, agents: set[AgentId]) -> None:
    left = filtered(matrix_of(snapshots.incident(), ()), asked)

    assert set(left.agents) == agents
    assert {cell.agent for cell in left.cells} == agents


def test_no_filter_leaves_everything() -> None:
    matrix = matrix_of(snapshots.incident(), ())

    assert filtered(matrix, RouteQuery()) is matrix


def test_ticked_models_are_found_by_any_spelling() -> None:
    left = ticked_only(matrix_of(snapshots.healthy(), ()), ("system.ai.gpt-5-5", "no-such-model"))

    assert [row.model for row in left.rows] == ["gpt-5-5"]


EVERYTHING = RouteQuery(
    agents=(AgentId.HERMES, AgentId.CLAUDE),
    health=(CellState.NOT_PROBED,),
    dialects=(Dialect.OPENAI_CHAT,),
    text="opus 4",
    ticked=("a", "b"),
    says=Says.LATENCY,
    opened=Opened(agent=AgentId.PI, model="m", slot="default", identity=Identity.USER, depth=Depth.FAITHFUL),
)


@pytest.mark.parametrize("asked", [RouteQuery(), EVERYTHING], ids=["nothing", "everything"])
def test_an_address_means_what_it_was_made_of(asked: RouteQuery) -> None:
    assert parse_query(query_of(asked)) == asked


def test_defaults_are_not_in_the_address() -> None:
    assert query_of(RouteQuery()) == {}


@pytest.mark.parametrize(
    "query",
    [
        {"agents": ["nobody"], "health": ["green"], "dialect": ["klingon"], "q": ["  "]},
        {"agent": ["nobody"], "model": ["m"]},
        {"model": ["m"]},
        {"identity": ["me"], "depth": ["bottomless"]},
    ],
    ids=["filters", "unknown agent", "no agent", "qualifiers alone"],
)
def test_bad_values_are_ignored(query: dict[str, list[str]]) -> None:
    assert parse_query(query) == RouteQuery()


def test_an_agent_without_a_model_is_a_filter() -> None:
    assert parse_query({"agent": ["hermes"]}) == RouteQuery(agents=(AgentId.HERMES,))


def test_a_dialect_may_be_written_as_people_do() -> None:
    assert parse_query({"dialect": ["openai-chat"]}).dialects == (Dialect.OPENAI_CHAT,)


def test_the_address_of_a_verdict_leads_back_to_exactly_this_verdict() -> None:
    shown = snapshots.incident()
    for result in shown.results:
        opened = parse_query({name: [value] for name, value in evidence_query(result).items()}).opened
        assert opened is not None
        found = cell(matrix_of(shown, ()), opened.agent, opened.model)
        assert [item for item in found.verdicts if opened.fits_exactly(item)] == [result]
