"""What makes a route the same route in history, and what of a result is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.model.agent import AgentId, Dialect
from core.model.check import check_of, route_id, without_token
from core.model.gateway import Generation
from core.model.incident import Cause, Incident
from core.model.probe import Diagnosis, Health, Rung
from core.model.route import Identity, Route
from core.model.secret import Secret
from tests.core.health.checks import START, result, route

OTHERS: dict[str, Route] = {
    "agent": replace(route(), agent=AgentId.CODEX),
    "slot": replace(route(), slot="fallback"),
    "model": replace(route(), model="databricks-claude-sonnet-4-6"),
    "address": replace(route(), base_url="https://adb-1.azuredatabricks.net/serving-endpoints"),
    "dialect": replace(route(), dialect=Dialect.OPENAI_RESPONSES),
    "identity": replace(route(), identity=Identity.STORED),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_part_of_it_is_another_route(other: Route) -> None:
    assert route_id(other) != route_id(route())


def test_a_rotated_token_and_a_known_generation_leave_it_the_same_route() -> None:
    other = replace(route(), token=Secret("fictional"), generation=Generation.DEDICATED)
    assert route_id(other) == route_id(route())
    assert len(route_id(other)) == 16


def test_the_id_of_a_route_never_changes_between_releases() -> None:
    assert route_id(route()) == "a77488fac85c806d"


def test_a_kept_route_has_no_token() -> None:
    assert without_token(replace(route(), token=Secret("fictional"))) == route()


def test_a_check_is_the_verdict_without_its_evidence() -> None:
    seen = result(0, Diagnosis.OVERLOADED, latency_ms=12.5, ttft_ms=3.0)
    kept = check_of(seen, standing=Health.DOWN, simulated=True)
    assert (kept.health, kept.standing, kept.simulated) == (Health.DEGRADED, Health.DOWN, True)
    assert (kept.route_id, kept.checked_at, kept.depth) == (route_id(seen.route), seen.checked_at, seen.depth)
    assert (kept.latency_ms, kept.ttft_ms, kept.http_status) == (12.5, 3.0, 404)


def test_an_incident_names_each_agent_once_in_the_order_it_hit_them() -> None:
    incident = Incident(
        id="inc",
        cause=Cause(rung=Rung.MODEL, host="gateway.example.com", diagnosis=Diagnosis.MODEL_ABSENT),
        health=Health.DOWN,
        started_at=START,
        confirmed_at=START,
        routes=(route(agent=AgentId.PI), route(), route("fallback"), route(agent=AgentId.PI, identity=Identity.USER)),
    )
    assert incident.agents == (AgentId.PI, AgentId.HERMES)
