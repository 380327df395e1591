"""The smallest request that tests a route, and what makes two of them the same."""

from __future__ import annotations

import json

import pytest

from core.catalog.dialects import OUTPUT_CAP
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.probe.request import build_request, key_of, origin_of, route_url

TOKEN = Secret("t0ken-of-the-test")


def route(dialect: Dialect, base_url: str, model: str = "m") -> Route:
    """Return a route with this base URL."""
    return Route(
        agent=AgentId.PI, slot="default", model=model, base_url=base_url, dialect=dialect, identity=Identity.DASHBOARD
    )


URLS = {
    "messages": (Dialect.ANTHROPIC_MESSAGES, "https://g.example/anthropic", "/anthropic/v1/messages"),
    "messages with a version": (Dialect.ANTHROPIC_MESSAGES, "https://g.example/anthropic/v1", "/anthropic/v1/messages"),
    "responses": (Dialect.OPENAI_RESPONSES, "https://g.example/codex/v1", "/codex/v1/responses"),
    "chat": (Dialect.OPENAI_CHAT, "https://g.example/mlflow/v1", "/mlflow/v1/chat/completions"),
    "gemini": (Dialect.GEMINI_GENERATE, "https://g.example/gemini", "/gemini/v1beta/models/m:generateContent"),
    "gemini with a version": (
        Dialect.GEMINI_GENERATE,
        "https://g.example/gemini/v1beta",
        "/gemini/v1beta/models/m:generateContent",
    ),
}


@pytest.mark.parametrize(("dialect", "base_url", "path"), URLS.values(), ids=URLS)
def test_the_url_is_the_base_with_what_the_agent_appends(dialect: Dialect, base_url: str, path: str) -> None:
    assert route_url(route(dialect, base_url)) == "https://g.example" + path


def test_a_model_name_cannot_leave_its_place_in_the_path() -> None:
    url = route_url(route(Dialect.GEMINI_GENERATE, "https://g.example/gemini", "../../x?y#z"))
    assert url == "https://g.example/gemini/v1beta/models/..%2F..%2Fx%3Fy%23z:generateContent"


@pytest.mark.parametrize("dialect", Dialect)
def test_a_probe_asks_for_little_and_does_not_stream(dialect: Dialect) -> None:
    request = build_request(route(dialect, "https://g.example"), Depth.REACH, TOKEN)
    body = json.loads(request.body or b"")
    caps = (body.get("max_tokens"), body.get("max_output_tokens"))
    assert OUTPUT_CAP in (*caps, body.get("generationConfig", {}).get("maxOutputTokens"))
    assert (request.method, request.token, body.get("stream", False)) == ("POST", TOKEN, False)
    assert ("anthropic-version" in request.headers) is (dialect is Dialect.ANTHROPIC_MESSAGES)


def test_routes_that_differ_only_in_agent_and_slot_ask_the_same() -> None:
    one = route(Dialect.OPENAI_CHAT, "https://g.example")
    other = Route(
        agent=AgentId.HERMES,
        slot="primary",
        model=one.model,
        base_url=one.base_url,
        dialect=one.dialect,
        identity=Identity.STORED,
    )
    assert key_of(build_request(one, Depth.REACH, TOKEN)) == key_of(
        build_request(other, Depth.REACH, Secret("t0ken-of-the-test"))
    )


@pytest.mark.parametrize(
    ("changed", "token"),
    [
        pytest.param(route(Dialect.OPENAI_CHAT, "https://g.example", "n"), TOKEN, id="model"),
        pytest.param(route(Dialect.OPENAI_CHAT, "https://h.example"), TOKEN, id="host"),
        pytest.param(route(Dialect.OPENAI_RESPONSES, "https://g.example"), TOKEN, id="dialect"),
        pytest.param(route(Dialect.OPENAI_CHAT, "https://g.example"), Secret("other"), id="token"),
        pytest.param(route(Dialect.OPENAI_CHAT, "https://g.example"), None, id="no token"),
    ],
)
def test_anything_else_that_differs_makes_another_request(changed: Route, token: Secret | None) -> None:
    one = key_of(build_request(route(Dialect.OPENAI_CHAT, "https://g.example"), Depth.REACH, TOKEN))
    assert key_of(build_request(changed, Depth.REACH, token)) != one


def test_the_origin_keeps_the_port() -> None:
    assert origin_of("https://g.example:8443/a?b") == "https://g.example:8443"
