"""Each listing gives what it has; pages, quirks and failures of one never cost the models of another."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.flow import Flow, Outcome
from core.detect.hosts import parse_host
from core.detect.listing import (
    MAX_PAGES,
    MAX_REQUESTS,
    ListedModel,
    Listing,
    list_foundation_models,
    list_model_services,
    list_serving_endpoints,
    listing_flows,
)
from core.model.models import ListingOutcome
from core.ports import HttpAnswer
from tests.core.detect import feeding
from tests.core.detect.feeding import answer, feed

ORIGIN = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com"
SERVING = f"{ORIGIN}/api/2.0/serving-endpoints"
FOUNDATION = f"{SERVING}:foundation-models"


def services_url(size: int, token: str = "") -> str:
    page = f"&page_token={token}" if token else ""
    return f"{ORIGIN}/api/2.1/unity-catalog/model-services?parent=schemas/system.ai&page_size={size}{page}"


def page(*names: str, token: str | None = None) -> HttpAnswer:
    services = [{"name": f"model-services/system.ai.{name}", "supported_api_types": ["t"]} for name in names]
    return answer(200, {"model_services": services, "next_page_token": token})


def spellings(listing: Listing) -> list[str]:
    return [model.spelling for model in listing.models]


def test_serving_endpoints_say_what_they_are_for() -> None:
    endpoints = [
        {"name": "databricks-claude-opus-4-6", "task": "llm/v1/chat", "state": {"ready": "READY"}},
        {"name": "databricks-gte-large-en", "task": "llm/v1/embeddings", "state": {"ready": "READY"}},
        {"name": "our-agent", "task": "agent/v1/responses", "state": {"ready": "NOT_READY"}},
        {"name": "outside", "config": {"served_entities": [{"external_model": {"task": "llm/v1/chat"}}]}},
        {"name": "new-model", "config": {"served_entities": [{"foundation_model": {"name": "x"}}]}},
        {"name": "churn-forecast", "config": {"served_entities": [{"entity_name": "main.crm.churn"}]}},
    ]
    listing = feed(list_serving_endpoints(ORIGIN, {}), {SERVING: answer(200, {"endpoints": endpoints})}).result
    assert listing.models == (
        ListedModel(spelling="databricks-claude-opus-4-6", ready=True, chat=True),
        ListedModel(spelling="databricks-gte-large-en", ready=True, chat=False),
        ListedModel(spelling="our-agent", ready=False, chat=True),
        ListedModel(spelling="outside", chat=True),
        ListedModel(spelling="new-model"),
    )
    assert (listing.result.source, listing.result.outcome) == ("serving_endpoints", ListingOutcome.OK)
    assert (listing.result.count, listing.result.detail) == (5, "5 models")


def test_foundation_models_unite_the_api_types_of_what_the_gateway_supports() -> None:
    entities = [
        {"foundation_model": {"ai_gateway_v2_supported": True, "api_types": ["a", "b", 7]}},
        {"foundation_model": {"ai_gateway_v2_supported": True, "api_types": ["b", "c"]}},
        {"foundation_model": {"ai_gateway_v2_supported": False, "api_types": ["d"]}},
        {"foundation_model": {"api_types": ["e"]}},
        {"foundation_model": {"ai_gateway_v2_supported": True, "api_types": None}},
        {"foundation_model": None},
        None,
    ]
    endpoint = {"name": "databricks-x", "state": {"ready": "READY"}, "config": {"served_entities": entities}}
    listing = feed(list_foundation_models(ORIGIN, {}), {FOUNDATION: answer(200, {"endpoints": [endpoint]})}).result
    assert listing.models == (ListedModel(spelling="databricks-x", api_types=("a", "b", "c"), ready=True),)


def test_model_services_are_walked_page_by_page() -> None:
    outcomes = {services_url(100): page("a", "b", token="t/1"), services_url(100, "t%2F1"): page("c", token="")}
    fed = feed(list_model_services(ORIGIN, {}), outcomes)
    assert spellings(fed.result) == ["system.ai.a", "system.ai.b", "system.ai.c"]
    assert fed.result.models[0].api_types == ("t",)
    assert fed.result.result.outcome is ListingOutcome.OK


def test_an_empty_first_page_with_a_token_goes_on() -> None:
    outcomes = {services_url(100): answer(200, {"next_page_token": "t"}), services_url(100, "t"): page("a")}
    assert spellings(feed(list_model_services(ORIGIN, {}), outcomes).result) == ["system.ai.a"]


@pytest.mark.parametrize("status", [499, 504])
def test_a_cancelled_page_is_asked_again_smaller_and_stays_small(status: int) -> None:
    outcomes: dict[str, Outcome | list[Outcome]] = {
        services_url(100): answer(status, ""),
        services_url(25): answer(status, {"error_code": "CANCELLED", "message": ""}),
        services_url(5): page("a", token="t"),
        services_url(5, "t"): page("b"),
    }
    fed = feed(list_model_services(ORIGIN, {}), outcomes)
    sizes = [parse_qs(urlsplit(url).query)["page_size"][0] for url in fed.urls]
    assert sizes == ["100", "25", "5", "5"]
    assert fed.result.result.outcome is ListingOutcome.OK


def test_pages_that_stay_cancelled_fail_the_listing() -> None:
    outcomes: dict[str, Outcome | list[Outcome]] = {services_url(size): feeding.CANCELLED for size in (100, 25, 5)}
    result = feed(list_model_services(ORIGIN, {}), outcomes).result.result
    assert (result.outcome, result.count) == (ListingOutcome.FAILED, 0)
    assert "499 CANCELLED" in result.detail


@pytest.mark.parametrize(
    "outcome",
    [feeding.BROKEN, feeding.TIMEOUT, feeding.WEB_PAGE, feeding.WRONG_JSON],
    ids=["500", "timeout", "html", "json"],
)
def test_pages_before_a_failure_are_kept(outcome: Outcome) -> None:
    listing = feed(
        list_model_services(ORIGIN, {}), {services_url(100): page("a", token="t"), services_url(100, "t"): outcome}
    )
    assert spellings(listing.result) == ["system.ai.a"]
    assert listing.result.result.outcome is ListingOutcome.PARTIAL
    assert "stopped after 1 page:" in listing.result.result.detail


def test_a_token_that_comes_again_ends_the_walk() -> None:
    outcomes = {services_url(100): page("a", token="t"), services_url(100, "t"): page("b", token="t")}
    fed = feed(list_model_services(ORIGIN, {}), outcomes)
    assert len(fed.asked) == 2
    assert spellings(fed.result) == ["system.ai.a", "system.ai.b"]
    assert fed.result.result.outcome is ListingOutcome.PARTIAL


def endless(flow: Flow[Listing], every: int | None = None) -> tuple[int, Listing]:
    """Feed pages that never end, cancelling large ones; return how many requests were made."""
    requests = 0
    try:
        next(flow)
        while True:
            requests += 1
            cancelled = every is not None and requests <= every
            flow.send(feeding.CANCELLED if cancelled else page(f"m{requests}", token=f"t{requests}"))
    except StopIteration as done:
        return requests, done.value


def test_a_listing_without_end_is_stopped() -> None:
    requests, listing = endless(list_model_services(ORIGIN, {}), every=2)
    assert requests == MAX_PAGES + 2
    assert requests <= MAX_REQUESTS
    assert listing.result.outcome is ListingOutcome.PARTIAL
    assert listing.result.count == MAX_PAGES


@pytest.mark.parametrize("payload", [{}, {"endpoints": None}, {"endpoints": []}])
def test_an_empty_or_null_list_is_an_empty_listing(payload: object) -> None:
    listing = feed(list_serving_endpoints(ORIGIN, {}), {SERVING: answer(200, payload)}).result
    assert (listing.result.outcome, listing.result.count) == (ListingOutcome.OK, 0)


@pytest.mark.parametrize("payload", [{}, {"model_services": None}, {"model_services": None, "next_page_token": ""}])
def test_no_model_services_are_an_empty_listing(payload: object) -> None:
    listing = feed(list_model_services(ORIGIN, {}), {services_url(100): answer(200, payload)}).result
    assert (listing.result.outcome, listing.result.count) == (ListingOutcome.OK, 0)


FAILURES = {
    "not there": (feeding.NOTHING, ListingOutcome.UNAVAILABLE, "404"),
    "feature disabled": (feeding.FEATURE_DISABLED, ListingOutcome.UNAVAILABLE, "FEATURE_DISABLED"),
    "501": (feeding.NOT_IMPLEMENTED, ListingOutcome.UNAVAILABLE, "501"),
    "missing permission": (feeding.FORBIDDEN, ListingOutcome.FAILED, "no permission to list"),
    "dead token": (feeding.DEAD, ListingOutcome.FAILED, "Invalid access token"),
    "throttled": (feeding.THROTTLED, ListingOutcome.FAILED, "429"),
    "500": (feeding.BROKEN, ListingOutcome.FAILED, "500"),
    "dns": (feeding.DNS, ListingOutcome.FAILED, "does not resolve"),
    "redirect": (feeding.REDIRECT, ListingOutcome.FAILED, "redirect"),
    "html": (feeding.WEB_PAGE, ListingOutcome.FAILED, "an HTML page"),
    "wrong JSON": (feeding.WRONG_JSON, ListingOutcome.FAILED, "not the shape"),
    "list in its place": (answer(200, {"endpoints": {"a": 1}}), ListingOutcome.FAILED, "not the shape"),
    "too large": (feeding.TRUNCATED, ListingOutcome.FAILED, "larger than"),
}


@pytest.mark.parametrize(("outcome", "expected", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_a_listing_that_fails_says_why(outcome: Outcome, expected: ListingOutcome, words: str) -> None:
    for flow, url in ((list_serving_endpoints, SERVING), (list_foundation_models, FOUNDATION)):
        result = feed(flow(ORIGIN, {}), {url: outcome}).result.result
        assert (result.outcome, result.count) == (expected, 0)
        assert words in result.detail


def test_odd_items_are_passed_over() -> None:
    items = [
        None,
        7,
        {"name": None},
        {"name": ""},
        {"name": "x" * 300},
        {"name": "a\u202eb"},
        {"name": "model-services/"},
    ]
    listing = feed(list_model_services(ORIGIN, {}), {services_url(100): answer(200, {"model_services": items})}).result
    assert listing.models == ()


def test_there_is_one_flow_per_source_and_each_names_the_workspace_where_needed() -> None:
    flows = listing_flows(parse_host("acme.databricks.com"), "31")
    asks = [next(flow) for flow in flows]
    assert [ask.request.headers["X-Databricks-Workspace-Id"] for ask in asks] == ["31"] * 3
    assert all(ask.authenticated for ask in asks)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["endpoints", "model_services", "name", "config", "served_entities", "foundation_model"])
            | st.sampled_from(["api_types", "ai_gateway_v2_supported", "state", "ready", "task", "external_model"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_arbitrary_json_never_raises(payload: object) -> None:
    outcome = answer(200, payload)
    for flow, url in (
        (list_serving_endpoints, SERVING),
        (list_foundation_models, FOUNDATION),
        (list_model_services, services_url(100)),
    ):
        feed(flow(ORIGIN, {}), {url: outcome})
