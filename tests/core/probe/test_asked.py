"""Probes that people ask for: a route rests between two of them, costs are known before, the newest verdict stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import ProbeError
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.probe.asked import AskedProbes, cost_of, routes_as
from tests.fakes.network import FakeClock
from tests.fakes.verdicts import verdict

ROUTE = Route(
    agent=AgentId.HERMES,
    slot="primary",
    model="databricks-claude-opus-4-6",
    base_url="https://adb-1.1.azuredatabricks.net/serving-endpoints",
    dialect=Dialect.OPENAI_CHAT,
    identity=Identity.DASHBOARD,
)
STORED = replace(ROUTE, identity=Identity.STORED, token=Secret("stored-token"))
OTHER = replace(ROUTE, model="databricks-claude-sonnet-4-6")
COPILOT = replace(ROUTE, agent=AgentId.COPILOT, slot="default")
MINE = {Identity.USER: Secret("mine")}


def test_a_route_rests_for_ten_seconds_and_says_when_it_may_be_asked_again() -> None:
    clock = FakeClock()
    asked = AskedProbes(clock)
    assert asked.admit([ROUTE], Depth.REACH) == (ROUTE,)

    clock.move(3)
    with pytest.raises(ProbeError) as refused:
        asked.admit([ROUTE], Depth.REACH)
    clock.move(7)

    assert (refused.value.code, "in 7 s" in refused.value.remedy) == ("cooling_down", True)
    assert asked.admit([ROUTE], Depth.REACH) == (ROUTE,)


def test_a_refused_request_does_not_prolong_the_rest() -> None:
    clock = FakeClock()
    asked = AskedProbes(clock)
    asked.admit([ROUTE], Depth.REACH)
    clock.move(9)
    with pytest.raises(ProbeError):
        asked.admit([ROUTE], Depth.REACH)
    clock.move(1)

    assert asked.admit([ROUTE], Depth.REACH)


@pytest.mark.parametrize(
    ("route", "depth"),
    [(OTHER, Depth.REACH), (STORED, Depth.REACH), (ROUTE, Depth.FAITHFUL)],
    ids=["other model", "other credential", "other depth"],
)
def test_another_route_need_not_wait(route: Route, depth: Depth) -> None:
    asked = AskedProbes(FakeClock())
    asked.admit([ROUTE], Depth.REACH)

    assert asked.admit([ROUTE, route], depth)[-1] == route


def test_only_those_that_rest_are_left_out() -> None:
    asked = AskedProbes(FakeClock())
    asked.admit([ROUTE], Depth.REACH)

    assert asked.admit([ROUTE, OTHER], Depth.REACH) == (OTHER,)


def test_nothing_to_probe_is_said() -> None:
    with pytest.raises(ProbeError, match="no route"):
        AskedProbes(FakeClock()).admit([], Depth.REACH)


def test_the_newest_verdict_of_a_route_replaces_the_former_one() -> None:
    asked = AskedProbes(FakeClock())
    asked.keep(verdict(ROUTE), "ada")
    asked.keep(verdict(OTHER), "ada")
    asked.keep(verdict(ROUTE, Health.DOWN), "bob")

    assert [(r.route, r.health) for r in asked.results("ada")] == [(OTHER, Health.HEALTHY), (ROUTE, Health.DOWN)]


def test_as_long_as_nothing_comes_in_the_verdicts_are_the_same_object() -> None:
    asked = AskedProbes(FakeClock())
    asked.keep(verdict(ROUTE), "ada")

    assert asked.results("ada") is asked.results("ada")


@pytest.mark.parametrize("identity", [Identity.USER, Identity.ONE_PROBE])
def test_what_somebodys_own_token_is_answered_is_for_that_person_only(identity: Identity) -> None:
    asked, personal = AskedProbes(FakeClock()), replace(ROUTE, identity=identity)
    asked.keep(verdict(ROUTE), "ada")
    asked.keep(verdict(personal, Health.DOWN), "ada")
    asked.keep(verdict(personal), "bob")

    assert [(r.route, r.health) for r in asked.results("ada")] == [(ROUTE, Health.HEALTHY), (personal, Health.DOWN)]
    assert [(r.route, r.health) for r in asked.results("bob")] == [(ROUTE, Health.HEALTHY), (personal, Health.HEALTHY)]
    assert [r.route for r in asked.results("eve")] == [ROUTE]


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.probe.asked._KEPT_RESULTS", 2)
    asked = AskedProbes(FakeClock())
    for route in (ROUTE, OTHER, COPILOT):
        asked.keep(verdict(route), "ada")

    assert [result.route for result in asked.results("ada")] == [OTHER, COPILOT]


def test_given_tokens_replace_the_configured_credentials() -> None:
    assert routes_as([ROUTE, STORED], {}) == (ROUTE, STORED)
    assert routes_as([ROUTE, STORED], MINE) == (replace(ROUTE, identity=Identity.USER, token=Secret("mine")),)


def test_routes_that_share_a_request_cost_one() -> None:
    cost = cost_of([ROUTE, COPILOT, STORED, OTHER], Depth.REACH, concurrency=16)

    assert (cost.routes, cost.requests, cost.output_tokens) == (4, 3, 48)


@pytest.mark.parametrize(("concurrency", "rounds"), [(1, 3), (2, 2), (16, 1)])
def test_time_is_bounded_by_rounds_of_slowest_probes(concurrency: int, rounds: int) -> None:
    routes = [replace(ROUTE, model=f"m{number}") for number in range(3)]

    assert cost_of(routes, Depth.REACH, concurrency=concurrency).seconds == rounds * 28.0


def test_a_faithful_probe_is_bounded_by_the_agents_own_cap() -> None:
    claude = replace(ROUTE, agent=AgentId.CLAUDE, slot="default", dialect=Dialect.ANTHROPIC_MESSAGES)
    reach = cost_of([claude], Depth.REACH, concurrency=16).output_tokens
    faithful = cost_of([claude], Depth.FAITHFUL, concurrency=16).output_tokens

    assert (reach, faithful is not None and faithful > 1000) == (16, True)


def test_an_agent_that_sends_no_cap_leaves_the_cost_open() -> None:
    codex = replace(
        ROUTE, agent=AgentId.CODEX, slot="default", model="databricks-gpt-5-5", dialect=Dialect.OPENAI_RESPONSES
    )

    assert cost_of([codex, ROUTE], Depth.FAITHFUL, concurrency=16).output_tokens is None


def test_nothing_costs_nothing() -> None:
    cost = cost_of([], Depth.REACH, concurrency=16)

    assert (cost.requests, cost.output_tokens, cost.seconds) == (0, 0, 0)
