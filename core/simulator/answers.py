"""What a model says, in each of the four wire formats; whole answers only, streams.py cuts them into events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.model.agent import Dialect
from core.simulator.models import SimulatedModel

Json = dict[str, Any]
TEXT = "OK"
SUBSTITUTE = "eu.anthropic.claude-haiku-4-5-v1"
_TEXT_TOKENS = 1
_TOOL_TOKENS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The call a model makes when it was offered a tool."""

    name: str
    arguments: Mapping[str, str]

    @property
    def arguments_json(self) -> str:
        """Return the arguments as the OpenAI formats carry them."""
        return json.dumps(dict(self.arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model wants to say, before it takes a wire format. `cut` means the output cap ended it early."""

    model: SimulatedModel
    request_id: str
    tool: ToolCall | None
    cut: bool
    input_tokens: int
    output_tokens: int


def reply_to(dialect: Dialect, model: SimulatedModel, body: Json, *, request_id: str, size: int) -> Reply:
    """Return what this model says to this request; `size` is the length of the request body in bytes."""
    tool = _tool_call(dialect, body)
    wanted = model.thinks + (_TOOL_TOKENS if tool else _TEXT_TOKENS)
    cap = _cap(dialect, body)
    cut = cap is not None and wanted > cap
    return Reply(
        model=model,
        request_id=request_id,
        tool=None if cut else tool,
        cut=cut,
        input_tokens=max(1, size // 4),
        output_tokens=min(wanted, cap) if cap is not None else wanted,
    )


def _cap(dialect: Dialect, body: Json) -> int | None:
    if dialect is Dialect.GEMINI_GENERATE:
        settings = body.get("generationConfig")
        value = settings.get("maxOutputTokens") if isinstance(settings, dict) else None
    elif dialect is Dialect.OPENAI_RESPONSES:
        value = body.get("max_output_tokens")
    else:
        value = body.get("max_tokens")
    return value if isinstance(value, int) else None


def _tool_call(dialect: Dialect, body: Json) -> ToolCall | None:
    tools = body.get("tools")
    if not isinstance(tools, list) or _has_tool_result(body):
        return None
    offers = _objects(tools)
    if dialect is Dialect.GEMINI_GENERATE:
        offers = [found for tool in offers for found in _objects(tool.get("functionDeclarations"))]
    elif dialect is Dialect.OPENAI_CHAT:
        offers = _objects([tool.get("function") for tool in offers])
    elif dialect is Dialect.OPENAI_RESPONSES:
        offers = [tool for tool in offers if tool.get("type") == "function"]
    offer = next((offer for offer in offers if "name" in offer), None)
    return ToolCall(name=str(offer["name"]), arguments=_arguments(offer)) if offer else None


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _arguments(tool: Json) -> dict[str, str]:
    schema = tool.get("input_schema") or tool.get("parameters") or tool.get("parametersJsonSchema")
    required = schema.get("required") if isinstance(schema, dict) else None
    return {str(name): "echo OK" for name in required} if isinstance(required, list) else {}


def _has_tool_result(body: Json) -> bool:
    turns = body.get("messages") or body.get("input") or body.get("contents")
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
        return False
    last = turns[-1]
    parts = _objects(last.get("content") or last.get("parts"))
    return (
        last.get("role") == "tool"
        or last.get("type") == "function_call_output"
        or any(part.get("type") == "tool_result" or "functionResponse" in part for part in parts)
    )


def _messages(reply: Reply) -> Json:
    content: list[Json] = [{"type": "text", "text": TEXT}]
    if reply.tool:
        content = [
            {
                "type": "tool_use",
                "id": f"toolu_{reply.request_id}",
                "name": reply.tool.name,
                "input": dict(reply.tool.arguments),
            }
        ]
    return {
        "id": f"msg_{reply.request_id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model.echo,
        "content": [] if reply.cut else content,
        "stop_reason": "max_tokens" if reply.cut else "tool_use" if reply.tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens},
    }


def _responses(reply: Reply) -> Json:
    item: Json = {
        "type": "message",
        "id": f"msg_{reply.request_id}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
    }
    if reply.cut:
        item = {"type": "reasoning", "id": f"rs_{reply.request_id}", "summary": []}
    elif reply.tool:
        item = {
            "type": "function_call",
            "id": f"fc_{reply.request_id}",
            "call_id": f"call_{reply.request_id}",
            "status": "completed",
            "name": reply.tool.name,
            "arguments": reply.tool.arguments_json,
        }
    return {
        "id": f"resp_{reply.request_id}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "incomplete" if reply.cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if reply.cut else None,
        "error": None,
        "model": reply.model.echo,
        "output": [item],
        "usage": {
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
        },
    }


def chat_content(model: SimulatedModel) -> str | list[Json]:
    """Return the text as this family puts it: plain, or in blocks (databricks.md §1.4, §8.4)."""
    if model.family == "gpt-oss":
        thought: Json = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Answer OK."}]}
        return [thought, {"type": "text", "text": TEXT}]
    if model.family == "gemini":
        return [{"type": "text", "text": TEXT, "thoughtSignature": "c2ltdWxhdGVk"}]
    return TEXT


def _chat(reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": "" if reply.cut else chat_content(reply.model)}
    if reply.tool:
        function = {"name": reply.tool.name, "arguments": reply.tool.arguments_json}
        calls = [{"id": f"call_{reply.request_id}", "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "tool_calls": calls}
    finish = "length" if reply.cut else "tool_calls" if reply.tool else "stop"
    return {
        "id": f"chatcmpl_{reply.request_id}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": reply.model.echo,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": chat_usage(reply),
    }


def chat_usage(reply: Reply) -> Json:
    """Return the token counts of a chat answer."""
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }


def _gemini(reply: Reply) -> Json:
    content: Json = {"role": "model", "parts": [{"text": TEXT}]}
    if reply.cut:
        content = {"role": "model"}
    elif reply.tool:
        call = {"name": reply.tool.name, "args": dict(reply.tool.arguments)}
        content = {"role": "model", "parts": [{"functionCall": call, "thoughtSignature": "c2ltdWxhdGVk"}]}
    return {
        "candidates": [{"index": 0, "content": content, "finishReason": "MAX_TOKENS" if reply.cut else "STOP"}],
        "usageMetadata": {
            "promptTokenCount": reply.input_tokens,
            "candidatesTokenCount": reply.output_tokens,
            "totalTokenCount": reply.input_tokens + reply.output_tokens,
        },
        "modelVersion": reply.model.echo,
        "responseId": reply.request_id,
    }


_FORMATS: Mapping[Dialect, Callable[[Reply], Json]] = {
    Dialect.ANTHROPIC_MESSAGES: _messages,
    Dialect.OPENAI_RESPONSES: _responses,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.GEMINI_GENERATE: _gemini,
}


def whole_answer(dialect: Dialect, reply: Reply) -> Json:
    """Return the reply as one document of this dialect."""
    return _FORMATS[dialect](reply)


def emptied(answer: Json) -> Json:
    """Return a whole answer of any dialect with nothing said in it."""
    if "choices" in answer:
        choice = {**answer["choices"][0], "message": {"role": "assistant", "content": ""}}
        return {**answer, "choices": [choice]}
    if "candidates" in answer:
        return {**answer, "candidates": [{**answer["candidates"][0], "content": {"role": "model", "parts": []}}]}
    return {**answer, **{key: [] for key in ("content", "output") if key in answer}}


def substituted(answer: Json) -> Json:
    """Return a whole answer of any dialect as if another model had given it."""
    key = "modelVersion" if "modelVersion" in answer else "model"
    return {**answer, key: SUBSTITUTE}


def models_listing(models: tuple[SimulatedModel, ...]) -> Json:
    """Return the list a gateway gives under /v1/models."""
    data = [{"id": model.endpoint, "object": "model", "type": "model"} for model in models]
    return {"object": "list", "data": data, "has_more": False}
