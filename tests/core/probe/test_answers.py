"""What a 200 amounts to in each dialect; only a real answer is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.agent import Dialect
from core.model.probe import Diagnosis as D
from core.model.probe import Tokens
from core.probe.answers import read_answer

CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
RESPONSES, GEMINI = Dialect.OPENAI_RESPONSES, Dialect.GEMINI_GENERATE


def chat(message: Any, finish: str = "stop") -> dict[str, Any]:
    """Return a chat answer with this message."""
    return {"choices": [{"message": message, "finish_reason": finish}]}


def message(content: Any, stop: str = "end_turn") -> dict[str, Any]:
    """Return a messages answer with this content."""
    return {"type": "message", "role": "assistant", "content": content, "stop_reason": stop}


def response(output: Any, status: str = "completed") -> dict[str, Any]:
    """Return a responses answer with this output."""
    return {"object": "response", "output": output, "status": status}


def candidate(**given: Any) -> dict[str, Any]:
    """Return a gemini answer with one candidate."""
    return {"candidates": [given]}


TABLE: dict[str, tuple[Dialect, Any, D]] = {
    "chat: said something": (CHAT, chat({"content": "OK"}), D.OK),
    "chat: content in parts": (CHAT, chat({"content": [{"type": "text", "text": "OK"}]}), D.OK),
    "chat: calls a tool": (CHAT, chat({"content": None, "tool_calls": [{}]}), D.OK),
    "chat: only thought": (CHAT, chat({"content": "", "reasoning_content": "hm"}), D.OK),
    "chat: cut by our own cap": (CHAT, chat({"content": ""}, "length"), D.OK),
    "chat: empty": (CHAT, chat({"content": ""}), D.EMPTY_ANSWER),
    "chat: content of no known kind": (CHAT, chat({"content": 7}), D.NOT_AN_ANSWER),
    "chat: no message": (CHAT, chat("OK"), D.NOT_AN_ANSWER),
    "chat: no choices": (CHAT, {"choices": []}, D.NOT_AN_ANSWER),
    "messages: said something": (MESSAGES, message([{"type": "text", "text": "OK"}]), D.OK),
    "messages: cut by our own cap": (MESSAGES, message([], "max_tokens"), D.OK),
    "messages: empty": (MESSAGES, message([]), D.EMPTY_ANSWER),
    "messages: content of no known kind": (MESSAGES, message("OK"), D.NOT_AN_ANSWER),
    "messages: somebody else speaks": (MESSAGES, message([{}]) | {"role": "user"}, D.NOT_AN_ANSWER),
    "responses: said something": (RESPONSES, response([{}]), D.OK),
    "responses: cut by our own cap": (RESPONSES, response([], "incomplete"), D.OK),
    "responses: empty": (RESPONSES, response([]), D.EMPTY_ANSWER),
    "responses: failed": (RESPONSES, response([{}], "failed"), D.NOT_AN_ANSWER),
    "responses: output of no known kind": (RESPONSES, response({}), D.NOT_AN_ANSWER),
    "gemini: said something": (GEMINI, candidate(content={"parts": [{"text": "OK"}]}), D.OK),
    "gemini: cut by our own cap": (GEMINI, candidate(finishReason="MAX_TOKENS"), D.OK),
    "gemini: empty": (GEMINI, candidate(content={"role": "model"}), D.EMPTY_ANSWER),
    "gemini: blocked": (GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}, D.GUARDRAIL),
    "gemini: no candidate": (GEMINI, {"candidates": []}, D.NOT_AN_ANSWER),
    "gemini: a candidate of nothing": (GEMINI, candidate(), D.NOT_AN_ANSWER),
    "a list": (CHAT, [chat({"content": "OK"})], D.NOT_AN_ANSWER),
    "another dialect's answer": (GEMINI, chat({"content": "OK"}), D.NOT_AN_ANSWER),
}


@pytest.mark.parametrize(("dialect", "document", "expected"), TABLE.values(), ids=TABLE)
def test_an_answer_is(dialect: Dialect, document: Any, expected: D) -> None:
    assert read_answer(dialect, json.dumps(document).encode(), truncated=False).diagnosis is expected


@pytest.mark.parametrize("dialect", Dialect)
def test_nothing_is_an_empty_answer(dialect: Dialect) -> None:
    assert read_answer(dialect, b" \n", truncated=False).diagnosis is D.EMPTY_ANSWER


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("body", [b"<html>", b'{"a":', b"[" * 100_000], ids=["html", "cut", "deep"])
def test_what_is_no_json_is_no_answer(dialect: Dialect, body: bytes) -> None:
    assert read_answer(dialect, body, truncated=False).diagnosis is D.NOT_AN_ANSWER


def test_an_answer_that_was_too_long_to_read_is_none() -> None:
    body = json.dumps(chat({"content": "OK"})).encode()
    assert read_answer(CHAT, body, truncated=True).diagnosis is D.NOT_AN_ANSWER


@pytest.mark.parametrize("error", [{"error": {"message": "no"}}, {"error_code": "X"}], ids=["nested", "coded"])
def test_an_error_in_a_200_is_an_error(error: dict[str, Any]) -> None:
    answer = read_answer(CHAT, json.dumps(error | chat({"content": "OK"})).encode(), truncated=False)
    assert (answer.diagnosis, answer.embedded_error is None) == (D.UNCLASSIFIED, False)


USAGES = {
    "chat": {"model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
    "messages": {"model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}},
    "gemini": {"modelVersion": "m", "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1}},
}


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
def test_who_answered_and_what_it_cost_is_read(usage: dict[str, Any]) -> None:
    answer = read_answer(CHAT, json.dumps(chat({"content": "OK"}) | usage).encode(), truncated=False)
    assert (answer.model, answer.tokens) == ("m", Tokens(input=9, output=1))


def test_counts_and_names_that_are_none_are_left_out() -> None:
    odd = chat({"content": "OK"}) | {"model": 7, "usage": {"prompt_tokens": True, "completion_tokens": "9"}}
    answer = read_answer(CHAT, json.dumps(odd).encode(), truncated=False)
    assert (answer.diagnosis, answer.model, answer.tokens) == (D.OK, None, Tokens())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["choices", "message", "content", "candidates", "output", "type"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(Dialect), st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bytes_never_raise(dialect: Dialect, body: bytes) -> None:
    assert read_answer(dialect, body, truncated=False).diagnosis in set(D)


@given(st.sampled_from(Dialect), st.binary(max_size=60))
def test_bytes_that_are_no_object_are_never_an_answer(dialect: Dialect, body: bytes) -> None:
    if not body.strip().startswith(b"{"):
        assert read_answer(dialect, body, truncated=False).diagnosis is not D.OK
