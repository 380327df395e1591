"""Streams of every dialect, as a model would send them, for the tests of reading and judging."""

from __future__ import annotations

import json
from typing import Any

from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.route import Identity, Route
from core.ports import HttpAnswer

MESSAGES, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES
CHAT, GEMINI = Dialect.OPENAI_CHAT, Dialect.GEMINI_GENERATE
TOOL = "bash"
ARGUMENTS = {"command": "true"}
END_OF_CHAT = b"data: [DONE]\n\n"


def sse(*events: Any) -> bytes:
    """Return these events on the wire; those of messages and responses by their names."""
    return b"".join(_event(event) for event in events)


def _event(event: Any) -> bytes:
    name = event.get("type") if isinstance(event, dict) else None
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def chat_chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def text(dialect: Dialect) -> list[bytes]:
    """Return the events of an answer in words, each by itself."""
    if dialect is CHAT:
        usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
        events = [chat_chunk(role="assistant"), chat_chunk(content="OK"), chat_chunk("stop"), usage]
        return [*(sse(event) for event in events), END_OF_CHAT]
    if dialect is MESSAGES:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "OK"}}
        return _messages({"type": "text", "text": ""}, delta, "end_turn")
    if dialect is RESPONSES:
        item = {"type": "message", "content": [{"type": "output_text", "text": "OK"}]}
        return _responses(item, {"type": "response.output_text.delta", "output_index": 0, "delta": "OK"})
    return _gemini({"text": "OK"})


def call(dialect: Dialect, name: str = TOOL, arguments: str = json.dumps(ARGUMENTS)) -> list[bytes]:
    """Return the events of an answer that calls a tool."""
    half = len(arguments) // 2
    if dialect is CHAT:
        first = {"index": 0, "id": "c", "function": {"name": name, "arguments": arguments[:half]}}
        second = {"index": 0, "function": {"arguments": arguments[half:]}}
        events = [chat_chunk(tool_calls=[first]), chat_chunk(tool_calls=[second]), chat_chunk("tool_calls")]
        return [*(sse(event) for event in events), END_OF_CHAT]
    if dialect is MESSAGES:
        delta = {"type": "input_json_delta", "partial_json": arguments}
        block = {"type": "tool_use", "id": "t", "name": name, "input": {}}
        return _messages(block, {"type": "content_block_delta", "index": 0, "delta": delta}, "tool_use")
    if dialect is RESPONSES:
        item = {"type": "function_call", "name": name, "arguments": arguments}
        piece = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": arguments[:half]}
        return _responses(item, piece)
    return _gemini({"functionCall": {"name": name, "args": json.loads(arguments)}})


def _messages(block: dict[str, Any], delta: dict[str, Any], reason: str) -> list[bytes]:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 9, "output_tokens": 0}}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": block},
        delta,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return [sse(event) for event in events]


def _responses(item: dict[str, Any], piece: dict[str, Any]) -> list[bytes]:
    whole = {
        "model": "m",
        "status": "completed",
        "output": [item],
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"model": "m", "error": None, "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        piece,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [sse(event) for event in events]


def _gemini(part: dict[str, Any]) -> list[bytes]:
    first = {"modelVersion": "m", "candidates": [{"content": {"parts": [part]}}]}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1}
    last = {"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}], "usageMetadata": usage}
    return [sse(first), sse(last)]


def route(dialect: Dialect, agent: AgentId = AgentId.PI, slot: str = "default") -> Route:
    """Return a route of an agent whose tool is the one that is called here."""
    return Route(
        agent=agent,
        slot=slot,
        model="databricks-claude-opus-4-6",
        base_url="https://adb-1.1.azuredatabricks.net/ai-gateway/x",
        dialect=dialect,
        generation=Generation.WORKSPACE,
        identity=Identity.DASHBOARD,
    )


def answer(body: bytes, *, truncated: bool = False, stopped: bool = False, status: int = 200) -> HttpAnswer:
    """Return an answer with this body, its first token after 4 ms."""
    return HttpAnswer(
        status=status,
        headers={"content-type": "text/event-stream"},
        body=body,
        truncated=truncated,
        elapsed_ms=9.0,
        first_byte_ms=3.0,
        first_token_ms=4.0,
        stopped=stopped,
    )
