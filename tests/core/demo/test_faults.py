"""The faults of the panel: each is one that the simulator knows, hits one way to a model, and ends by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.demo.faults import MINUTES, OFFERED, fault_rule, fault_text, ways
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.route import Identity, Route

ROUTE = Route(
    agent=AgentId.HERMES,
    slot="primary",
    model="databricks-claude-opus-4-6",
    base_url="https://adb-4455667788990011.11.azuredatabricks.net/ai-gateway/mlflow/v1",
    dialect=Dialect.OPENAI_CHAT,
    identity=Identity.DASHBOARD,
    generation=Generation.WORKSPACE,
)


@pytest.mark.parametrize("fault", OFFERED)
@pytest.mark.parametrize("minutes", MINUTES)
def test_each_offer_is_a_fault_of_this_way_with_an_end(fault: str, minutes: int) -> None:
    rule = fault_rule(ROUTE, fault, minutes)

    assert (rule.model, rule.dialect, rule.generation) == (ROUTE.model, ROUTE.dialect, ROUTE.generation)
    assert rule.lasts_s == 60 * minutes
    assert rule.token is None


def test_a_fault_reads_as_what_it_does_and_to_what() -> None:
    assert fault_text(fault_rule(ROUTE, "throttled", 5)).startswith("429, throttled on databricks-claude-opus-4-6, ")


def test_a_way_is_listed_once_with_everyone_who_takes_it() -> None:
    stored = replace(ROUTE, identity=Identity.STORED)
    copilot = replace(ROUTE, agent=AgentId.COPILOT, slot="default")
    other = replace(ROUTE, model="databricks-claude-sonnet-4-6")

    found = ways((ROUTE, stored, copilot, other))

    assert list(found.values()) == [ROUTE, other]
    assert "(Hermes, " in next(iter(found))
