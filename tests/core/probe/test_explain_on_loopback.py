"""The look-alikes of real workspaces, explained over the loopback simulator: the outage first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from core.model.agent import AgentId, Dialect
from core.model.explanation import Explanation
from core.model.gateway import Generation
from core.model.probe import Depth
from core.model.probe import Diagnosis as D
from core.model.route import Identity, Route
from core.probe.explain import MAX_QUESTIONS, Facts
from core.probe.judge import Verdict
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.scenes import SCENE_BY_NAME, Scene, TokenState
from core.simulator.server import SimulatedWorkspace
from tests.fakes.loopback import Asker, moved, on_loopback, route_on

ENFORCED = replace(SCENE_BY_NAME["healthy"], name="enforced", enforces_unity=True)
SCENES = {scene.name: scene for scene in (*SCENE_BY_NAME.values(), ENFORCED)}


class Stage:
    """Start each scene once, and explain routes on it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, SimulatedWorkspace] = {}
        self._facts: dict[str, Facts] = {}

    def workspace(self, name: str) -> SimulatedWorkspace:
        if name not in self._running:
            self._running[name] = self._stack.enter_context(SimulatedWorkspace(SCENES[name]))
        return self._running[name]

    def facts(self, name: str) -> Facts:
        if name not in self._facts:
            self._facts[name] = on_loopback(self.workspace(name), lambda asker: asker.facts())
        return self._facts[name]

    def explained(
        self,
        name: str,
        route: Route,
        *faults: FaultRule,
        known_good: tuple[Route, ...] = (),
        depth: Depth = Depth.REACH,
    ) -> tuple[Verdict, Explanation]:
        """Return the first verdict and the explanation, once the suggestion was asked again and answered again."""
        workspace = self.workspace(name)
        facts = replace(self.facts(name), known_good=known_good)
        workspace.faults.clear()
        workspace.faults.add(*faults)

        async def work(asker: Asker) -> tuple[Verdict, Explanation | None]:
            first, told = await asker.explained(route, facts)
            assert len(asker.asked) <= MAX_QUESTIONS
            if told is not None and told.suggestion is not None:
                seen = [finding.route for finding in told.findings if finding.diagnosis is D.OK] + list(known_good)
                instead = next(one for one in seen if one.model == told.suggestion.model)
                again = replace(instead, token=route.token) if instead.identity is Identity.STORED else instead
                assert (await asker.verdict(again)).diagnosis is D.OK
            return first, told

        first, told = on_loopback(workspace, work, depth=depth)
        assert told is not None
        return first, told


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack)


def primary(scene: Scene) -> Route:
    return route_on(scene, scene.hermes.primary)


def with_stored_token(route: Route, scene: Scene, state: TokenState) -> Route:
    return replace(route, identity=Identity.STORED, token=scene.tokens[state])


INCIDENT = SCENES["incident"]
HEALTHY = SCENES["healthy"]


def test_the_outages_primary_answers_on_the_anthropic_route_and_another_chat_model_is_suggested(stage: Stage) -> None:
    first, told = stage.explained("incident", primary(INCIDENT))
    assert (first.status, told.diagnosis) == (404, D.MODEL_NOT_ON_ROUTE)
    assert "it answers on the Anthropic route of serving-endpoints" in told.sentence
    assert told.suggestion is not None
    assert told.suggestion.model not in (INCIDENT.hermes.primary, INCIDENT.hermes.fallback)
    assert told.suggestion.url == f"{INCIDENT.host}/serving-endpoints/chat/completions"


def test_the_outages_primary_with_its_own_token_has_two_faults(stage: Stage) -> None:
    route = with_stored_token(primary(INCIDENT), INCIDENT, TokenState.ROTATED)
    good = replace(primary(INCIDENT), agent=AgentId.COPILOT, slot="default", model="databricks-claude-sonnet-4-6")
    first, told = stage.explained("incident", route, known_good=(good,))
    assert (first.status, told.diagnosis) == (404, D.MODEL_NOT_ON_ROUTE)
    assert "is refused on this route as well" in told.sentence
    assert told.suggestion is not None
    assert told.suggestion.model == good.model


def test_the_outages_fallback_fails_for_its_stored_token_alone(stage: Stage) -> None:
    route = replace(primary(INCIDENT), slot="fallback", model=INCIDENT.hermes.fallback)
    first, told = stage.explained("incident", with_stored_token(route, INCIDENT, TokenState.ROTATED))
    assert (first.status, told.diagnosis) == (403, D.CREDENTIAL_DEAD)
    assert "the route itself works" in told.sentence


@pytest.mark.parametrize("state", [TokenState.ROTATED, TokenState.OTHER_WORKSPACE, TokenState.NARROW])
@pytest.mark.parametrize("generation", [Generation.WORKSPACE, Generation.SERVING_ENDPOINTS])
def test_a_bad_stored_token_is_told_from_the_route(stage: Stage, state: TokenState, generation: Generation) -> None:
    route = with_stored_token(moved(primary(HEALTHY), HEALTHY, generation), HEALTHY, state)
    first, told = stage.explained("healthy", route)
    assert told.diagnosis is first.diagnosis
    assert "the route itself works" in told.sentence


@pytest.mark.parametrize("dialect", [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES])
def test_a_masked_model_is_hidden_and_comes_with_the_grants(stage: Stage, dialect: Dialect) -> None:
    first, told = stage.explained("healthy", route_on(HEALTHY, "databricks-claude-opus-4-8", dialect))
    assert (first.status, told.diagnosis) == (404, D.GRANT_MISSING)
    assert f"system.ai.`claude-opus-4-8` TO `{HEALTHY.person.user_name}`;" in told.remedy
    assert told.suggestion is not None


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("scene", ["healthy", "no-gateway", "gcp"])
def test_a_model_that_does_not_exist_is_absent_in_every_dialect_and_generation(
    stage: Stage, scene: str, dialect: Dialect
) -> None:
    _, told = stage.explained(scene, route_on(SCENES[scene], "databricks-claude-opus-9", dialect))
    assert told.diagnosis is D.MODEL_ABSENT


def test_a_rate_limit_of_zero_leads_to_a_model_that_answers(stage: Stage) -> None:
    route = route_on(HEALTHY, "databricks-gpt-5-5-pro", Dialect.OPENAI_RESPONSES)
    first, told = stage.explained("healthy", route)
    assert (first.status, told.diagnosis) == (403, D.RATE_LIMIT_ZERO)
    assert told.suggestion is not None


@pytest.mark.parametrize("generation", [Generation.WORKSPACE, Generation.SERVING_ENDPOINTS])
@pytest.mark.parametrize("dialect", [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES])
def test_a_retired_spelling_leads_to_the_model_service(stage: Stage, generation: Generation, dialect: Dialect) -> None:
    route = moved(route_on(ENFORCED, "databricks-claude-opus-4-6", dialect), ENFORCED, generation)
    first, told = stage.explained("enforced", route)
    assert (first.diagnosis, told.diagnosis) == (D.SPELLING_RETIRED, D.SPELLING_RETIRED)
    assert told.suggestion is not None
    assert told.suggestion.model == "system.ai.claude-opus-4-6"
    assert told.suggestion.url.startswith(f"{ENFORCED.host}/ai-gateway/")


def test_a_name_that_a_client_rewrote_leads_to_the_right_one(stage: Stage) -> None:
    first, told = stage.explained("healthy", route_on(HEALTHY, "gemini-3-flash", Dialect.GEMINI_GENERATE))
    assert (first.status, told.suggestion and told.suggestion.model) == (400, "databricks-gemini-3-flash")


def test_a_preview_without_a_service_answers_to_its_endpoint_name(stage: Stage) -> None:
    _, told = stage.explained("healthy", route_on(HEALTHY, "system.ai.gemini-3-1-pro", Dialect.GEMINI_GENERATE))
    assert told.suggestion is not None
    assert told.suggestion.model == "databricks-gemini-3-1-pro"


def test_a_model_of_another_dialect_is_replaced(stage: Stage) -> None:
    route = route_on(HEALTHY, "databricks-claude-opus-4-6", Dialect.OPENAI_RESPONSES)
    _, told = stage.explained("healthy", route)
    assert told.diagnosis is D.DIALECT_MISMATCH
    assert told.suggestion is not None


def test_a_missing_permission_comes_with_a_model_that_answers(stage: Stage) -> None:
    fault = FaultRule(fault="permission_denied", model="claude-opus-4-7")
    _, told = stage.explained("healthy", route_on(HEALTHY, "databricks-claude-opus-4-7"), fault)
    assert told.diagnosis is D.GRANT_MISSING
    assert told.suggestion is not None


PATHS = {
    "a typo below the gateway": ("healthy", "/ai-gateway/mlflow/v2", Generation.WORKSPACE, D.WRONG_PATH),
    "a typo below serving-endpoints": (
        "no-gateway",
        "/serving-endpoints/v1",
        Generation.SERVING_ENDPOINTS,
        D.WRONG_PATH,
    ),
    "a gateway that this workspace has not": (
        "no-gateway",
        "/ai-gateway/mlflow/v1",
        Generation.WORKSPACE,
        D.GATEWAY_OFF,
    ),
}


@pytest.mark.parametrize(("scene", "path", "generation", "diagnosis"), PATHS.values(), ids=PATHS)
def test_a_base_url_that_leads_nowhere_is_corrected(
    stage: Stage, scene: str, path: str, generation: Generation, diagnosis: D
) -> None:
    right = primary(SCENES[scene])
    wrong = replace(right, base_url=SCENES[scene].host + path, generation=generation)
    _, told = stage.explained(scene, wrong)
    assert told.diagnosis is diagnosis
    assert told.suggestion is not None
    assert told.suggestion.url == f"{right.base_url}/chat/completions"


def test_nothing_more_is_asked_of_a_workspace_that_breaks_off(stage: Stage) -> None:
    fault = FaultRule(fault=Behaviour.RESET, dialect=Dialect.ANTHROPIC_MESSAGES)
    _, told = stage.explained("incident", primary(INCIDENT), fault)
    assert [finding.diagnosis for finding in told.findings] == [D.CONNECTION_LOST]
    assert told.diagnosis is D.MODEL_NOT_ON_ROUTE


@pytest.mark.parametrize("model", ["databricks-gemini-2-5-pro", "databricks-llama-4-maverick"])
def test_a_field_that_a_whole_family_rejects_leads_to_a_model_that_takes_the_agents_own_request(
    stage: Stage, model: str
) -> None:
    first, told = stage.explained("healthy", route_on(HEALTHY, model), depth=Depth.FAITHFUL)
    assert first.field == "stream_options"
    assert told.suggestion is not None
    assert "takes this agent's own request" in told.sentence
