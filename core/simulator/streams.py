"""The same answers as server-sent events, in the order and with the names each dialect uses (databricks.md §1.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from core.model.agent import Dialect
from core.simulator.answers import Json, Reply, chat_content, chat_usage, whole_answer


def _event(payload: Json, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(payload)}\n\n".encode()


def _named(payload: Json) -> bytes:
    return _event(payload, str(payload["type"]))


def _messages(reply: Reply, body: Json) -> list[bytes]:
    whole = whole_answer(Dialect.ANTHROPIC_MESSAGES, reply)
    usage = whole["usage"]
    opened = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[Json] = [{"type": "message_start", "message": opened}]
    for index, block in enumerate(whole["content"]):
        if block["type"] == "tool_use":
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        events += (
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        )
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += (
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage["output_tokens"]}},
        {"type": "message_stop"},
    )
    return [_named(event) for event in events]


def _responses(reply: Reply, body: Json) -> list[bytes]:
    whole = whole_answer(Dialect.OPENAI_RESPONSES, reply)
    item = whole["output"][0]
    opened = {**whole, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    at = {"item_id": item["id"], "output_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": opened},
        {"type": "response.in_progress", "response": opened},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
    ]
    if item["type"] == "message":
        text = item["content"][0]["text"]
        events += (
            {"type": "response.output_text.delta", **at, "content_index": 0, "delta": text},
            {"type": "response.output_text.done", **at, "content_index": 0, "text": text},
        )
    elif item["type"] == "function_call":
        arguments = item["arguments"]
        events += (
            {"type": "response.function_call_arguments.delta", **at, "delta": arguments},
            {"type": "response.function_call_arguments.done", **at, "arguments": arguments},
        )
    events += (
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{whole['status']}", "response": whole},
    )
    return [_named({**event, "sequence_number": number}) for number, event in enumerate(events)]


def _chat(reply: Reply, body: Json) -> list[bytes]:
    whole = whole_answer(Dialect.OPENAI_CHAT, reply)
    choice = whole["choices"][0]
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": whole["model"]}

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    events = [chunk({"role": "assistant", "content": ""})]
    if reply.tool:
        events.append(chunk({"tool_calls": [{"index": 0, **choice["message"]["tool_calls"][0]}]}))
    elif not reply.cut:
        events.append(chunk({"content": chat_content(reply.model)}))
    events.append(chunk({}, choice["finish_reason"]))
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        events.append(_event({**head, "choices": [], "usage": chat_usage(reply)}))
    return [*events, b"data: [DONE]\n\n"]


def _gemini(reply: Reply, body: Json) -> list[bytes]:
    whole = whole_answer(Dialect.GEMINI_GENERATE, reply)
    candidate = whole["candidates"][0]
    nothing = {"role": "model", "parts": [{"text": ""}]}
    last = {"index": 0, "content": nothing, "finishReason": candidate["finishReason"]}
    events = [_event({**whole, "candidates": [last]})]
    if not reply.cut:
        first = {"index": 0, "content": candidate["content"]}
        opened = {name: value for name, value in whole.items() if name != "usageMetadata"}
        events.insert(0, _event({**opened, "candidates": [first]}))
    return events


_STREAMS: Mapping[Dialect, Callable[[Reply, Json], list[bytes]]] = {
    Dialect.ANTHROPIC_MESSAGES: _messages,
    Dialect.OPENAI_RESPONSES: _responses,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.GEMINI_GENERATE: _gemini,
}


def stream_events(dialect: Dialect, reply: Reply, body: Json) -> list[bytes]:
    """Return the events of this reply, each ready for the wire."""
    return _STREAMS[dialect](reply, body)


def stream_error(dialect: Dialect) -> bytes:
    """Return the event by which a stream of this dialect says that it broke."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    if dialect is Dialect.OPENAI_RESPONSES:
        error = {"code": "server_error", "message": "The model broke off."}
        failed = {"object": "response", "status": "failed", "error": error}
        return _named({"type": "response.failed", "response": failed})
    return _event({"error": {"message": "The model broke off.", "type": "server_error", "code": 500}})


def emptied_events(dialect: Dialect, events: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return a stream of this dialect with nothing said in it, from its orderly beginning to its orderly end."""
    if dialect is Dialect.GEMINI_GENERATE:
        return events[-1:]
    said = _SAID[dialect]
    return tuple(_OUTPUT.sub(b'"output": []', event) for event in events if not any(word in event for word in said))


# What marks the events in which a model says something; the last one of Responses repeats all of it.
_SAID: Mapping[Dialect, tuple[bytes, ...]] = {
    Dialect.ANTHROPIC_MESSAGES: (b"event: content_block",),
    Dialect.OPENAI_RESPONSES: (b"event: response.output", b"event: response.function_call"),
    Dialect.OPENAI_CHAT: (b'"content": "OK"', b'"content": [', b'"tool_calls": ['),
}
_OUTPUT = re.compile(rb'"output": \[.*\](?=, "usage")')
