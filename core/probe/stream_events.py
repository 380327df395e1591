"""Take the events of each dialect's stream into one account of what the model said; pure and never raising.

Event names and end marks: databricks.md §1.4. What a client of the dialect ignores is ignored here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.visible import visible
from core.model.agent import Dialect

Event = Mapping[str, Any]

_MOST_CALLS = 16
_NAME_LIMIT = 200
_MOST_TOKENS = 10**9


@dataclass(slots=True)
class Call:
    """One tool call as it builds up; the arguments come as text, or whole as `given`."""

    name: str = ""
    arguments: str = ""
    given: object = None
    is_complete: bool = False


@dataclass(slots=True)
class Told:
    """What a stream told so far. `ended` is the dialect's own end mark; `is_over` that nothing after it counts."""

    events: int = 0
    deltas: int = 0
    has_token: bool = False
    ended: bool = False
    is_over: bool = False
    cut: bool = False
    blocked: bool = False
    goes_on_after_call: bool = False
    error: Event | None = None
    spoiled: str = ""
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    calls: dict[object, Call] = field(default_factory=dict)

    def spoil(self, why: str) -> None:
        """Note that a client of this dialect could not read on."""
        self.spoiled = why
        self.is_over = True

    def fail(self, error: Event) -> None:
        """Note that the stream says itself that it failed."""
        self.error = error
        self.is_over = True

    def say(self, said: object) -> None:
        """Take a piece of text or thought, if there is any in it."""
        if said:
            self.has_token = True
            self.deltas += 1
            self.goes_on_after_call = any(call.is_complete for call in self.calls.values())

    def call(self, key: object) -> Call:
        """Return the call of this key, a new one if need be; a flood of calls is read into one."""
        if key not in self.calls:
            self.goes_on_after_call = any(call.is_complete for call in self.calls.values())
            key = key if len(self.calls) < _MOST_CALLS else None
        self.has_token = True
        return self.calls.setdefault(key, Call())

    def name_model(self, name: object) -> None:
        """Keep the name that the model gives itself."""
        if isinstance(name, str) and name:
            self.model = visible(name[:_NAME_LIMIT])

    def count(self, usage: object, given: str, made: str) -> None:
        """Keep the token counts; the last ones are those of the whole answer."""
        counts = _mapping(usage)
        self.input_tokens = _number(counts.get(given), self.input_tokens)
        self.output_tokens = _number(counts.get(made), self.output_tokens)


def take_event(dialect: Dialect, event: Event, told: Told) -> None:
    """Take one event into the account."""
    if event.get("error_code") or (event.get("error") and dialect is not Dialect.OPENAI_RESPONSES):
        told.fail(event)
        return
    _TAKERS[dialect](event, told)


def _take_chat(event: Event, told: Told) -> None:
    told.name_model(event.get("model"))
    told.count(event.get("usage"), "prompt_tokens", "completion_tokens")
    choice = _first(event.get("choices"))
    delta = _mapping(choice.get("delta")) or _mapping(choice.get("message"))
    told.say(delta.get("content"))
    told.say(delta.get("reasoning_content") or delta.get("reasoning") or delta.get("refusal"))
    for piece in _list(delta.get("tool_calls")):
        part = _mapping(piece)
        function = _mapping(part.get("function"))
        call = told.call(_key(part.get("index")))
        call.name = call.name or _text(function.get("name"))
        call.arguments += _text(function.get("arguments"))
    finish = choice.get("finish_reason")
    if isinstance(finish, str) and finish:
        told.ended = True
        told.cut = finish == "length"
        told.blocked = finish == "content_filter"
        _complete(told)


def _take_messages(event: Event, told: Told) -> None:
    match event.get("type"):
        case "message_start":
            message = _mapping(event.get("message"))
            told.name_model(message.get("model"))
            told.count(message.get("usage"), "input_tokens", "output_tokens")
        case "content_block_start":
            block = _mapping(event.get("content_block"))
            if block.get("type") == "tool_use":
                call = told.call(_key(event.get("index")))
                call.name = _text(block.get("name"))
                call.given = block.get("input") or None
            else:
                told.say(block.get("text") or block.get("thinking") or block.get("data"))
        case "content_block_delta":
            delta = _mapping(event.get("delta"))
            if delta.get("type") == "input_json_delta":
                told.call(_key(event.get("index"))).arguments += _text(delta.get("partial_json"))
            else:
                told.say(delta.get("text") or delta.get("thinking"))
        case "content_block_stop":
            ended = told.calls.get(_key(event.get("index")))
            if ended is not None:
                ended.is_complete = True
        case "message_delta":
            reason = _mapping(event.get("delta")).get("stop_reason")
            told.cut = told.cut or reason == "max_tokens"
            told.blocked = told.blocked or reason == "refusal"
            told.count(event.get("usage"), "input_tokens", "output_tokens")
        case "message_stop":
            told.ended = told.is_over = True


_SPOKEN = ("response.output_text.delta", "response.refusal.delta")


def _take_responses(event: Event, told: Told) -> None:
    kind = _text(event.get("type"))
    response = _mapping(event.get("response"))
    item = _mapping(event.get("item"))
    told.name_model(response.get("model"))
    if kind in ("error", "response.failed") or (not kind and event.get("error")):
        told.fail({"error": response.get("error") or event.get("error") or event})
    elif kind in _SPOKEN or (kind.startswith("response.reasoning") and kind.endswith(".delta")):
        told.say(event.get("delta"))
    elif kind == "response.function_call_arguments.delta":
        told.call(_key(event.get("output_index"))).arguments += _text(event.get("delta"))
    elif kind == "response.output_item.added" and item.get("type") == "function_call":
        told.call(_key(event.get("output_index"))).name = _text(item.get("name"))
    elif kind == "response.output_item.done" and item.get("type") == "function_call":
        _whole_call(told, _key(event.get("output_index")), item)
    elif kind in ("response.completed", "response.incomplete"):
        _end_responses(response, told)


def _end_responses(response: Event, told: Told) -> None:
    """The last event holds the whole answer, so that a server may leave out the pieces of it."""
    reason = _mapping(response.get("incomplete_details")).get("reason")
    told.cut = response.get("status") == "incomplete"
    told.blocked = reason == "content_filter"
    told.count(response.get("usage"), "input_tokens", "output_tokens")
    for index, entry in enumerate(_list(response.get("output"))[:_MOST_CALLS]):
        item = _mapping(entry)
        if item.get("type") == "function_call":
            _whole_call(told, index, item)
        elif item.get("type") == "message":
            told.has_token = told.has_token or any(_mapping(part).get("text") for part in _list(item.get("content")))
    told.ended = told.is_over = True


def _whole_call(told: Told, key: object, item: Event) -> None:
    call = told.call(key)
    call.name = _text(item.get("name")) or call.name
    call.arguments = _text(item.get("arguments")) or call.arguments
    call.is_complete = True


def _take_gemini(event: Event, told: Told) -> None:
    told.name_model(event.get("modelVersion"))
    told.count(event.get("usageMetadata"), "promptTokenCount", "candidatesTokenCount")
    told.blocked = told.blocked or bool(_mapping(event.get("promptFeedback")).get("blockReason"))
    candidate = _first(event.get("candidates"))
    for entry in _list(_mapping(candidate.get("content")).get("parts")):
        part = _mapping(entry)
        told.say(part.get("text"))
        function = _mapping(part.get("functionCall"))
        if function:
            call = told.call(len(told.calls))
            call.name = _text(function.get("name"))
            call.given = function.get("args", {})
            call.is_complete = True
    # No mark follows the reason, and a client reads on to the end of the connection: so do we, for an error after it.
    finish = candidate.get("finishReason")
    if isinstance(finish, str) and finish:
        told.ended = True
        told.cut = finish == "MAX_TOKENS"
        told.blocked = told.blocked or finish in _BLOCKED


_BLOCKED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"})

_TAKERS: Mapping[Dialect, Callable[[Event, Told], None]] = {
    Dialect.OPENAI_CHAT: _take_chat,
    Dialect.ANTHROPIC_MESSAGES: _take_messages,
    Dialect.OPENAI_RESPONSES: _take_responses,
    Dialect.GEMINI_GENERATE: _take_gemini,
}


def _complete(told: Told) -> None:
    for call in told.calls.values():
        call.is_complete = True


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: object) -> Mapping[str, Any]:
    return _mapping(value[0]) if isinstance(value, list) and value else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _key(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object, former: int | None) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS
    return value if is_count and isinstance(value, int) else former
