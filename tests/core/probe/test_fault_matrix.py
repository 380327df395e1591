"""Every fault the simulated workspace knows, in every dialect, at both depths: its own cause, in time, never green."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.catalog.agents import AGENTS
from core.catalog.redact import MASK
from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, Health, Rung, RungOutcome
from core.simulator.errors import REFUSALS
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.server import SimulatedWorkspace
from tests.fakes.probing import probe, route_of
from tests.fakes.refusals import OF_REFUSAL

D = Diagnosis
CHAT, RESPONSES = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES
HANG_S = 0.25
# What an exchange may take beyond its own budget on a busy machine.
SLACK_S = 3.0

# fault: at reach, at faithful
OF_BEHAVIOUR = {
    Behaviour.HANG: (D.TIMED_OUT, D.TIMED_OUT),
    Behaviour.DRIP: (D.TIMED_OUT, D.TIMED_OUT),
    Behaviour.RESET: (D.CONNECTION_LOST, D.CONNECTION_LOST),
    Behaviour.CUT: (D.CONNECTION_LOST, D.STREAM_BROKEN),
    Behaviour.TRUNCATED_JSON: (D.NOT_AN_ANSWER, D.STREAM_BROKEN),
    Behaviour.OVERSIZED: (D.NOT_AN_ANSWER, D.NOT_AN_ANSWER),
    Behaviour.STREAM_ERROR: (D.SERVER_ERROR, D.STREAM_BROKEN),
    Behaviour.EMPTY_STREAM: (D.EMPTY_ANSWER, D.EMPTY_ANSWER),
    Behaviour.EMPTY_ANSWER: (D.EMPTY_ANSWER, D.EMPTY_ANSWER),
    Behaviour.SUBSTITUTED: (D.MODEL_SUBSTITUTED, D.MODEL_SUBSTITUTED),
    Behaviour.ECHO_IN_ERROR: (D.UNCLASSIFIED, D.UNCLASSIFIED),
}
SLOW = (Behaviour.HANG, Behaviour.DRIP)


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace("healthy") as started:
        yield started


@pytest.fixture
def workspace(running: SimulatedWorkspace) -> SimulatedWorkspace:
    running.faults.clear()
    return running


def test_every_behaviour_has_its_row() -> None:
    assert {*OF_BEHAVIOUR, Behaviour.DELAY, Behaviour.ECHO} == set(Behaviour)


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str, dialect: Dialect, depth: Depth, workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault=name))
    found = probe(workspace, route_of(workspace, AgentId.PI, dialect), depth)
    # A refusal in words that no public source has is unclassified: Down with its evidence, and never guessed at.
    assert found.verdict.diagnosis is OF_REFUSAL[name]
    assert health_of(found.verdict.diagnosis) is not Health.HEALTHY


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("fault", OF_BEHAVIOUR)
def test_misbehaviour(fault: Behaviour, dialect: Dialect, depth: Depth, workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault=fault, delay_s=0.05))
    total_s = HANG_S if fault in SLOW else 10.0
    found = probe(workspace, route_of(workspace, AgentId.PI, dialect), depth, total_s=total_s)
    expected = OF_BEHAVIOUR[fault][depth is Depth.FAITHFUL]
    if (fault, dialect, depth) == (Behaviour.STREAM_ERROR, RESPONSES, Depth.FAITHFUL):
        # Here the error comes before the first word, so that it is told as what it says.
        expected = D.SERVER_ERROR
    assert found.verdict.diagnosis is expected
    assert health_of(found.verdict.diagnosis) is not Health.HEALTHY
    assert found.took_s < total_s + SLACK_S


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_late_answer_is_an_answer(dialect: Dialect, depth: Depth, workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault=Behaviour.DELAY, delay_s=0.05))
    found = probe(workspace, route_of(workspace, AgentId.PI, dialect), depth)
    assert found.verdict.diagnosis is D.OK


@pytest.mark.parametrize("fault", [Behaviour.ECHO, Behaviour.ECHO_IN_ERROR])
@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_workspace_that_repeats_the_token_is_not_repeated(
    fault: Behaviour, dialect: Dialect, depth: Depth, workspace: SimulatedWorkspace
) -> None:
    workspace.faults.add(FaultRule(fault=fault))
    found = probe(workspace, route_of(workspace, AgentId.PI, dialect), depth)
    assert MASK in repr(found.verdict)
    assert workspace.scene.token.reveal() not in repr(found.verdict)


@pytest.mark.parametrize("fault", [*OF_BEHAVIOUR, "html_200", "empty_200", "internal_error"])
@pytest.mark.parametrize("depth", Depth)
def test_the_first_failed_rung_is_the_last_one_started(fault: str, depth: Depth, workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault=fault, delay_s=0.05))
    total_s = HANG_S if fault in SLOW else 10.0
    found = probe(workspace, route_of(workspace, AgentId.PI, CHAT), depth, total_s=total_s)
    outcomes = {result.rung: result.outcome for result in found.rungs}
    assert outcomes[found.verdict.rung] is RungOutcome.FAILED
    after = list(outcomes.values())[list(outcomes).index(found.verdict.rung) + 1 :]
    assert set(after) <= {RungOutcome.NOT_STARTED}


AGENTS_AND_SLOTS = [
    (spec.agent, dialect, slot.name) for spec in AGENTS.values() for dialect in spec.dialects for slot in spec.slots
]


@pytest.mark.parametrize(("agent", "dialect", "slot"), AGENTS_AND_SLOTS)
def test_every_agent_is_healthy_when_nothing_is_wrong(
    agent: AgentId, dialect: Dialect, slot: str, workspace: SimulatedWorkspace
) -> None:
    found = probe(workspace, route_of(workspace, agent, dialect, slot=slot), Depth.FAITHFUL)
    outcomes = {result.rung: result.outcome for result in found.rungs}
    assert found.verdict.diagnosis is D.OK
    assert outcomes[Rung.STREAM] is RungOutcome.PASSED
    assert outcomes[Rung.TOOLS] is (RungOutcome.SKIPPED if slot == "title" else RungOutcome.PASSED)
    assert found.verdict.ttft_ms is not None


@pytest.mark.parametrize("model", ["gemini-2-5-pro", "gpt-oss-120b", "llama-4-maverick"])
def test_hermes_is_told_the_field_that_its_model_rejects(model: str, workspace: SimulatedWorkspace) -> None:
    route = route_of(workspace, AgentId.HERMES, CHAT, f"databricks-{model}", slot="primary")
    assert probe(workspace, route, Depth.REACH).verdict.diagnosis is D.OK
    found = probe(workspace, route, Depth.FAITHFUL).verdict
    assert (found.diagnosis, found.field) == (D.FIELD_REJECTED, "stream_options")


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_name_that_does_not_resolve(dialect: Dialect, depth: Depth, workspace: SimulatedWorkspace) -> None:
    route = route_of(workspace, AgentId.PI, dialect)
    nowhere = replace(route, base_url="https://dbc-0000.cloud.databricks.com/ai-gateway")
    found = probe(workspace, nowhere, depth).verdict
    assert (found.diagnosis, found.rung) == (D.DNS_FAILED, Rung.DNS)


LAST_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=["a certificate for another name", "an expired certificate"])
def not_to_be_trusted(request: pytest.FixtureRequest) -> Iterator[SimulatedWorkspace]:
    other = SimulatedWorkspace("healthy", certificate_names=("somebody.else.example",))
    expired = SimulatedWorkspace("healthy", certificate_ends=LAST_YEAR + timedelta(days=1))
    with other if "name" in request.param else expired as started:
        yield started


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_certificate_that_does_not_hold(
    dialect: Dialect, depth: Depth, not_to_be_trusted: SimulatedWorkspace
) -> None:
    found = probe(not_to_be_trusted, route_of(not_to_be_trusted, AgentId.PI, dialect, secure=True), depth)
    assert (found.verdict.diagnosis, found.verdict.rung) == (D.TLS_FAILED, Rung.TLS)
    assert not_to_be_trusted.requests.posts() == ()
