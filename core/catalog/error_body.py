"""Read the code and the message out of any error body: JSON of every vendor, plain text, HTML, or nothing.

The shapes are those of databricks.md §4; what a code or a wording means is left to `phrases`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.catalog.redact import redact

MESSAGE_LIMIT = 300
_READ_LIMIT = 64 * 1024
_DEPTH_LIMIT = 4

Shape = Literal["json", "text", "html", "empty"]

# The words vendors use for the same thing, the usual one first: Databricks, SCIM, OAuth, older Databricks APIs.
_MESSAGE_KEYS = ("message", "detail", "error_description", "error_message", "msg")
_TAG = re.compile(r"<[^<>]*>")
_REQUEST_ID = re.compile(r"\s*\[ReqId:\s*([^\]\s]{1,128})\s*\]")
_LEADING_CODE = re.compile(r"^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*):\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What an error body says. `code` is as the body spells it, `status` the HTTP status it names inside, if any."""

    code: str | None
    message: str
    shape: Shape
    request_id: str | None = None
    status: int | None = None


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> ErrorBody:
    """Return what an answer says about its failure; never raises, whatever the bytes are."""
    text = body[:_READ_LIMIT].decode("utf-8", "replace").strip("\ufeff \t\r\n\0")
    request_id = headers.get("x-request-id")
    spoken = headers.get("x-databricks-reason-phrase", "")
    if not text:
        return _error("empty", None, spoken, request_id)
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        if "html" in headers.get("content-type", "").lower() or text.startswith("<"):
            return _error("html", None, _html_text(text) or spoken, request_id)
        return _error("text", None, text, request_id)
    return _from_json(parsed, text, spoken=spoken, request_id=request_id)


def _from_json(parsed: Any, text: str, *, spoken: str, request_id: str | None) -> ErrorBody:
    objects = list(_error_objects(parsed, _DEPTH_LIMIT))
    code = next((code for found in objects if (code := _code(found))), None)
    message = next((message for found in objects if (message := _message(found))), None)
    if message is None and isinstance(parsed, str):
        message = parsed
    if message is None:
        message = spoken if objects else text
    named = next((number for found in objects if (number := _status(found)) is not None), None)
    own_id = next((found["request_id"] for found in objects if isinstance(found.get("request_id"), str)), None)
    return _error("json", code, message, own_id or request_id, named)


def _error_objects(parsed: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the objects that may describe the error, outermost first: `error` nests, Gemini wraps in a list."""
    if depth == 0:
        return
    if isinstance(parsed, list):
        for item in parsed[:_DEPTH_LIMIT]:
            yield from _error_objects(item, depth - 1)
    if isinstance(parsed, dict):
        yield parsed
        yield from _error_objects(parsed.get("error"), depth - 1)


def _code(found: Mapping[str, Any]) -> str | None:
    # The most specific first: OpenAI's `code` says more than its `type`; Gemini's `code` is only the HTTP status.
    words = (found.get("error_code"), found.get("code"), found.get("status"), found.get("type"))
    for word in words:
        if isinstance(word, str) and word.strip() and word != "error":
            return word
    for number in (found.get("error_code"), found.get("code"), found.get("status")):
        if isinstance(number, int) and not isinstance(number, bool):
            return str(number) if abs(number) < 10**9 else None
    error = found.get("error")
    return error.strip() if isinstance(error, str) and error.isidentifier() else None


def _message(found: Mapping[str, Any]) -> str | None:
    for key in _MESSAGE_KEYS:
        value = found.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, dict | list) and value:
            return json.dumps(value)
    error = found.get("error")
    return error if isinstance(error, str) and error.strip() else None


def _status(found: Mapping[str, Any]) -> int | None:
    for key in ("error_code", "code", "status", "http_status_code"):
        value = found.get(key)
        number = int(value) if isinstance(value, str) and re.fullmatch("[1-5][0-9]{2}", value) else value
        if isinstance(number, int) and not isinstance(number, bool) and 400 <= number < 600:
            return number
    return None


def _html_text(text: str) -> str:
    """Return what a person would read: Databricks' error pages say it in <pre>, others in <title> or <h1>."""
    lower = text.lower()
    for tag in ("pre", "title", "h1"):
        start = lower.find(f"<{tag}")
        inside = lower.find(">", start) + 1 if start >= 0 else 0
        end = lower.find(f"</{tag}", inside) if inside else -1
        if end > inside and (content := _plain(text[inside:end])):
            return content
    return _plain(text)


def _plain(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())


def _error(
    shape: Shape, code: str | None, message: str, request_id: str | None, status: int | None = None
) -> ErrorBody:
    found = _REQUEST_ID.search(message)
    if found:
        request_id = found.group(1)
        message = _REQUEST_ID.sub("", message, count=1)
    clean = redact(_readable(message))
    leading = _LEADING_CODE.match(clean)
    if code is None and leading:
        code = leading.group(1)
    return ErrorBody(
        code=redact(_readable(code))[:100] if code else None,
        message=clean[:MESSAGE_LIMIT],
        shape=shape,
        request_id=redact(_readable(request_id))[:128] if request_id else None,
        status=status,
    )


def _readable(text: str) -> str:
    """Return text without line breaks, control characters and lone surrogates, which no page or log could show."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
