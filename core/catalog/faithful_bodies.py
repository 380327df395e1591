"""Compose a streaming request body of each dialect, in the manner of one agent; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.dialects import PROMPT
from core.catalog.spellings import family_of
from core.model.agent import Dialect

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What an agent puts into its requests beyond the dialect's own form.

    `cap` None sends no output cap. `fields` go to the top of the body, `fields_with_tools` only where tools are
    offered, `generation` into Gemini's settings; `block_fields` into every text block, `claude_message_fields` into
    every message to a Claude model, `item_fields` into every input item, `tool_fields` and `schema_fields` into the
    tool and its schema.
    """

    system: str
    tool: str
    cap: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    fields_with_tools: Mapping[str, Any] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)
    tool_fields: Mapping[str, Any] = field(default_factory=dict)
    schema_fields: Mapping[str, Any] = field(default_factory=dict)
    block_fields: Mapping[str, Any] = field(default_factory=dict)
    claude_message_fields: Mapping[str, Any] = field(default_factory=dict)
    item_fields: Mapping[str, Any] = field(default_factory=dict)
    system_role: str = "system"
    namespace: str | None = None
    namespaced_tool: str = ""
    server_tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        """Return the names of the tools that a model may call."""
        return (self.tool, self.namespaced_tool) if self.namespace else (self.tool,)


def body_of(dialect: Dialect, manner: Manner, model: str, *, offers: bool) -> Json:
    """Return the body that this agent sends to this model, with its tools or without."""
    # A harmless call, so that a model which can call tools shows it with a few tokens; nothing here would run it.
    asked = f"Call the tool {manner.tool} once, with the command `true`. Say nothing else." if offers else PROMPT
    body = _BODIES[dialect](manner, model, asked)
    body.update(manner.fields)
    if offers:
        body["tools"] = _TOOLS[dialect](manner)
        body.update(manner.fields_with_tools)
    return body


def _messages(manner: Manner, model: str, asked: str) -> Json:
    return {
        "model": model,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": asked, **manner.block_fields}]}],
        "system": [{"type": "text", "text": manner.system, **manner.block_fields}],
        "max_tokens": manner.cap,
    }


def _responses(manner: Manner, model: str, asked: str) -> Json:
    system: Json = {**manner.item_fields, "role": manner.system_role, "content": manner.system}
    if manner.system_role == "developer":
        system |= {"id": "msg_probe", "content": [{"type": "input_text", "text": manner.system}]}
    user = {**manner.item_fields, "role": "user", "content": [{"type": "input_text", "text": asked}]}
    body: Json = {"model": model, "stream": True, "input": [system, user]}
    return body if manner.cap is None else {**body, "max_output_tokens": manner.cap}


def _chat(manner: Manner, model: str, asked: str) -> Json:
    extra = manner.claude_message_fields if family_of(model) == "claude" else {}
    messages = [
        {"role": "system", "content": manner.system, **extra},
        {"role": "user", "content": asked, **extra},
    ]
    body: Json = {"model": model, "stream": True, "messages": messages}
    return body if manner.cap is None else {**body, "max_tokens": manner.cap}


def _gemini(manner: Manner, model: str, asked: str) -> Json:
    cap = {} if manner.cap is None else {"maxOutputTokens": manner.cap}
    return {
        "contents": [{"role": "user", "parts": [{"text": asked}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": manner.system}]},
        "generationConfig": {**manner.generation, **cap},
    }


def _schema(manner: Manner) -> Json:
    command = {"type": "string", "description": "command"}
    return {"type": "object", "properties": {"command": command}, "required": ["command"], **manner.schema_fields}


def _function(name: str, manner: Manner) -> Json:
    return {
        "type": "function",
        "name": name,
        "description": "Run a command.",
        "parameters": _schema(manner),
        **manner.tool_fields,
    }


def _messages_tools(manner: Manner) -> list[Any]:
    tool = {"name": manner.tool, "description": "Run a command.", "input_schema": _schema(manner)}
    return [{**tool, **manner.tool_fields}]


def _responses_tools(manner: Manner) -> list[Any]:
    tools: list[Any] = [_function(manner.tool, manner)]
    if manner.namespace:
        inner = [_function(manner.namespaced_tool, manner)]
        tools.append({"type": "namespace", "name": manner.namespace, "description": "Sub-agents.", "tools": inner})
    return [*tools, *manner.server_tools]


def _chat_tools(manner: Manner) -> list[Any]:
    function = {"name": manner.tool, "description": "Run a command.", "parameters": _schema(manner)}
    return [{"type": "function", "function": {**function, **manner.tool_fields}}]


def _gemini_tools(manner: Manner) -> list[Any]:
    declaration = {"name": manner.tool, "description": "Run a command.", "parametersJsonSchema": _schema(manner)}
    return [{"functionDeclarations": [declaration]}]


_BODIES: Mapping[Dialect, Callable[[Manner, str, str], Json]] = {
    Dialect.ANTHROPIC_MESSAGES: _messages,
    Dialect.OPENAI_RESPONSES: _responses,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.GEMINI_GENERATE: _gemini,
}
_TOOLS: Mapping[Dialect, Callable[[Manner], list[Any]]] = {
    Dialect.ANTHROPIC_MESSAGES: _messages_tools,
    Dialect.OPENAI_RESPONSES: _responses_tools,
    Dialect.OPENAI_CHAT: _chat_tools,
    Dialect.GEMINI_GENERATE: _gemini_tools,
}
