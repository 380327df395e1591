"""Any error body gives a code and a message, and none of them can make the parser raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.error_body import MESSAGE_LIMIT, parse_error

JSON_SHAPES = {
    "classic": (
        {"error_code": "ENDPOINT_NOT_FOUND", "message": "The given endpoint does not exist."},
        "ENDPOINT_NOT_FOUND",
        "The given endpoint does not exist.",
    ),
    "numeric code": ({"error_code": 403, "message": "Invalid access token."}, "403", "Invalid access token."),
    "anthropic": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "overloaded_error",
        "Overloaded",
    ),
    "openai": (
        {"error": {"message": "No such model", "type": "invalid_request_error", "code": "model_not_found"}},
        "model_not_found",
        "No such model",
    ),
    "openai without code": (
        {"error": {"message": "Bad", "type": "invalid_request_error", "code": None}},
        "invalid_request_error",
        "Bad",
    ),
    "gemini": (
        {"error": {"code": 400, "message": "Unknown name", "status": "INVALID_ARGUMENT"}},
        "INVALID_ARGUMENT",
        "Unknown name",
    ),
    "gemini in a list": ([{"error": {"code": 429, "message": "Slow down"}}], "429", "Slow down"),
    "scim": ({"schemas": ["urn"], "detail": "Not allowed", "status": "403"}, "403", "Not allowed"),
    "oauth": (
        {"error": "invalid_client", "error_description": "Client authentication failed"},
        "invalid_client",
        "Client authentication failed",
    ),
    "error as a sentence": ({"error": "Something broke here."}, None, "Something broke here."),
    "message as an object": ({"message": {"why": "nested"}}, None, '{"why": "nested"}'),
    "bare string": ("Invalid Token", None, "Invalid Token"),
    "null": (None, None, "null"),
    "number": (17, None, "17"),
    "empty object": ({}, None, ""),
    "cancelled with an empty message": ({"error_code": "CANCELLED", "message": ""}, "CANCELLED", ""),
    "boolean code": ({"error_code": True, "message": "odd"}, None, "odd"),
}


@pytest.mark.parametrize(("payload", "code", "message"), JSON_SHAPES.values(), ids=JSON_SHAPES.keys())
def test_json_of_every_vendor_gives_its_code_and_message(payload: Any, code: str | None, message: str) -> None:
    found = parse_error(400, {}, json.dumps(payload).encode())
    assert (found.code, found.message, found.shape) == (code, message, "json")


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, 429),
        ({"error_code": 403, "message": "x"}, 403),
        ({"detail": "x", "status": "503"}, 503),
        ({"error_code": "NOT_FOUND"}, None),
        ({"error_code": 7}, None),
    ],
    ids=["gemini", "numeric error_code", "scim", "a word", "no HTTP status"],
)
def test_a_status_named_inside_the_body_is_kept(payload: Any, status: int | None) -> None:
    assert parse_error(200, {}, json.dumps(payload).encode()).status == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><head><title>Oops</title></head><body><pre>Invalid &amp; gone</pre></body></html>", "Invalid & gone"),
        (b"<!doctype html><title>404 Not Found</title><p>nginx</p>", "404 Not Found"),
        (b"<html><body><h1>Bad\n Gateway</h1></body></html>", "Bad Gateway"),
        (b"<p>Just <b>text</b></p>", "Just text"),
        (b"<pre>never closed", "never closed"),
        (b"<title", "<title"),
    ],
    ids=["pre", "title", "h1", "no telling tag", "unclosed", "cut inside a tag"],
)
def test_html_says_what_a_person_would_read(body: bytes, message: str) -> None:
    found = parse_error(404, {}, body)
    assert (found.shape, found.message, found.code) == ("html", message, None)


def test_plain_text_is_the_message() -> None:
    found = parse_error(400, {"content-type": "text/plain"}, b" Invalid\x00 Token\n")
    assert (found.shape, found.message, found.code) == ("text", "Invalid Token", None)


def test_a_code_in_front_of_the_message_is_found() -> None:
    found = parse_error(404, {}, b"NOT_FOUND: 'system.ai.claude' does not exist")
    assert found.code == "NOT_FOUND"


def test_an_empty_body_speaks_by_its_reason_header() -> None:
    found = parse_error(403, {"x-databricks-reason-phrase": "Invalid access token."}, b" \n")
    assert (found.shape, found.message) == ("empty", "Invalid access token.")


def test_an_object_without_message_speaks_by_its_reason_header() -> None:
    found = parse_error(403, {"x-databricks-reason-phrase": "Forbidden"}, b'{"error_code": 403}')
    assert (found.code, found.message) == ("403", "Forbidden")


def test_invalid_utf8_is_still_read() -> None:
    assert parse_error(400, {}, b"\xff\xfeInvalid Token").message.endswith("Invalid Token")


def test_the_request_id_inside_the_message_is_taken_out_of_it() -> None:
    body = b'{"error_code":403,"message":"Source IP is blocked by Databricks IP ACL [ReqId: 0a1b-2c]"}'
    found = parse_error(403, {"x-request-id": "outer"}, body)
    assert found.request_id == "0a1b-2c"
    assert found.message == "Source IP is blocked by Databricks IP ACL"


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"x-request-id": "r-1"}, b"", "r-1"),
        ({"x-request-id": "r-1"}, b'{"type":"error","request_id":"r-2","error":{"message":"x"}}', "r-2"),
        ({}, b"nothing", None),
    ],
    ids=["header", "body wins", "none"],
)
def test_the_request_id_is_kept(headers: dict[str, str], body: bytes, request_id: str | None) -> None:
    assert parse_error(500, headers, body).request_id == request_id


def test_a_long_message_is_cut() -> None:
    assert len(parse_error(500, {}, b"a" * 9000).message) == MESSAGE_LIMIT


def test_a_token_in_a_message_is_not_shown() -> None:
    body = b'{"message":"token dapi0123456789abcdef0123456789abcdef is unknown"}'
    assert "dapi0123" not in parse_error(403, {}, body).message


@given(st.integers(0, 999), st.binary(max_size=400))
def test_arbitrary_bytes_never_raise(status: int, body: bytes) -> None:
    found = parse_error(status, {}, body)
    assert len(found.message) <= MESSAGE_LIMIT
    assert found.message.isprintable()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "error_code", "message", "code", "status", "type", "detail", "request_id"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@given(_JSON)
def test_arbitrary_json_never_raises(payload: Any) -> None:
    assert len(parse_error(400, {}, json.dumps(payload).encode()).message) <= MESSAGE_LIMIT


def test_errors_nested_in_errors_are_read_a_few_levels_deep() -> None:
    nested: Any = {"message": "too deep"}
    for _ in range(6):
        nested = {"error": nested}
    assert parse_error(400, {}, json.dumps(nested).encode()).message == ""


def test_deeply_nested_json_never_raises() -> None:
    assert parse_error(400, {}, b"[" * 60_000).shape == "text"


def test_hostile_markup_is_read_in_linear_time() -> None:
    assert parse_error(400, {"content-type": "text/html"}, b"<pre" * 16_000).shape == "html"


def test_a_credential_is_in_neither_code_nor_request_id() -> None:
    token = "dapi" + "0123456789abcdef"
    found = parse_error(400, {}, json.dumps({"error_code": token, "message": f"no [ReqId: {token}]"}).encode())
    assert token not in repr(found)
