"""The answers of the four dialects, whole and as streams, as a client reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask

Running = Callable[[str], SimulatedWorkspace]
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
CHAT = "/ai-gateway/mlflow/v1/chat/completions"
MESSAGES = "/ai-gateway/anthropic/v1/messages"
RESPONSES = "/ai-gateway/codex/v1/responses"
GEMINI = "/ai-gateway/gemini/v1beta/models/databricks-gemini-2-5-pro"
USER = {"role": "user", "content": "hi"}

CHAT_BODY: dict[str, Any] = {"model": "databricks-claude-opus-4-6", "max_tokens": 64, "messages": [USER]}
RESPONSES_BODY: dict[str, Any] = {"model": "databricks-gpt-5-4-mini", "input": "hi", "max_output_tokens": 64}
GEMINI_BODY: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CHAT_TOOLS = {"tools": [{"type": "function", "function": {"name": "shell", "parameters": SCHEMA}}]}
MESSAGES_TOOLS = {"tools": [{"name": "shell", "input_schema": SCHEMA}]}
RESPONSES_TOOLS = {"tools": [{"type": "web_search"}, {"type": "function", "name": "shell", "parameters": SCHEMA}]}
GEMINI_TOOLS = {"tools": [{"functionDeclarations": [{"name": "shell", "parametersJsonSchema": SCHEMA}]}]}


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the payloads of a stream, the closing mark left out."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_chat(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", CHAT, json=CHAT_BODY).json()
    assert answer["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "OK"},
        "finish_reason": "stop",
    }
    assert answer["usage"]["completion_tokens"] == 1
    assert answer["model"] == "eu.anthropic.claude-opus-4-6-v1"


@pytest.mark.parametrize("model", ["databricks-gpt-oss-120b", "databricks-gemini-2-5-pro"])
def test_chat_content_comes_in_blocks_from_some_families(model: str, running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", CHAT, json=CHAT_BODY | {"model": model}).json()
    assert answer["choices"][0]["message"]["content"][-1]["text"] == "OK"


def test_messages(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", MESSAGES, json=CHAT_BODY).json()
    assert (answer["type"], answer["stop_reason"]) == ("message", "end_turn")
    assert answer["content"] == [{"type": "text", "text": "OK"}]


def test_responses(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", RESPONSES, json=RESPONSES_BODY).json()
    assert (answer["object"], answer["status"]) == ("response", "completed")
    assert answer["output"][0]["content"][0]["text"] == "OK"


def test_gemini(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", f"{GEMINI}:generateContent", json=GEMINI_BODY).json()
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "OK"}]
    assert answer["modelVersion"] == "gemini-2.5-pro"


def test_thinking_model_is_cut_by_a_small_cap(running: Running, ask: Ask) -> None:
    asked = {"model": "databricks-gpt-5-5", "input": "hi", "max_output_tokens": 16}
    answer = ask(running("healthy"), "POST", RESPONSES, json=asked).json()
    assert (answer["status"], [item["type"] for item in answer["output"]]) == ("incomplete", ["reasoning"])


def test_thinking_gemini_is_cut_by_a_small_cap(running: Running, ask: Ask) -> None:
    path = "/ai-gateway/gemini/v1beta/models/databricks-gemini-3-flash:generateContent"
    asked = GEMINI_BODY | {"generationConfig": {"maxOutputTokens": 16}}
    answer = ask(running("healthy"), "POST", path, json=asked).json()
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize(
    ("path", "asked", "finish"),
    [
        (CHAT, CHAT_BODY | {"max_tokens": 0}, ("choices", 0, "finish_reason", "length")),
        (MESSAGES, CHAT_BODY | {"max_tokens": 0}, ("stop_reason", "max_tokens")),
    ],
    ids=["chat", "messages"],
)
def test_cap_ends_the_answer(
    path: str, asked: dict[str, Any], finish: tuple[Any, ...], running: Running, ask: Ask
) -> None:
    value = ask(running("healthy"), "POST", path, json=asked).json()
    for key in finish[:-1]:
        value = value[key]
    assert value == finish[-1]


def test_chat_stream_ends_with_usage_and_done(running: Running, ask: Ask) -> None:
    asked = CHAT_BODY | {"stream": True, "stream_options": {"include_usage": True}}
    answer = ask(running("healthy"), "POST", CHAT, json=asked)
    read = events(answer)
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in read[:-1]) == "OK"
    assert read[-1]["usage"]["total_tokens"] > 0
    assert answer.text.endswith("data: [DONE]\n\n")


def test_messages_stream(running: Running, ask: Ask) -> None:
    read = events(ask(running("healthy"), "POST", MESSAGES, json=CHAT_BODY | {"stream": True}))
    assert [event["type"] for event in read] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_responses_stream(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", RESPONSES, json=RESPONSES_BODY | {"stream": True})
    read = events(answer)
    assert (read[0]["type"], read[-1]["type"]) == ("response.created", "response.completed")
    assert "event: response.output_text.delta\n" in answer.text


def test_gemini_stream(running: Running, ask: Ask) -> None:
    path = f"{GEMINI}:streamGenerateContent?alt=sse"
    read = events(ask(running("healthy"), "POST", path, json=GEMINI_BODY))
    assert read[0]["candidates"][0]["content"]["parts"] == [{"text": "OK"}]
    assert read[-1]["candidates"][0]["finishReason"] == "STOP"


def test_chat_calls_the_offered_tool(running: Running, ask: Ask) -> None:
    choice = ask(running("healthy"), "POST", CHAT, json=CHAT_BODY | CHAT_TOOLS).json()["choices"][0]
    function = choice["message"]["tool_calls"][0]["function"]
    assert (choice["finish_reason"], function["name"], json.loads(function["arguments"])) == (
        "tool_calls",
        "shell",
        {"command": "echo OK"},
    )


def test_messages_call_the_offered_tool(running: Running, ask: Ask) -> None:
    block = ask(running("healthy"), "POST", MESSAGES, json=CHAT_BODY | MESSAGES_TOOLS).json()["content"][0]
    assert (block["type"], block["input"]) == ("tool_use", {"command": "echo OK"})


def test_responses_call_the_first_function_tool(running: Running, ask: Ask) -> None:
    item = ask(running("healthy"), "POST", RESPONSES, json=RESPONSES_BODY | RESPONSES_TOOLS).json()["output"][0]
    assert (item["type"], item["name"]) == ("function_call", "shell")


def test_gemini_calls_the_offered_tool(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", f"{GEMINI}:generateContent", json=GEMINI_BODY | GEMINI_TOOLS).json()
    assert answer["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "shell"


@pytest.mark.parametrize(
    ("path", "asked", "tools", "mark"),
    [
        (CHAT, CHAT_BODY, CHAT_TOOLS, '"finish_reason": "tool_calls"'),
        (MESSAGES, CHAT_BODY, MESSAGES_TOOLS, "input_json_delta"),
        (RESPONSES, RESPONSES_BODY, RESPONSES_TOOLS, "response.function_call_arguments.done"),
        (f"{GEMINI}:streamGenerateContent", GEMINI_BODY, GEMINI_TOOLS, "functionCall"),
    ],
    ids=["chat", "messages", "responses", "gemini"],
)
def test_tool_call_streams(
    *, path: str, asked: dict[str, Any], tools: dict[str, Any], mark: str, running: Running, ask: Ask
) -> None:
    answer = ask(running("healthy"), "POST", path, json=asked | tools | {"stream": True})
    assert mark in answer.text


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (CHAT, CHAT_BODY | CHAT_TOOLS | {"messages": [USER, {"role": "tool", "content": "OK"}]}),
        (
            MESSAGES,
            CHAT_BODY | MESSAGES_TOOLS | {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
        ),
        (RESPONSES, RESPONSES_BODY | RESPONSES_TOOLS | {"input": [{"type": "function_call_output"}]}),
        (f"{GEMINI}:generateContent", GEMINI_TOOLS | {"contents": [{"parts": [{"functionResponse": {}}]}]}),
    ],
    ids=["chat", "messages", "responses", "gemini"],
)
def test_tool_result_is_answered_with_text(path: str, asked: dict[str, Any], running: Running, ask: Ask) -> None:
    assert '"text": "OK"' in ask(running("healthy"), "POST", path, json=asked).text.replace(
        '"content": "OK"', '"text": "OK"'
    )
