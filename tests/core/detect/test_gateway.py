"""Every candidate ends in the trace as chosen, rejected or skipped, and only the right shape proves a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.flow import NO_CREDENTIAL, Outcome
from core.detect.gateway import resolve_gateway
from core.detect.hosts import ParsedHost, parse_gateway_url, parse_host
from core.detect.trust import make_trust
from core.model.gateway import Gateway, GatewaySource, Generation, TraceOutcome, TraceStep
from core.model.workspace import Cloud, Environment, Workspace
from core.ports import FailureKind
from tests.core.detect import feeding
from tests.core.detect.feeding import Fed, Prepared, answer, failure, feed, refusal

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HOST = parse_host("dbc-a1b2c3d4-e5f6.cloud.databricks.com")
ORIGIN = HOST.origin
MODELS = f"{ORIGIN}/ai-gateway/anthropic/v1/models"
SERVICES = f"{ORIGIN}/api/2.1/unity-catalog/model-services?parent=schemas/system.ai&page_size=1"
V2 = f"{ORIGIN}/api/ai-gateway/v2/endpoints"
SERVING = f"{ORIGIN}/api/2.0/serving-endpoints"
GUESS = "https://31.ai-gateway.cloud.databricks.com"
LISTED = "https://31.ai-gateway.staging.cloud.databricks.com"

MODEL_LIST = answer(200, {"data": [{"id": "databricks-claude-opus-4-6"}]})
SERVICE_LIST = answer(200, {"model_services": [{"name": "model-services/system.ai.gpt-5-5"}]})
SERVING_LIST = answer(200, {"endpoints": [{"name": "databricks-claude-opus-4-6"}]})
V2_LIST = answer(200, {"endpoints": [{"name": "a", "ai_gateway_url": None}, {"ai_gateway_url": LISTED + "/mlflow/v1"}]})


def workspace_of(
    host: ParsedHost,
    cloud: Cloud = Cloud.AWS,
    environment: Environment = Environment.PUBLIC,
    workspace_id: str | None = "31",
) -> Workspace:
    return Workspace(host=host.origin, workspace_id=workspace_id, cloud=cloud, environment=environment)


def resolve(
    outcomes: Mapping[str, Prepared],
    *,
    setting: str | None = None,
    host: ParsedHost = HOST,
    workspace: Workspace | None = None,
) -> Fed[Gateway]:
    trust = make_trust(host.origin)
    flow = resolve_gateway(
        host,
        workspace or workspace_of(host),
        trust=trust,
        now=lambda: NOW,
        explicit=parse_gateway_url(setting, host, trust) if setting else None,
        disabled=setting == "",
    )
    return feed(flow, outcomes)


def step_of(gateway: Gateway, name: str) -> TraceStep:
    return next(step for step in gateway.trace if step.step == name)


def ends_of(gateway: Gateway) -> dict[str, str]:
    return {step.step: step.outcome.value for step in gateway.trace}


def test_a_workspace_gateway_that_lists_its_models_is_chosen() -> None:
    fed = resolve({MODELS: MODEL_LIST})
    gateway = fed.result
    assert (gateway.base_url, gateway.generation) == (f"{ORIGIN}/ai-gateway", Generation.WORKSPACE)
    assert (gateway.source, gateway.resolved_at) == (GatewaySource.DISCOVERED, NOW)
    assert fed.urls == [MODELS]
    assert [step.outcome for step in gateway.trace[1:]] == [TraceOutcome.SKIPPED] * 3
    assert all("chosen" in step.reason for step in gateway.trace[1:])
    assert step_of(gateway, "workspace_origin").latency_ms == 5.0


ALSO_ASKED = {
    "listing off": feeding.LISTING_OFF,
    "404 html": feeding.NOTHING,
    "throttled": feeding.THROTTLED,
    "cancelled": feeding.CANCELLED,
    "500": feeding.BROKEN,
    "missing permission": feeding.FORBIDDEN,
    "web page": feeding.WEB_PAGE,
    "wrong JSON": feeding.WRONG_JSON,
    "empty": feeding.EMPTY,
    "redirect": feeding.REDIRECT,
}


@pytest.mark.parametrize("first", ALSO_ASKED.values(), ids=ALSO_ASKED.keys())
@pytest.mark.parametrize(
    "services", [SERVICE_LIST, answer(200, {}), answer(200, {"model_services": None, "next_page_token": "t"})]
)
def test_where_the_listing_is_closed_the_model_services_prove_the_gateway(first: Outcome, services: Outcome) -> None:
    fed = resolve({MODELS: first, SERVICES: services})
    assert fed.result.generation is Generation.WORKSPACE
    assert fed.urls == [MODELS, SERVICES]
    assert "model services" in step_of(fed.result, "workspace_origin").reason


@pytest.mark.parametrize(
    "services",
    [feeding.WRONG_JSON, feeding.WEB_PAGE, feeding.FORBIDDEN, feeding.EMPTY, answer(200, {"model_services": {}})],
)
def test_an_answer_that_is_no_listing_proves_nothing(services: Outcome) -> None:
    gateway = resolve({MODELS: feeding.NOTHING, SERVICES: services, SERVING: SERVING_LIST}).result
    assert gateway.generation is Generation.SERVING_ENDPOINTS


# First answer of the gateway: what the trace says about it, and what is asked after it.
_SERVING_ONLY = [MODELS, SERVING]
_ALL = [MODELS, V2, f"{GUESS}/anthropic/v1/models", SERVING]
_ALL_WITH_SERVICES = [MODELS, SERVICES, *_ALL[1:]]
FALLS_THROUGH = {
    "dns": (feeding.DNS, "does not resolve", _SERVING_ONLY),
    "connect refused": (feeding.CONNECT, "connection refused", _SERVING_ONLY),
    "timeout": (feeding.TIMEOUT, "no answer in time", _SERVING_ONLY),
    "tls": (feeding.TLS, "TLS handshake", _SERVING_ONLY),
    "lost": (feeding.LOST, "connection broke", _SERVING_ONLY),
    "ip acl": (feeding.BLOCKED, "this network is blocked (403", _SERVING_ONLY),
    "private link": (feeding.PRIVATE_LINK, "this network is blocked (303", _SERVING_ONLY),
    "501": (feeding.NOT_IMPLEMENTED, "says that it has none (501 NOT_IMPLEMENTED", _ALL),
    "feature disabled": (feeding.FEATURE_DISABLED, "says that it has none (404 FEATURE_DISABLED", _ALL),
    "no api": (feeding.NO_API, "says that it has none (404 RESOURCE_DOES_NOT_EXIST", _ALL),
    "404 html": (feeding.NOTHING, "404 Sign in", _ALL_WITH_SERVICES),
    "listing off": (feeding.LISTING_OFF, "404 ENDPOINT_NOT_FOUND", _ALL_WITH_SERVICES),
    "missing permission": (feeding.FORBIDDEN, "cannot verify, a permission is missing (403", _ALL_WITH_SERVICES),
    "missing scope": (feeding.SCOPE, "cannot verify, a permission is missing (403", _ALL_WITH_SERVICES),
    "200 html": (feeding.WEB_PAGE, "200 with an HTML page", _ALL_WITH_SERVICES),
    "200 wrong json": (feeding.WRONG_JSON, "not the shape", _ALL_WITH_SERVICES),
    "200 empty": (feeding.EMPTY, "200 with an empty body", _ALL_WITH_SERVICES),
    "200 list": (answer(200, []), "200 with a body of the wrong shape", _ALL_WITH_SERVICES),
    "429": (feeding.THROTTLED, "429 REQUEST_LIMIT_EXCEEDED", _ALL_WITH_SERVICES),
    "499": (feeding.CANCELLED, "499 CANCELLED", _ALL_WITH_SERVICES),
    "500": (feeding.BROKEN, "500 INTERNAL_ERROR", _ALL_WITH_SERVICES),
    "redirect": (feeding.REDIRECT, "302 redirect to login.example.com", _ALL_WITH_SERVICES),
    "redirect to a path": (
        answer(307, location="/login.html"),
        "307 redirect to a path of its own",
        _ALL_WITH_SERVICES,
    ),
    "redirect to nonsense": (answer(302, location="https://["), "an unreadable address", _ALL_WITH_SERVICES),
    "redirect to a hostile name": (
        answer(302, location="https://a\u202eb/"),
        "an unreadable address",
        _ALL_WITH_SERVICES,
    ),
    "scope by 401": (
        refusal(401, "UNAUTHENTICATED", "Invalid scope, required scopes: ai-gateway"),
        "cannot verify, a permission is missing (401",
        _ALL_WITH_SERVICES,
    ),
    "too large": (answer(200, b'{"data"', truncated=True), "larger than", _ALL_WITH_SERVICES),
}


@pytest.mark.parametrize(("first", "words", "asked"), FALLS_THROUGH.values(), ids=FALLS_THROUGH.keys())
def test_what_is_no_gateway_falls_through_to_serving_endpoints(first: Outcome, words: str, asked: list[str]) -> None:
    fed = resolve(
        {
            MODELS: first,
            V2: feeding.FEATURE_DISABLED,
            f"{GUESS}/anthropic/v1/models": feeding.DNS,
            SERVING: SERVING_LIST,
        }
    )
    gateway = fed.result
    assert (gateway.base_url, gateway.source) == (f"{ORIGIN}/serving-endpoints", GatewaySource.NONE)
    assert gateway.generation is Generation.SERVING_ENDPOINTS
    assert fed.urls == asked
    rejected = step_of(gateway, "workspace_origin")
    assert rejected.outcome is TraceOutcome.REJECTED
    assert words in rejected.reason
    assert [step.step for step in gateway.trace] == [
        "workspace_origin",
        "listed_dedicated",
        "constructed_dedicated",
        "serving_endpoints",
    ]
    assert step_of(gateway, "serving_endpoints").outcome is TraceOutcome.CHOSEN


def test_a_missing_permission_is_never_called_off() -> None:
    gateway = resolve({MODELS: feeding.FORBIDDEN, SERVICES: feeding.FORBIDDEN, SERVING: SERVING_LIST}).result
    assert " none" not in step_of(gateway, "workspace_origin").reason
    assert "off" not in step_of(gateway, "workspace_origin").reason


STOPS = {
    "401": feeding.UNAUTHORISED,
    "dead token": feeding.DEAD,
    "unreadable token": feeding.DEAD_400,
    "other workspace": feeding.OTHER_WORKSPACE,
    "no credential": failure(FailureKind.REFUSED, NO_CREDENTIAL),
}


@pytest.mark.parametrize("first", STOPS.values(), ids=STOPS.keys())
def test_a_dead_credential_ends_the_search_early_and_says_so(first: Outcome) -> None:
    fed = resolve({MODELS: first, SERVING: SERVING_LIST})
    gateway = fed.result
    assert fed.urls == [MODELS]
    assert (gateway.base_url, gateway.generation, gateway.source) == (None, None, GatewaySource.NONE)
    assert gateway.trace[0].outcome is TraceOutcome.REJECTED
    assert "credential was refused" in gateway.trace[0].reason
    assert all(step.outcome is TraceOutcome.SKIPPED for step in gateway.trace[1:])
    assert all("credential was refused" in step.reason for step in gateway.trace[1:])


def test_a_host_that_may_not_receive_the_token_ends_the_search() -> None:
    fed = resolve({MODELS: failure(FailureKind.REFUSED, "x is not trusted.")})
    assert fed.urls == [MODELS]
    assert "nothing was sent" in fed.result.trace[0].reason


@pytest.mark.parametrize("second", [feeding.DEAD, feeding.UNAUTHORISED])
def test_a_credential_found_dead_later_ends_the_search_there(second: Outcome) -> None:
    assert resolve({MODELS: feeding.NOTHING, SERVICES: second}).urls == [MODELS, SERVICES]
    assert resolve({MODELS: feeding.NOT_IMPLEMENTED, V2: second}).urls == [MODELS, V2]


def test_a_workspace_that_cannot_be_reached_has_no_gateway() -> None:
    gateway = resolve({MODELS: feeding.DNS, SERVING: feeding.DNS}).result
    assert (gateway.base_url, gateway.generation, gateway.source) == (None, None, GatewaySource.NONE)
    assert ends_of(gateway) == {
        "workspace_origin": "rejected",
        "listed_dedicated": "skipped",
        "constructed_dedicated": "skipped",
        "serving_endpoints": "rejected",
    }


@pytest.mark.parametrize(
    "last",
    [feeding.WEB_PAGE, feeding.WRONG_JSON, feeding.FORBIDDEN, feeding.BROKEN, feeding.NOTHING, feeding.TRUNCATED],
)
def test_serving_endpoints_need_proof_too(last: Outcome) -> None:
    assert resolve({MODELS: feeding.NOT_IMPLEMENTED, SERVING: last}).result.base_url is None


@pytest.mark.parametrize("payload", [{}, {"endpoints": None}, {"endpoints": []}])
def test_an_empty_workspace_still_has_serving_endpoints(payload: object) -> None:
    gateway = resolve({MODELS: feeding.NOT_IMPLEMENTED, SERVING: answer(200, payload)}).result
    assert gateway.base_url == f"{ORIGIN}/serving-endpoints"


def test_the_dedicated_host_of_the_v2_listing_is_discovered() -> None:
    fed = resolve({MODELS: feeding.NOT_IMPLEMENTED, V2: V2_LIST, f"{LISTED}/anthropic/v1/models": MODEL_LIST})
    gateway = fed.result
    assert (gateway.base_url, gateway.generation) == (LISTED, Generation.DEDICATED)
    assert gateway.source is GatewaySource.DISCOVERED
    assert ends_of(gateway)["constructed_dedicated"] == "skipped"


def test_a_listed_host_that_is_not_trusted_gets_no_token() -> None:
    evil = answer(200, {"endpoints": [{"ai_gateway_url": "https://31.ai-gateway.cloud.databricks.com.evil.example"}]})
    fed = resolve({MODELS: feeding.NOT_IMPLEMENTED, V2: evil, SERVING: SERVING_LIST})
    assert not any("evil" in url for url in fed.urls)
    step = step_of(fed.result, "listed_dedicated")
    assert step.outcome is TraceOutcome.REJECTED
    assert "may not receive the token" in step.reason
    assert step.latency_ms is None


@pytest.mark.parametrize(
    "listing",
    [
        answer(200, {"endpoints": []}),
        answer(
            200,
            {"endpoints": [None, 7, {"ai_gateway_url": 7}, {"ai_gateway_url": "https://["}, {"ai_gateway_url": "x"}]},
        ),
    ],
)
def test_a_listing_without_a_host_is_said(listing: Outcome) -> None:
    gateway = resolve({MODELS: feeding.NOT_IMPLEMENTED, V2: listing, SERVING: SERVING_LIST}).result
    assert "names no dedicated host" in step_of(gateway, "listed_dedicated").reason


def test_a_guessed_host_that_answers_is_derived_and_marked_as_a_guess() -> None:
    gateway = resolve({MODELS: feeding.NOT_IMPLEMENTED, f"{GUESS}/anthropic/v1/models": MODEL_LIST}).result
    assert (gateway.base_url, gateway.source) == (GUESS, GatewaySource.DERIVED)
    assert "guess" in step_of(gateway, "constructed_dedicated").reason


def test_a_guessed_host_that_refuses_the_credential_does_not_end_the_search() -> None:
    guess = f"{GUESS}/anthropic/v1/models"
    gateway = resolve({MODELS: feeding.NOT_IMPLEMENTED, guess: feeding.DEAD_400, SERVING: SERVING_LIST}).result
    assert gateway.generation is Generation.SERVING_ENDPOINTS


def test_azure_guesses_are_tried_until_one_answers() -> None:
    host = parse_host("adb-2718281828459047.7.azuredatabricks.net")
    workspace = workspace_of(host, Cloud.AZURE, Environment.PUBLIC, "2718281828459047")
    found = "https://2718281828459047.0.ai-gateway.azuredatabricks.net"
    outcomes: dict[str, Prepared] = {
        f"{host.origin}/ai-gateway/anthropic/v1/models": feeding.NOT_IMPLEMENTED,
        "https://2718281828459047.7.ai-gateway.azuredatabricks.net/anthropic/v1/models": feeding.DNS,
        f"{found}/anthropic/v1/models": MODEL_LIST,
    }
    gateway = resolve(outcomes, host=host, workspace=workspace).result
    assert gateway.base_url == found
    tried = [step for step in gateway.trace if step.step == "constructed_dedicated"]
    assert [step.outcome.value for step in tried] == ["rejected", "chosen", "skipped", "skipped", "skipped"]


def test_a_guess_without_an_answer_in_time_ends_the_guessing_only() -> None:
    host = parse_host("adb-2718281828459047.7.azuredatabricks.net")
    workspace = workspace_of(host, Cloud.AZURE, Environment.PUBLIC, "2718281828459047")
    outcomes: dict[str, Prepared] = {
        f"{host.origin}/ai-gateway/anthropic/v1/models": feeding.NOT_IMPLEMENTED,
        "https://2718281828459047.7.ai-gateway.azuredatabricks.net/anthropic/v1/models": feeding.TIMEOUT,
        f"{host.origin}/api/2.0/serving-endpoints": SERVING_LIST,
    }
    gateway = resolve(outcomes, host=host, workspace=workspace).result
    tried = [step for step in gateway.trace if step.step == "constructed_dedicated"]
    assert [step.outcome.value for step in tried] == ["rejected", "skipped", "skipped", "skipped", "skipped"]
    assert gateway.generation is Generation.SERVING_ENDPOINTS


def test_only_the_first_listed_hosts_are_tried_and_none_after_one_was_chosen() -> None:
    hosts = [f"https://{number}.ai-gateway.cloud.databricks.com" for number in range(5)]
    listing = answer(200, {"endpoints": [{"ai_gateway_url": f"{host}/x"} for host in hosts]})
    outcomes: dict[str, Prepared] = {
        MODELS: feeding.NOT_IMPLEMENTED,
        V2: listing,
        f"{hosts[1]}/anthropic/v1/models": MODEL_LIST,
    }
    gateway = resolve(outcomes).result
    tried = [(step.candidate, step.outcome.value) for step in gateway.trace if step.step == "listed_dedicated"]
    assert tried == [(hosts[0], "rejected"), (hosts[1], "chosen"), (hosts[2], "skipped")]


@pytest.mark.parametrize(
    ("environment", "workspace_id", "words"),
    [(Environment.GOV, "31", "no form of such a host"), (Environment.PUBLIC, None, "workspace id is not known")],
)
def test_where_nothing_can_be_guessed_the_trace_says_why(
    environment: Environment, workspace_id: str | None, words: str
) -> None:
    workspace = workspace_of(HOST, Cloud.AWS, environment, workspace_id)
    gateway = resolve({MODELS: feeding.NOT_IMPLEMENTED, SERVING: SERVING_LIST}, workspace=workspace).result
    step = step_of(gateway, "constructed_dedicated")
    assert (step.outcome, step.candidate) == (TraceOutcome.SKIPPED, None)
    assert words in step.reason


def test_an_explicit_gateway_that_answers_is_chosen() -> None:
    fed = resolve({f"{GUESS}/anthropic/v1/models": MODEL_LIST}, setting=GUESS)
    assert (fed.result.base_url, fed.result.source) == (GUESS, GatewaySource.EXPLICIT)
    assert fed.result.generation is Generation.DEDICATED
    assert ends_of(fed.result) == {
        "explicit": "chosen",
        "workspace_origin": "skipped",
        "listed_dedicated": "skipped",
        "constructed_dedicated": "skipped",
        "serving_endpoints": "skipped",
    }
    assert len(fed.asked) == 1


@pytest.mark.parametrize(
    "outcome",
    [feeding.DNS, feeding.TIMEOUT, feeding.DEAD, feeding.FORBIDDEN, feeding.WEB_PAGE, feeding.NOT_IMPLEMENTED],
)
def test_an_explicit_gateway_that_does_not_answer_stays_and_is_shown_as_failing(outcome: Outcome) -> None:
    fed = resolve({f"{GUESS}/anthropic/v1/models": outcome, MODELS: MODEL_LIST}, setting=GUESS)
    assert fed.result.base_url == GUESS
    assert "did not answer as one" in step_of(fed.result, "explicit").reason
    assert fed.urls == [f"{GUESS}/anthropic/v1/models"]


def test_the_explicit_workspace_gateway_may_be_proven_by_its_model_services() -> None:
    fed = resolve({MODELS: feeding.LISTING_OFF, SERVICES: SERVICE_LIST}, setting=f"{ORIGIN}/ai-gateway")
    assert "did not answer" not in step_of(fed.result, "explicit").reason
    assert fed.result.generation is Generation.WORKSPACE


def test_explicit_serving_endpoints_are_checked_by_their_listing() -> None:
    fed = resolve({SERVING: SERVING_LIST}, setting=f"{ORIGIN}/serving-endpoints")
    assert fed.urls == [SERVING]
    assert fed.result.generation is Generation.SERVING_ENDPOINTS
    assert fed.result.source is GatewaySource.EXPLICIT


@pytest.mark.parametrize(("outcome", "words"), [(SERVING_LIST, "lists its serving"), (feeding.DEAD, "did not answer")])
def test_a_disabled_gateway_means_serving_endpoints(outcome: Outcome, words: str) -> None:
    fed = resolve({SERVING: outcome, MODELS: MODEL_LIST}, setting="")
    gateway = fed.result
    assert fed.urls == [SERVING]
    assert (gateway.base_url, gateway.source) == (f"{ORIGIN}/serving-endpoints", GatewaySource.DISABLED)
    assert words in step_of(gateway, "disabled").reason
    assert [step.outcome.value for step in gateway.trace] == ["chosen", "skipped", "skipped", "skipped"]


def test_a_custom_url_is_told_the_workspace_on_every_request_to_it() -> None:
    host = parse_host("acme.databricks.com")
    workspace = workspace_of(host, Cloud.UNKNOWN, Environment.UNKNOWN, "31")
    fed = resolve({}, host=host, workspace=workspace)
    assert fed.asked
    assert all(ask.request.headers["X-Databricks-Workspace-Id"] == "31" for ask in fed.asked)


def test_every_question_of_the_resolution_is_authenticated() -> None:
    assert all(ask.authenticated for ask in resolve({}).asked)


_STATUSES = st.integers(100, 999)
_BODIES = st.binary(max_size=60).filter(lambda body: b"{" not in body)


@given(_STATUSES, _BODIES, _STATUSES, _BODIES)
def test_arbitrary_answers_prove_nothing_and_never_raise(
    first: int, first_body: bytes, second: int, second_body: bytes
) -> None:
    outcomes: dict[str, Prepared] = {
        MODELS: answer(first, first_body),
        SERVICES: answer(second, second_body),
        V2: answer(second, first_body),
        SERVING: answer(first, second_body),
    }
    gateway = resolve(outcomes).result
    assert gateway.base_url is None
    assert sum(step.outcome is TraceOutcome.CHOSEN for step in gateway.trace) == 0
