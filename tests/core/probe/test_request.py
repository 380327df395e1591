"""A request says all that goes on the wire, but never the token, and two that are the same are one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.model.agent import AgentId, Dialect
from core.model.probe import Depth
from core.model.secret import Secret
from core.ports import FailureKind, HttpFailure
from core.probe.judge import judge
from core.probe.request import (
    FAITHFUL_TOTAL_S,
    REACH_TOTAL_S,
    TAG_HEADER,
    build_request,
    key_of,
    rejects_tags,
    route_url,
    without_tags,
)
from core.probe.verdict_text import describe, evidence_of
from tests.core.probe.streams import CHAT, GEMINI, MESSAGES, answer, route

TOKEN = Secret("a-token-of-nobody")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("depth", Depth)
def test_the_token_is_in_nothing_that_is_shown(dialect: Dialect, depth: Depth) -> None:
    request = build_request(route(dialect), depth, TOKEN)
    lost = HttpFailure(kind=FailureKind.LOST, detail="it broke", elapsed_ms=1.0)
    shown = (request, key_of(request), evidence_of(request, lost, judge(route(dialect), lost, depth), (TOKEN,)))
    assert "a-token" not in repr(shown)


def test_the_agents_own_header_carries_the_token_too() -> None:
    assert build_request(route(MESSAGES), Depth.FAITHFUL, TOKEN).token_headers == ("x-api-key",)
    assert build_request(route(MESSAGES), Depth.REACH, TOKEN).token_headers == ()


def test_where_the_token_goes_tells_requests_apart() -> None:
    request = build_request(route(CHAT), Depth.FAITHFUL, TOKEN)
    assert key_of(request) != key_of(replace(request, token_headers=("x-api-key",)))


def test_agents_that_send_the_same_share_a_request_at_reach_only() -> None:
    hermes, copilot = route(CHAT, AgentId.HERMES), route(CHAT, AgentId.COPILOT)
    reach = [key_of(build_request(one, Depth.REACH, TOKEN)) for one in (hermes, copilot)]
    faithful = [key_of(build_request(one, Depth.FAITHFUL, TOKEN)) for one in (hermes, copilot)]
    assert reach[0] == reach[1]
    assert faithful[0] != faithful[1]


def test_slots_that_send_the_same_share_a_request() -> None:
    one, other = (build_request(route(MESSAGES, AgentId.CLAUDE, slot), Depth.FAITHFUL, TOKEN) for slot in ("a", "b"))
    assert key_of(one) == key_of(other)


def test_only_a_faithful_answer_is_read_as_it_streams() -> None:
    reach, faithful = (build_request(route(CHAT), depth, TOKEN) for depth in (Depth.REACH, Depth.FAITHFUL))
    assert reach.reader is None
    assert faithful.reader is not None
    assert (reach.total_s, faithful.total_s) == (REACH_TOTAL_S, FAITHFUL_TOTAL_S)


def test_a_gemini_stream_has_its_own_path() -> None:
    request = build_request(route(GEMINI), Depth.FAITHFUL, TOKEN)
    assert request.url.endswith("/v1beta/models/databricks-claude-opus-4-6:streamGenerateContent?alt=sse")
    assert route_url(route(GEMINI)).endswith(":generateContent")


def test_the_long_context_ending_is_not_asked_for() -> None:
    asked = replace(route(MESSAGES), model="databricks-claude-opus-4-6[1m]")
    for depth in Depth:
        assert json.loads(build_request(asked, depth, TOKEN).body or b"")["model"] == "databricks-claude-opus-4-6"


@pytest.mark.parametrize("depth", Depth)
def test_our_tag_can_be_dropped_where_a_refusal_names_it(depth: Depth) -> None:
    request = build_request(route(CHAT), depth, TOKEN)
    names_it = answer(b'{"message": "unknown header databricks-ai-gateway-request-tags"}', status=400)
    assert rejects_tags(request, names_it)
    assert not rejects_tags(request, answer(b"{}", status=400))
    assert not rejects_tags(without_tags(request), names_it)
    assert TAG_HEADER not in without_tags(request).headers


def test_a_rejected_field_stands_first_in_the_sentence() -> None:
    body = json.dumps({"message": 'json: unknown field "stream_options"'}).encode()
    verdict = judge(route(CHAT), answer(body, status=400), Depth.FAITHFUL)
    assert "request: stream_options (" in describe(route(CHAT), verdict)[0]


def test_a_broken_stream_says_how_it_broke() -> None:
    verdict = judge(route(CHAT), answer(b'data: {"choices": []}\n\n'), Depth.FAITHFUL)
    assert describe(route(CHAT), verdict)[0].endswith("it broke off before the first word")
