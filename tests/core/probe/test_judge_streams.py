"""A stream proves its route only with a token, a clean end and, where tools are offered, a well-formed call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, Health, Rung, RungOutcome
from core.ports import HostCheck
from core.probe.judge import Verdict, judge
from core.probe.ladder import RUNGS, rungs_of
from core.probe.stream import MAX_DELTAS
from tests.core.probe.streams import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    answer,
    call,
    chat_chunk,
    route,
    sse,
    text,
)

PASSED, FAILED, UNPROVEN = RungOutcome.PASSED, RungOutcome.FAILED, RungOutcome.UNPROVEN
NOT_STARTED, SKIPPED = RungOutcome.NOT_STARTED, RungOutcome.SKIPPED
HOST = HostCheck(dns_ms=1.0, tcp_ms=1.0, tls_ms=2.0)


def judged(dialect: Dialect, *events: bytes, truncated: bool = False) -> Verdict:
    return judge(route(dialect), answer(b"".join(events), truncated=truncated), Depth.FAITHFUL)


def outcome_of(verdict: Verdict, rung: Rung, depth: Depth = Depth.FAITHFUL) -> RungOutcome:
    rungs = rungs_of(verdict, HOST, depth=depth, secure=True, answered_ms=3.0)
    assert tuple(result.rung for result in rungs) == RUNGS
    return next(result.outcome for result in rungs if result.rung is rung)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_call_of_the_offered_tool_proves_everything(dialect: Dialect) -> None:
    verdict = judged(dialect, *call(dialect))
    assert (verdict.diagnosis, verdict.rung, verdict.ttft_ms) == (Diagnosis.OK, Rung.TOOLS, 4.0)
    assert (outcome_of(verdict, Rung.STREAM), outcome_of(verdict, Rung.TOOLS)) == (PASSED, PASSED)
    assert (verdict.tokens.input, verdict.tokens.output) in {(9, 1), (None, None)}


@pytest.mark.parametrize("dialect", Dialect)
def test_words_instead_of_a_call_are_degraded(dialect: Dialect) -> None:
    verdict = judged(dialect, *text(dialect))
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.NO_TOOL_CALL, Rung.TOOLS)
    assert (outcome_of(verdict, Rung.STREAM), outcome_of(verdict, Rung.TOOLS)) == (PASSED, FAILED)
    assert health_of(verdict.diagnosis) is Health.DEGRADED


@pytest.mark.parametrize("dialect", Dialect)
def test_a_call_of_another_tool_is_none(dialect: Dialect) -> None:
    verdict = judged(dialect, *call(dialect, name="rm"))
    assert verdict.diagnosis is Diagnosis.NO_TOOL_CALL
    assert "'rm'" in verdict.said


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("arguments", ['["true"]', '"true"', "5"])
def test_a_call_whose_arguments_are_no_object_is_none(dialect: Dialect, arguments: str) -> None:
    verdict = judged(dialect, *call(dialect, arguments=arguments))
    assert verdict.diagnosis is Diagnosis.NO_TOOL_CALL
    assert "JSON object" in verdict.said


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("arguments", ['{"command"', "", "{}}"])
def test_a_call_whose_arguments_do_not_parse_is_none(dialect: Dialect, arguments: str) -> None:
    assert judged(dialect, *call(dialect, arguments=arguments)).diagnosis is Diagnosis.NO_TOOL_CALL


def test_where_no_tool_is_offered_words_prove_everything() -> None:
    title = route(MESSAGES, AgentId.OPENCODE, "title")
    verdict = judge(title, answer(b"".join(text(MESSAGES))), Depth.FAITHFUL)
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.OK, Rung.STREAM)
    assert outcome_of(verdict, Rung.TOOLS) is SKIPPED


def test_a_long_answer_leaves_the_tools_unproven() -> None:
    verdict = judged(CHAT, *[sse(chat_chunk(content="x"))] * MAX_DELTAS)
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.OK, Rung.STREAM)
    assert outcome_of(verdict, Rung.TOOLS) is UNPROVEN


def test_an_answer_that_the_cap_cut_leaves_the_tools_unproven() -> None:
    verdict = judged(CHAT, sse(chat_chunk(content="x"), chat_chunk("length")), b"data: [DONE]\n\n")
    assert (verdict.diagnosis, outcome_of(verdict, Rung.TOOLS)) == (Diagnosis.OK, UNPROVEN)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("truncated", [False, True], ids=["ended early", "connection lost"])
def test_a_stream_without_its_end_is_broken(dialect: Dialect, truncated: bool) -> None:
    last = {CHAT: 2, MESSAGES: 1, RESPONSES: 1, GEMINI: 1}[dialect]
    verdict = judged(dialect, *call(dialect)[:-last], truncated=truncated)
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.STREAM_BROKEN, Rung.STREAM)
    assert outcome_of(verdict, Rung.TOOLS) is NOT_STARTED


def test_a_chat_stream_may_end_with_its_reason_alone() -> None:
    assert judged(CHAT, *call(CHAT)[:-1]).diagnosis is Diagnosis.OK


def test_a_connection_lost_after_the_reason_is_broken() -> None:
    assert judged(CHAT, *call(CHAT)[:-1], truncated=True).diagnosis is Diagnosis.STREAM_BROKEN


@pytest.mark.parametrize("dialect", Dialect)
def test_nothing_at_all_is_an_empty_answer(dialect: Dialect) -> None:
    verdict = judged(dialect, b"")
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.EMPTY_ANSWER, Rung.MODEL)


def test_an_end_without_a_word_is_an_empty_answer() -> None:
    assert judged(CHAT, sse(chat_chunk(role="assistant"), chat_chunk("stop"))).diagnosis is Diagnosis.EMPTY_ANSWER


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_an_error_before_the_first_word_is_judged_as_what_it_says() -> None:
    assert judged(MESSAGES, sse(OVERLOADED)).diagnosis is Diagnosis.OVERLOADED
    throttled = {"error": {"code": 429, "message": "Too many"}}
    assert judged(GEMINI, sse(throttled)).diagnosis is Diagnosis.THROTTLED


def test_an_error_after_the_first_word_breaks_the_stream() -> None:
    verdict = judged(MESSAGES, *text(MESSAGES)[:4], sse(OVERLOADED))
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.STREAM_BROKEN, Rung.STREAM)
    assert "Overloaded" in verdict.said


def test_a_failed_response_says_why() -> None:
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "Sorry"}}}
    assert judged(RESPONSES, sse(failed)).diagnosis is Diagnosis.SERVER_ERROR


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        (GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}),
        (GEMINI, {"candidates": [{"finishReason": "SAFETY"}]}),
        (CHAT, chat_chunk("content_filter")),
    ],
)
def test_a_filter_in_the_stream_is_a_guardrail(dialect: Dialect, event: dict[str, object]) -> None:
    assert judged(dialect, sse(event)).diagnosis is Diagnosis.GUARDRAIL


def test_a_whole_answer_where_a_stream_was_asked_for_is_broken() -> None:
    whole = {"choices": [{"message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}]}
    verdict = judged(CHAT, json.dumps(whole).encode())
    assert (verdict.diagnosis, outcome_of(verdict, Rung.MODEL)) == (Diagnosis.STREAM_BROKEN, PASSED)
    assert "one piece" in verdict.said


def test_a_whole_error_where_a_stream_was_asked_for_is_that_error() -> None:
    body = json.dumps({"error_code": 403, "message": "Invalid access token."}).encode()
    assert judged(CHAT, body).diagnosis is Diagnosis.CREDENTIAL_DEAD


def test_a_page_where_a_stream_was_asked_for_is_no_answer() -> None:
    assert judged(CHAT, b"<html></html>").diagnosis is Diagnosis.NOT_AN_ANSWER


def test_an_answer_of_another_model_is_degraded() -> None:
    other = b"".join(call(CHAT)).replace(b'"m"', b'"gpt-5.5"')
    verdict = judged(CHAT, other)
    assert (verdict.diagnosis, verdict.rung) == (Diagnosis.MODEL_SUBSTITUTED, Rung.MODEL)
    assert health_of(verdict.diagnosis) is Health.DEGRADED


def test_at_reach_the_upper_rungs_are_not_started() -> None:
    verdict = judged(CHAT, *call(CHAT))
    assert outcome_of(verdict, Rung.STREAM, Depth.REACH) is NOT_STARTED
    assert outcome_of(verdict, Rung.TOOLS, Depth.REACH) is NOT_STARTED


def test_a_refused_field_is_named() -> None:
    body = json.dumps({"error_code": "BAD_REQUEST", "message": 'json: unknown field "stream_options"'}).encode()
    verdict = judge(route(CHAT), answer(body, status=400), Depth.FAITHFUL)
    assert (verdict.diagnosis, verdict.field) == (Diagnosis.FIELD_REJECTED, "stream_options")


@given(dialect=st.sampled_from(list(Dialect)), body=st.binary(max_size=300))
def test_random_bytes_are_never_healthy(dialect: Dialect, body: bytes) -> None:
    verdict = judge(route(dialect), answer(body), Depth.FAITHFUL)
    assert health_of(verdict.diagnosis) is not Health.HEALTHY


@given(dialect=st.sampled_from(list(Dialect)), data=st.data())
def test_no_beginning_of_a_stream_is_healthy(dialect: Dialect, data: st.DataObject) -> None:
    whole = b"".join(call(dialect))
    part = whole[: data.draw(st.integers(0, _last_proof(dialect, whole)))]
    verdict = judge(route(dialect), answer(part), Depth.FAITHFUL)
    assert health_of(verdict.diagnosis) is not Health.HEALTHY


def _last_proof(dialect: Dialect, whole: bytes) -> int:
    """Return how much of this stream is surely too little: up to where its end mark begins."""
    mark = {CHAT: b'"tool_calls"}', MESSAGES: b'"message_stop"}', RESPONSES: b'"completed"', GEMINI: b"finishReason"}
    return whole.rindex(mark[dialect])


@pytest.mark.parametrize("dialect", [MESSAGES, RESPONSES, GEMINI])
def test_the_end_mark_of_chat_ends_no_other_stream(dialect: Dialect) -> None:
    verdict = judged(dialect, *call(dialect)[:-1], b"data: [DONE]\n\n")
    assert verdict.diagnosis is Diagnosis.STREAM_BROKEN


def test_a_call_that_was_not_finished_is_none() -> None:
    unfinished = [event for event in call(MESSAGES) if b"content_block_stop" not in event]
    verdict = judged(MESSAGES, *unfinished)
    assert (verdict.diagnosis, verdict.said) == (Diagnosis.NO_TOOL_CALL, "its call was not finished")


@pytest.mark.parametrize(
    ("items", "diagnosis"),
    [
        ([{"type": "reasoning"}, {"type": "function_call", "name": "bash", "arguments": "{}"}], Diagnosis.OK),
        ([{"type": "message", "content": [{"text": "OK"}]}], Diagnosis.NO_TOOL_CALL),
        ([{"type": "reasoning", "summary": []}], Diagnosis.EMPTY_ANSWER),
    ],
)
def test_a_response_may_come_whole_in_its_last_event(items: list[dict[str, object]], diagnosis: Diagnosis) -> None:
    whole = {"type": "response.completed", "response": {"status": "completed", "output": items}}
    assert judged(RESPONSES, sse(whole)).diagnosis is diagnosis
