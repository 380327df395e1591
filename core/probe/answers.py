"""Read a 200 answer in its dialect: is it one, is it empty, who answered, what did it cost; pure and never raising."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.catalog.visible import visible
from core.model.agent import Dialect
from core.model.probe import Diagnosis, Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a 200 amounts to. `embedded_error` is set when the body is an error in disguise."""

    diagnosis: Diagnosis
    model: str | None = None
    tokens: Tokens = Tokens()
    embedded_error: Mapping[str, Any] | None = None


_NOT_ONE = Answer(diagnosis=Diagnosis.NOT_AN_ANSWER)


def read_answer(dialect: Dialect, body: bytes, *, truncated: bool) -> Answer:
    """Return what this body is in this dialect."""
    if not body.strip():
        return Answer(diagnosis=Diagnosis.EMPTY_ANSWER)
    if truncated:
        return _NOT_ONE
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _NOT_ONE
    if not isinstance(document, dict):
        return _NOT_ONE
    if document.get("error") or document.get("error_code"):
        return Answer(diagnosis=Diagnosis.UNCLASSIFIED, embedded_error=document)
    return _READERS[dialect](document)


def _read_chat(document: Mapping[str, Any]) -> Answer:
    choice = _first(document.get("choices"))
    message = _mapping(choice.get("message")) if choice else None
    if choice is None or message is None:
        return _NOT_ONE
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        return _NOT_ONE
    said = bool(content) or bool(message.get("tool_calls")) or bool(message.get("reasoning_content"))
    return _verdict(document, said, cut=choice.get("finish_reason") == "length")


def _read_messages(document: Mapping[str, Any]) -> Answer:
    content = document.get("content")
    if document.get("type") != "message" or document.get("role") != "assistant" or not isinstance(content, list):
        return _NOT_ONE
    return _verdict(document, bool(content), cut=document.get("stop_reason") == "max_tokens")


def _read_responses(document: Mapping[str, Any]) -> Answer:
    output = document.get("output")
    if document.get("object") != "response" or not isinstance(output, list):
        return _NOT_ONE
    if document.get("status") not in ("completed", "incomplete"):
        return _NOT_ONE
    return _verdict(document, bool(output), cut=document.get("status") == "incomplete")


def _read_gemini(document: Mapping[str, Any]) -> Answer:
    feedback = _mapping(document.get("promptFeedback")) or {}
    if feedback.get("blockReason"):
        return Answer(diagnosis=Diagnosis.GUARDRAIL)
    candidate = _first(document.get("candidates"))
    if candidate is None:
        return _NOT_ONE
    content = _mapping(candidate.get("content")) or {}
    cut = candidate.get("finishReason") == "MAX_TOKENS"
    if not content and not cut:
        return _NOT_ONE
    parts = content.get("parts")
    return _verdict(document, isinstance(parts, list) and bool(parts), cut=cut)


_READERS = {
    Dialect.OPENAI_CHAT: _read_chat,
    Dialect.ANTHROPIC_MESSAGES: _read_messages,
    Dialect.OPENAI_RESPONSES: _read_responses,
    Dialect.GEMINI_GENERATE: _read_gemini,
}

# Past it a count is no count, and no database would keep it.
_MOST_TOKENS = 10**9
# usage: chat, messages and responses, gemini (databricks.md §1.4)
_INPUT_KEYS = ("prompt_tokens", "input_tokens", "promptTokenCount")
_OUTPUT_KEYS = ("completion_tokens", "output_tokens", "candidatesTokenCount")


def _verdict(document: Mapping[str, Any], said: bool, *, cut: bool) -> Answer:
    """A valid envelope without content is fine when our own cap cut it: a reasoning model spent it on thinking."""
    usage = _mapping(document.get("usage")) or _mapping(document.get("usageMetadata")) or {}
    model = document.get("model") or document.get("modelVersion")
    return Answer(
        diagnosis=Diagnosis.OK if said or cut else Diagnosis.EMPTY_ANSWER,
        model=visible(model[:200]) if isinstance(model, str) else None,
        tokens=Tokens(input=_count(usage, _INPUT_KEYS), output=_count(usage, _OUTPUT_KEYS)),
    )


def _count(usage: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    values = (usage.get(key) for key in keys)
    return next((value for value in values if type(value) is int and 0 <= value < _MOST_TOKENS), None)


def _first(value: object) -> Mapping[str, Any] | None:
    return _mapping(value[0]) if isinstance(value, list) and value else None


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None
