"""Decide what a streamed answer amounts to: whether it streamed to a clean end, and called an offered tool; pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.model.agent import Dialect
from core.model.probe import Diagnosis, Rung, RungOutcome, Tokens
from core.probe.stream import AnswerReader
from core.probe.stream_events import Call, Told

_PASSED, _FAILED = RungOutcome.PASSED, RungOutcome.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedAnswer:
    """What a stream amounts to. `embedded_error` is set when it holds an error instead of an answer."""

    diagnosis: Diagnosis
    rung: Rung
    stream: RungOutcome = RungOutcome.NOT_STARTED
    tools: RungOutcome = RungOutcome.NOT_STARTED
    said: str = ""
    model: str | None = None
    tokens: Tokens = Tokens()
    embedded_error: Mapping[str, Any] | None = None


def read_stream(dialect: Dialect, body: bytes, *, offered: Collection[str], broke_off: bool) -> StreamedAnswer | None:
    """Return what this stream amounts to, None when there is no event in it; `broke_off` says that its end is lost."""
    reader = AnswerReader(dialect)
    reader.feed(body)
    told = reader.finish()
    if not told.events:
        return None
    if told.error is not None and not told.has_token:
        return _outcome(told, Diagnosis.UNCLASSIFIED, Rung.MODEL, embedded_error=told.error)
    broken = _break_in(told, was_enough=reader.was_enough, broke_off=broke_off)
    if broken:
        return _outcome(told, Diagnosis.STREAM_BROKEN, Rung.STREAM, stream=_FAILED, said=broken)
    if told.blocked:
        return _outcome(told, Diagnosis.GUARDRAIL, Rung.MODEL)
    if not told.has_token:
        return _outcome(told, Diagnosis.EMPTY_ANSWER, Rung.MODEL)
    return _tools(told, offered, was_enough=reader.was_enough)


def _break_in(told: Told, *, was_enough: bool, broke_off: bool) -> str:
    """Return how the stream broke, "" when it did not."""
    if told.error is not None:
        return f"it ended in an error: {_message(told.error)}"
    if told.spoiled:
        return told.spoiled
    if was_enough or told.is_over:
        return ""
    if broke_off or not (told.ended or told.blocked):
        return "it broke off in the middle" if told.has_token else "it broke off before the first word"
    return ""


def _tools(told: Told, offered: Collection[str], *, was_enough: bool) -> StreamedAnswer:
    if not offered:
        return _outcome(told, Diagnosis.OK, Rung.STREAM, stream=_PASSED, tools=RungOutcome.SKIPPED)
    flaw = _flaw(told.calls.values(), offered)
    if not flaw:
        return _outcome(told, Diagnosis.OK, Rung.TOOLS, stream=_PASSED, tools=_PASSED)
    # A long answer was left, and a cut one ended, before the model could come to its call.
    if (was_enough and not any(call.is_complete for call in told.calls.values())) or told.cut:
        return _outcome(told, Diagnosis.OK, Rung.STREAM, stream=_PASSED, tools=RungOutcome.UNPROVEN)
    return _outcome(told, Diagnosis.NO_TOOL_CALL, Rung.TOOLS, stream=_PASSED, tools=_FAILED, said=flaw)


def _flaw(calls: Collection[Call], offered: Collection[str]) -> str:
    """Return what is wrong with the calls, "" when one of them is well-formed."""
    flaws = [_flaw_of(call, offered) for call in calls]
    return "" if "" in flaws else next(iter(flaws), "it only wrote text")


def _flaw_of(call: Call, offered: Collection[str]) -> str:
    if call.name not in offered:
        return f"it called {call.name[:60]!r}, which was not offered"
    if not call.is_complete:
        return "its call was not finished"
    return "" if _is_object(call) else "the arguments of its call are not a JSON object"


def _is_object(call: Call) -> bool:
    if call.given is not None:
        return isinstance(call.given, dict)
    try:
        return isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        return False


def _message(error: Mapping[str, Any]) -> str:
    inner = error.get("error")
    found = inner.get("message") if isinstance(inner, dict) else error.get("message") or inner
    return found[:200] if isinstance(found, str) else "it does not say which"


def _outcome(
    told: Told,
    diagnosis: Diagnosis,
    rung: Rung,
    *,
    stream: RungOutcome = RungOutcome.NOT_STARTED,
    tools: RungOutcome = RungOutcome.NOT_STARTED,
    said: str = "",
    embedded_error: Mapping[str, Any] | None = None,
) -> StreamedAnswer:
    return StreamedAnswer(
        diagnosis=diagnosis,
        rung=rung,
        stream=stream,
        tools=tools,
        said=said,
        model=told.model,
        tokens=Tokens(input=told.input_tokens, output=told.output_tokens),
        embedded_error=embedded_error,
    )
