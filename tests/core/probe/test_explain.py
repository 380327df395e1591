"""Causes that look alike are told apart by at most three follow-up questions, and none after a hang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.agents import AGENTS, API_TYPES
from core.catalog.spellings import endpoint_spelling, family_of, service_spelling
from core.detect.models import agents_for
from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.explanation import Explanation
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.models import ListingOutcome, ListingResult, Model, ModelCatalogue
from core.model.probe import Diagnosis as D
from core.model.probe import Health, Rung, RungOutcome
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.probe.explain import MAX_QUESTIONS, Facts, explain, run_explanation
from core.probe.judge import Verdict
from core.probe.request import route_url
from tests.fakes.network import FakeClock

HOME = "https://adb-1.1.azuredatabricks.net"
LEGACY = f"{HOME}/serving-endpoints"
GATEWAY = f"{HOME}/ai-gateway"
CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
STORED = Secret("stored-token")
OPUS, SONNET, GPT = "databricks-claude-opus-4-7", "databricks-claude-sonnet-4-6", "databricks-gpt-5-5"


def model(name: str, *dialects: Dialect, ready: bool | None = True) -> Model:
    kinds = tuple(API_TYPES[dialect][0] for dialect in dialects)
    spellings = (endpoint_spelling(name), service_spelling(name))
    family = family_of(name)
    agents = agents_for(family, kinds)
    return Model(id=name, spellings=spellings, family=family, api_types=kinds, agents=agents, ready=ready)


LISTED = ModelCatalogue(
    models=(
        model("claude-haiku-4-5", MESSAGES, CHAT),
        model("claude-opus-4-6", MESSAGES, CHAT),
        model("claude-opus-4-7", MESSAGES, CHAT),
        model("claude-opus-5", MESSAGES),
        model("claude-sonnet-4-6", MESSAGES, CHAT),
        model("claude-sonnet-5", MESSAGES, CHAT, ready=False),
        model("gpt-5-5", Dialect.OPENAI_RESPONSES, CHAT),
    ),
    sources=(ListingResult(source="serving-endpoints", outcome=ListingOutcome.OK, count=7, detail="7 models"),),
)


def gateway(generation: Generation) -> Gateway:
    return Gateway(
        base_url=LEGACY if generation is Generation.SERVING_ENDPOINTS else GATEWAY,
        generation=generation,
        source=GatewaySource.DISCOVERED,
        trace=(),
        resolved_at=FakeClock().now(),
    )


def route(name: str = OPUS, generation: Generation = Generation.SERVING_ENDPOINTS) -> Route:
    return Route(
        agent=AgentId.HERMES,
        slot="primary",
        model=name,
        base_url=LEGACY if generation is Generation.SERVING_ENDPOINTS else f"{GATEWAY}/mlflow/v1",
        dialect=CHAT,
        generation=generation,
        identity=Identity.DASHBOARD,
    )


def on_gateway(name: str = OPUS) -> Route:
    return route(name, Generation.WORKSPACE)


def stored(one: Route) -> Route:
    return replace(one, identity=Identity.STORED, token=STORED)


def facts_about(one: Route, **more: object) -> Facts:
    known = Facts(
        catalogue=LISTED,
        gateway=gateway(one.generation or Generation.WORKSPACE),
        principals={Identity.DASHBOARD: "robin@example.com"},
        workspace_origin=HOME,
    )
    return replace(known, **more)


def hermes(primary: str, fallback: str) -> AgentChoice:
    slots = tuple(
        SlotChoice(slot=slot, model=name, source=Layer.DEFAULT)
        for slot, name in (("primary", primary), ("fallback", fallback))
    )
    return AgentChoice(agent=AgentId.HERMES, enabled=True, dialect=CHAT, base_url=LEGACY, slots=slots)


# Where a refusal of each kind stands, as judge() would say it.
_ROUTE_PROVEN = {D.OK, D.MODEL_NOT_ON_ROUTE, D.MODEL_ABSENT, D.GRANT_MISSING, D.RATE_LIMIT_ZERO, D.THROTTLED}


def verdict(diagnosis: D, status: int | None = 404) -> Verdict:
    proven = RungOutcome.PASSED if diagnosis in _ROUTE_PROVEN else RungOutcome.FAILED
    return Verdict(diagnosis=diagnosis, rung=Rung.MODEL, route=proven, status=200 if diagnosis is D.OK else status)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of an explanation, and the questions it took."""

    told: Explanation | None
    asked: tuple[Route, ...]

    @property
    def explanation(self) -> Explanation:
        assert self.told is not None
        return self.told

    @property
    def questions(self) -> list[str]:
        return [finding.question for finding in self.explanation.findings]

    @property
    def suggested(self) -> str | None:
        return self.explanation.suggestion.model if self.explanation.suggestion else None


def play(one: Route, first: Verdict, facts: Facts, answers: Callable[[Route], Verdict]) -> Played:
    """Explain a failure against answers that the test decides."""
    asked: list[Route] = []

    async def ask(follow_up: Route) -> Verdict:
        asked.append(follow_up)
        return answers(follow_up)

    told = asyncio.run(run_explanation(explain(one, first, facts), ask))
    return Played(told=told, asked=tuple(asked))


def saying(default: D, rules: Mapping[str, D] | None = None) -> Callable[[Route], Verdict]:
    """Return answers by model name, for questions on the chat route to anybody."""
    return lambda asked: verdict((rules or {}).get(asked.model, default))


NOT_FOUND = verdict(D.MODEL_NOT_ON_ROUTE)


def test_a_model_that_answers_in_another_dialect_is_not_on_this_route() -> None:
    def answers(asked: Route) -> Verdict:
        works = asked.dialect is MESSAGES or asked.model != OPUS
        return verdict(D.OK if works else D.MODEL_NOT_ON_ROUTE)

    played = play(route(), NOT_FOUND, facts_about(route()), answers)
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE
    assert "it answers on the Anthropic route of serving-endpoints" in played.explanation.sentence
    assert played.asked[0].base_url == f"{LEGACY}/anthropic"
    assert played.suggested == "databricks-claude-opus-4-6"
    assert "Switch Hermes' primary model (HERMES_MODEL) to databricks-claude-opus-4-6" in played.explanation.remedy


def test_a_model_that_answers_under_its_other_name_is_suggested_by_that_name() -> None:
    answers = saying(D.MODEL_NOT_ON_ROUTE, {service_spelling(OPUS): D.OK})
    played = play(on_gateway(), NOT_FOUND, facts_about(on_gateway()), answers)
    assert played.questions == ["the other spelling, system.ai.claude-opus-4-7"]
    assert (played.explanation.diagnosis, played.suggested) == (D.MODEL_NOT_ON_ROUTE, "system.ai.claude-opus-4-7")


def test_serving_endpoints_are_never_asked_for_a_model_service() -> None:
    played = play(route(), NOT_FOUND, facts_about(route()), saying(D.MODEL_NOT_ON_ROUTE))
    assert not any(asked.model.startswith("system.ai.") for asked in played.asked)


def test_a_model_that_answers_on_the_resolved_gateway_is_suggested_there() -> None:
    facts = facts_about(route(), gateway=gateway(Generation.WORKSPACE))

    def answers(asked: Route) -> Verdict:
        return verdict(D.OK if asked.base_url == f"{GATEWAY}/mlflow/v1" else D.MODEL_NOT_ON_ROUTE)

    played = play(route(), NOT_FOUND, facts, answers)
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE
    assert f"Set Hermes' base URL to {GATEWAY}/mlflow/v1" in played.explanation.remedy
    assert played.suggested == OPUS


def test_a_listed_model_that_the_gateway_denies_in_every_way_is_hidden() -> None:
    answers = saying(D.MODEL_NOT_ON_ROUTE, {"databricks-claude-opus-4-6": D.OK})
    played = play(on_gateway(), NOT_FOUND, facts_about(on_gateway()), answers)
    assert played.explanation.diagnosis is D.GRANT_MISSING
    assert "GRANT EXECUTE ON MODEL SERVICE system.ai.`claude-opus-4-7` TO `robin@example.com`;" in (
        played.explanation.remedy
    )
    assert played.questions == [
        "the other spelling, system.ai.claude-opus-4-7",
        "the same model on the Anthropic route",
        "another listed model on this route, databricks-claude-opus-4-6",
    ]
    assert played.suggested == "databricks-claude-opus-4-6"


def test_a_model_that_is_listed_for_another_dialect_only_is_looked_for_there_first() -> None:
    name = "databricks-claude-opus-5"
    played = play(on_gateway(name), NOT_FOUND, facts_about(on_gateway(name)), saying(D.MODEL_NOT_ON_ROUTE))
    assert played.questions[0] == "the same model on the Anthropic route"
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE


def test_an_unknown_principal_is_named_by_its_credential() -> None:
    facts = facts_about(on_gateway(), principals={})
    played = play(on_gateway(), NOT_FOUND, facts, saying(D.MODEL_NOT_ON_ROUTE))
    assert "TO `<principal of the dashboard's credential>`;" in played.explanation.remedy


NEW = "databricks-claude-opus-9"


@pytest.mark.parametrize(
    ("one", "facts", "diagnosis"),
    [
        pytest.param(route(NEW), {}, D.MODEL_ABSENT, id="in no listing of serving-endpoints"),
        pytest.param(on_gateway(NEW), {}, D.MODEL_ABSENT, id="in no listing of the gateway"),
        pytest.param(
            on_gateway(NEW), {"catalogue": ModelCatalogue()}, D.MODEL_NOT_ON_ROUTE, id="but nothing could be listed"
        ),
        pytest.param(
            on_gateway("main.team.opus"), {}, D.MODEL_NOT_ON_ROUTE, id="but only system.ai was listed, and it is not"
        ),
        pytest.param(route(OPUS), {}, D.MODEL_NOT_ON_ROUTE, id="but serving-endpoints list it"),
    ],
)
def test_a_model_that_answers_nowhere_is_absent_when_the_listings_say_so(
    one: Route, facts: dict[str, object], diagnosis: D
) -> None:
    played = play(one, NOT_FOUND, facts_about(one, **facts), saying(D.MODEL_NOT_ON_ROUTE))
    assert played.explanation.diagnosis is diagnosis
    assert played.suggested is None


def test_somebodys_own_service_is_granted_in_its_own_schema() -> None:
    one = on_gateway("main.team.opus")
    played = play(one, NOT_FOUND, facts_about(one), saying(D.OK))
    assert "GRANT USE SCHEMA ON SCHEMA main.team TO `robin@example.com`;" in played.explanation.remedy


@pytest.mark.parametrize("other", [D.TIMED_OUT, D.CREDENTIAL_DEAD, D.SERVER_ERROR, D.UNCLASSIFIED])
@pytest.mark.parametrize("name", [OPUS, NEW])
def test_neither_absence_nor_a_missing_grant_is_claimed_when_a_question_was_left_open(name: str, other: D) -> None:
    one = on_gateway(name)
    played = play(one, NOT_FOUND, facts_about(one), saying(other))
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE
    assert "could not be found out" in played.explanation.sentence


def test_a_gateway_is_not_called_off_because_something_else_hangs() -> None:
    played = play(on_gateway(), verdict(D.WRONG_PATH), facts_about(on_gateway()), saying(D.TIMED_OUT))
    assert played.explanation.diagnosis is D.WRONG_PATH


def test_a_permission_refused_elsewhere_on_the_gateway_proves_that_the_model_is_there() -> None:
    answers = saying(D.MODEL_NOT_ON_ROUTE, {service_spelling(NEW): D.GRANT_MISSING})
    played = play(on_gateway(NEW), NOT_FOUND, facts_about(on_gateway(NEW)), answers)
    assert played.explanation.diagnosis is D.GRANT_MISSING


def test_what_works_for_the_dashboard_is_hidden_from_the_stored_token() -> None:
    one = stored(on_gateway())
    played = play(one, NOT_FOUND, facts_about(one), saying(D.OK))
    assert played.questions[0] == "the same route with the dashboard's credential"
    assert played.explanation.diagnosis is D.GRANT_MISSING
    assert "hidden from the token stored in Hermes' config" in played.explanation.sentence
    assert "TO `<principal of the token stored in Hermes' config>`;" in played.explanation.remedy


def test_what_another_caller_was_answered_in_this_sweep_needs_no_question() -> None:
    facts = facts_about(on_gateway(), known_good=(replace(stored(on_gateway()), token=None),))
    played = play(on_gateway(), NOT_FOUND, facts, saying(D.OK))
    assert played.explanation.diagnosis is D.GRANT_MISSING
    assert "it answers to the token stored in Hermes' config" in played.explanation.sentence


def test_a_404_and_a_dead_token_behind_it_are_two_faults() -> None:
    one = stored(route())
    facts = facts_about(one, known_good=(replace(route(SONNET), agent=AgentId.COPILOT, slot="default"),))

    def answers(asked: Route) -> Verdict:
        if asked.identity is Identity.STORED:
            return verdict(D.CREDENTIAL_DEAD, 403)
        return verdict(D.OK if asked.dialect is MESSAGES else D.MODEL_NOT_ON_ROUTE)

    played = play(one, NOT_FOUND, facts, answers)
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE
    assert "is refused on this route as well" in played.explanation.sentence
    assert "fresh token" in played.explanation.remedy
    assert played.suggested == SONNET
    assert played.questions[-1] == f"a known-good model on this route, {SONNET}"


@pytest.mark.parametrize(
    ("dashboards", "shown"),
    [
        pytest.param(D.OK, "the route itself works", id="the token alone is to blame"),
        pytest.param(D.CREDENTIAL_DEAD, "refused there as well", id="both credentials are refused"),
        pytest.param(D.MODEL_NOT_ON_ROUTE, "fails too (model_not_on_route)", id="the route is broken besides"),
    ],
)
@pytest.mark.parametrize("refused", [D.CREDENTIAL_DEAD, D.WRONG_WORKSPACE, D.SCOPE_MISSING, D.CREDENTIAL_MISSING])
def test_a_refused_token_is_told_from_a_broken_route(refused: D, dashboards: D, shown: str) -> None:
    played = play(stored(route()), verdict(refused, 403), facts_about(route()), saying(dashboards))
    assert played.explanation.diagnosis is refused
    assert shown in played.explanation.sentence
    assert played.questions[0] == "the same route with the dashboard's credential"


def test_a_403_that_nobody_knows_is_asked_with_the_dashboards_credential_too() -> None:
    first = Verdict(diagnosis=D.UNCLASSIFIED, rung=Rung.AUTH, status=403)
    played = play(stored(route()), first, facts_about(route()), saying(D.OK))
    assert "the route itself works" in played.explanation.sentence


def test_the_dashboards_own_dead_token_leaves_nothing_to_ask() -> None:
    played = play(route(), verdict(D.CREDENTIAL_DEAD, 403), facts_about(route()), saying(D.OK))
    assert (played.told, played.asked) == (None, ())


def test_a_missing_permission_comes_with_its_grants_and_with_a_model_that_works() -> None:
    played = play(on_gateway(), verdict(D.GRANT_MISSING, 403), facts_about(on_gateway()), saying(D.OK))
    assert played.explanation.diagnosis is D.GRANT_MISSING
    assert played.explanation.remedy.count("GRANT ") == 3
    assert "Meanwhile: Switch Hermes' primary model" in played.explanation.remedy


def test_a_missing_permission_on_an_endpoint_is_no_matter_of_unity_catalog() -> None:
    played = play(route(), verdict(D.GRANT_MISSING, 403), facts_about(route()), saying(D.OK))
    assert f"Grant CAN QUERY on the serving endpoint {OPUS} to robin@example.com" in played.explanation.remedy


@pytest.mark.parametrize("refused", [D.RATE_LIMIT_ZERO, D.DIALECT_MISMATCH, D.FIELD_REJECTED, D.OUTPUT_CAP])
def test_a_model_that_will_not_do_is_replaced_by_one_that_answered(refused: D) -> None:
    played = play(route(), verdict(refused, 403), facts_about(route()), saying(D.OK))
    assert played.explanation.diagnosis is refused
    assert played.suggested not in (None, OPUS)


def test_a_family_that_rejects_a_field_is_left() -> None:
    played = play(route(), verdict(D.FIELD_REJECTED, 400), facts_about(route()), saying(D.OK))
    assert played.suggested == GPT
    assert "probe it faithfully before switching" in played.explanation.sentence


def test_families_take_turns_when_the_first_substitute_fails_too() -> None:
    answers = saying(D.RATE_LIMIT_ZERO, {GPT: D.OK})
    played = play(route(), verdict(D.RATE_LIMIT_ZERO, 403), facts_about(route()), answers)
    assert [asked.model for asked in played.asked] == ["databricks-claude-opus-4-6", GPT]


def test_a_substitute_is_never_the_other_model_of_the_chain_if_there_is_another() -> None:
    facts = facts_about(route(), choices=(hermes(OPUS, "databricks-claude-opus-4-6"),))
    played = play(route(), verdict(D.RATE_LIMIT_ZERO, 403), facts, saying(D.OK))
    assert played.suggested not in (None, OPUS, "databricks-claude-opus-4-6")


def test_models_that_are_not_ready_or_of_another_dialect_are_not_tried() -> None:
    played = play(route(), verdict(D.RATE_LIMIT_ZERO, 403), facts_about(route()), saying(D.RATE_LIMIT_ZERO))
    assert not {asked.model for asked in played.asked} & {"databricks-claude-sonnet-5", "databricks-claude-opus-5"}


RETIRED = {
    "on the gateway": (on_gateway(), verdict(D.SPELLING_RETIRED, 501), Generation.WORKSPACE),
    "on serving-endpoints beside a gateway": (route(), verdict(D.SPELLING_RETIRED, 403), Generation.WORKSPACE),
    "on serving-endpoints, the gateway not resolved": (
        route(),
        verdict(D.SPELLING_RETIRED, 403),
        Generation.SERVING_ENDPOINTS,
    ),
}


@pytest.mark.parametrize(("one", "first", "resolved"), RETIRED.values(), ids=RETIRED)
def test_a_retired_name_is_replaced_by_the_service_on_the_gateway(
    one: Route, first: Verdict, resolved: Generation
) -> None:
    service = service_spelling(OPUS)
    played = play(one, first, facts_about(one, gateway=gateway(resolved)), saying(D.SPELLING_RETIRED, {service: D.OK}))
    assert (played.explanation.diagnosis, played.suggested) == (D.SPELLING_RETIRED, service)
    assert played.explanation.suggestion is not None
    assert played.explanation.suggestion.url == f"{GATEWAY}/mlflow/v1/chat/completions"


def test_a_retired_name_whose_service_is_hidden_comes_with_the_grants() -> None:
    answers = saying(D.MODEL_NOT_ON_ROUTE)
    played = play(on_gateway(), verdict(D.SPELLING_RETIRED, 501), facts_about(on_gateway()), answers)
    assert "GRANT EXECUTE ON MODEL SERVICE system.ai.`claude-opus-4-7`" in played.explanation.remedy


TYPO = replace(on_gateway(), base_url=f"{GATEWAY}/mlflow/v2")
PATHS = {
    "a typo below the gateway is a wrong path, though it reads like a gateway that is off": (
        TYPO,
        D.GATEWAY_OFF,
        Generation.WORKSPACE,
        {f"{GATEWAY}/mlflow/v1"},
        D.WRONG_PATH,
    ),
    "a typo below serving-endpoints is a wrong path": (
        replace(route(), base_url=f"{LEGACY}/v1"),
        D.WRONG_PATH,
        Generation.SERVING_ENDPOINTS,
        {LEGACY},
        D.WRONG_PATH,
    ),
    "a gateway of which no path answers is off, and serving-endpoints are suggested": (
        on_gateway(),
        D.GATEWAY_OFF,
        Generation.WORKSPACE,
        {LEGACY},
        D.GATEWAY_OFF,
    ),
    "a gateway where detection found none is off": (
        on_gateway(),
        D.GATEWAY_OFF,
        Generation.SERVING_ENDPOINTS,
        {LEGACY},
        D.GATEWAY_OFF,
    ),
    "a gateway that answers no path, like everything else, is off": (
        on_gateway(),
        D.WRONG_PATH,
        Generation.WORKSPACE,
        set(),
        D.GATEWAY_OFF,
    ),
}


@pytest.mark.parametrize(("one", "first", "resolved", "bases", "diagnosis"), PATHS.values(), ids=PATHS)
def test_a_wrong_base_url_is_told_from_a_gateway_that_is_off(
    one: Route, first: D, resolved: Generation, bases: set[str], diagnosis: D
) -> None:
    facts = facts_about(one, gateway=gateway(resolved))
    played = play(one, verdict(first), facts, lambda asked: verdict(D.OK if asked.base_url in bases else first))
    assert played.explanation.diagnosis is diagnosis
    urls = {played.explanation.suggestion.url} if played.explanation.suggestion else set()
    assert urls == {f"{base}/chat/completions" for base in bases}


def test_a_path_that_works_for_another_model_is_right() -> None:
    facts = facts_about(on_gateway())
    played = play(on_gateway(), verdict(D.GATEWAY_OFF), facts, saying(D.OK))
    assert played.explanation.diagnosis is D.MODEL_NOT_ON_ROUTE
    assert "the path itself is right" in played.explanation.sentence


def test_a_right_path_whose_model_is_missing_leads_to_another_model_there() -> None:
    def answers(asked: Route) -> Verdict:
        if asked.base_url != f"{GATEWAY}/mlflow/v1":
            return verdict(D.GATEWAY_OFF)
        return verdict(D.MODEL_NOT_ON_ROUTE if asked.model == OPUS else D.OK)

    played = play(TYPO, verdict(D.GATEWAY_OFF), facts_about(TYPO), answers)
    assert played.explanation.diagnosis is D.WRONG_PATH
    assert played.suggested == "databricks-claude-opus-4-6"


def test_a_stored_token_is_not_shown_to_another_host() -> None:
    one = replace(stored(route()), base_url="https://1.1.ai-gateway.azuredatabricks.net/typo", generation=None)
    played = play(one, verdict(D.WRONG_PATH), facts_about(route()), saying(D.WRONG_PATH))
    elsewhere = [asked for asked in played.asked if not asked.base_url.startswith(one.base_url)]
    assert elsewhere
    assert all((asked.identity, asked.token) == (Identity.DASHBOARD, None) for asked in elsewhere)


NOTHING_FOLLOWS = {
    "an answer": verdict(D.OK),
    "a hang": verdict(D.TIMED_OUT, None),
    "a host without a name": verdict(D.DNS_FAILED, None),
    "a refused connection": verdict(D.CONNECT_FAILED, None),
    "a failed handshake": verdict(D.TLS_FAILED, None),
    "a broken connection": verdict(D.CONNECTION_LOST, None),
    "throttling": verdict(D.THROTTLED, 429),
    "a rate limit of zero that is worded as throttling": verdict(D.RATE_LIMIT_ZERO, 429),
    "overload": verdict(D.OVERLOADED, 503),
    "a server error": verdict(D.SERVER_ERROR, 500),
    "a redirect": verdict(D.REDIRECTED, 302),
    "a blocked network": verdict(D.NETWORK_BLOCKED, 403),
    "a request that was not sent": replace(NOT_FOUND, refused_to_send=True),
}


@pytest.mark.parametrize("first", NOTHING_FOLLOWS.values(), ids=NOTHING_FOLLOWS)
def test_no_question_follows(first: Verdict) -> None:
    assert play(stored(route()), first, facts_about(route()), saying(D.OK)) == Played(told=None, asked=())


@pytest.mark.parametrize("ending", [D.TIMED_OUT, D.THROTTLED, D.SERVER_ERROR, D.CONNECTION_LOST])
def test_no_question_follows_a_follow_up_that_hangs_or_is_throttled(ending: D) -> None:
    played = play(on_gateway(), NOT_FOUND, facts_about(on_gateway()), saying(ending))
    assert len(played.asked) == 1
    assert played.told is not None


def test_a_finding_holds_no_token() -> None:
    played = play(stored(route()), NOT_FOUND, facts_about(route()), saying(D.MODEL_NOT_ON_ROUTE))
    assert any(asked.token == STORED for asked in played.asked)
    assert all(finding.route.token is None for finding in played.explanation.findings)


ROUTES = st.builds(
    lambda one, name, base, dialect, identity, agent: replace(
        one,
        model=name,
        base_url=base or one.base_url,
        dialect=dialect,
        identity=identity,
        agent=agent,
        slot=AGENTS[agent].slots[0].name,
        token=None if identity is Identity.DASHBOARD else STORED,
    ),
    st.sampled_from([route(), on_gateway(), replace(route(), generation=None)]),
    st.sampled_from([OPUS, NEW, "main.team.opus", "system.ai.gpt-5-5", "bare"]) | st.text(max_size=12),
    st.sampled_from(["", TYPO.base_url, "https://[", "nonsense"]),
    st.sampled_from(list(Dialect)),
    st.sampled_from(list(Identity)),
    st.sampled_from([agent for agent, spec in AGENTS.items() if spec.probeable]),
)
VERDICTS = st.builds(
    lambda diagnosis, status, refused: replace(verdict(diagnosis, status), refused_to_send=refused),
    # Answers and missing models lead deepest.
    st.sampled_from([*[D.OK, D.MODEL_NOT_ON_ROUTE] * 8, *D]),
    st.sampled_from([None, 400, 403, 404, 429, 501]),
    st.sampled_from([False, False, False, True]),
)
FACTS = st.builds(
    Facts,
    catalogue=st.sampled_from([LISTED, ModelCatalogue()]),
    gateway=st.sampled_from([None, *(gateway(one) for one in Generation)]),
    choices=st.sampled_from([(), (hermes(OPUS, SONNET),)]),
    known_good=st.sampled_from([(), (route(SONNET),), (on_gateway(GPT), replace(stored(on_gateway()), token=None))]),
    workspace_origin=st.sampled_from([None, HOME]),
)


@given(one=ROUTES, first=VERDICTS, facts=FACTS, answers=st.lists(VERDICTS, min_size=MAX_QUESTIONS))
def test_whatever_is_answered_the_questions_are_few_and_the_suggestion_was_seen_to_work(
    one: Route, first: Verdict, facts: Facts, answers: list[Verdict]
) -> None:
    left = iter(answers)
    played = play(one, first, facts, lambda asked: next(left))
    assert len(played.asked) <= MAX_QUESTIONS
    if played.told is None:
        return
    assert played.told.diagnosis is not D.OK
    assert health_of(played.told.diagnosis) is not Health.HEALTHY
    assert played.told.sentence and played.told.remedy
    answered = {(known.model, route_url(known)) for known in facts.known_good}
    answered |= {
        (finding.route.model, route_url(finding.route))
        for finding in played.told.findings
        if finding.health is Health.HEALTHY
    }
    suggestion = played.told.suggestion
    if suggestion is not None:
        assert (suggestion.model, suggestion.url) in answered
        assert (suggestion.model, suggestion.url) != (one.model, route_url(one))


def test_a_permission_that_only_the_stored_token_lacks_says_who_has_it() -> None:
    played = play(stored(on_gateway()), verdict(D.GRANT_MISSING, 403), facts_about(on_gateway()), saying(D.OK))
    assert "it answers to the dashboard's credential" in played.explanation.sentence
    assert "TO `<principal of the token stored in Hermes' config>`;" in played.explanation.remedy


def test_a_dashboard_without_a_credential_explains_no_token() -> None:
    unsent = replace(NOT_FOUND, refused_to_send=True)
    assert play(stored(route()), verdict(D.CREDENTIAL_DEAD, 403), facts_about(route()), lambda _: unsent).told is None


def test_without_any_listed_model_there_is_nothing_to_try() -> None:
    facts = facts_about(route(), catalogue=ModelCatalogue())
    assert play(route(), verdict(D.RATE_LIMIT_ZERO, 403), facts, saying(D.OK)).told is None


def test_a_retired_name_whose_service_hangs_keeps_its_own_remedy() -> None:
    first = verdict(D.SPELLING_RETIRED, 501)
    played = play(on_gateway(), first, facts_about(on_gateway()), saying(D.TIMED_OUT))
    assert (played.explanation.diagnosis, played.suggested) == (D.SPELLING_RETIRED, None)
    assert "system.ai.claude-opus-4-7" in played.explanation.remedy


def test_a_service_without_an_endpoint_is_not_tried_on_serving_endpoints() -> None:
    services = tuple(replace(one, spellings=one.spellings[1:]) for one in LISTED.models)
    facts = facts_about(route(), catalogue=replace(LISTED, models=services))
    assert play(route(), verdict(D.RATE_LIMIT_ZERO, 403), facts, saying(D.OK)).asked == ()


def test_a_service_is_asked_by_its_endpoint_name_where_the_gateway_is_off() -> None:
    one = on_gateway(service_spelling(NEW))
    facts = facts_about(one, gateway=gateway(Generation.SERVING_ENDPOINTS))
    played = play(one, verdict(D.GATEWAY_OFF), facts, saying(D.OK))
    assert (played.explanation.diagnosis, played.suggested) == (D.GATEWAY_OFF, NEW)


def test_a_right_path_where_no_model_answers_is_named_all_the_same() -> None:
    played = play(TYPO, verdict(D.GATEWAY_OFF), facts_about(TYPO), saying(D.MODEL_NOT_ON_ROUTE))
    assert (played.explanation.diagnosis, played.suggested) == (D.WRONG_PATH, None)
    assert played.explanation.remedy == f"Set Hermes' base URL to {GATEWAY}/mlflow/v1."


def test_the_order_in_which_answers_landed_does_not_decide() -> None:
    good = (route(SONNET), route(GPT), route("databricks-claude-haiku-4-5"))
    empty = ModelCatalogue()
    played = {
        play(
            route(), verdict(D.MODEL_ABSENT), facts_about(route(), catalogue=empty, known_good=known), saying(D.OK)
        ).suggested
        for known in (good, good[::-1])
    }
    assert len(played) == 1
