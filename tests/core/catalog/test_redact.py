"""No credential is left in text that came from elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.redact import MASK, redact
from core.model.secret import Secret

# Made of two halves, so that no scanner takes a test for a leak.
PAT = "dapi" + "0123456789abcdef0123456789abcdef"
REFRESH = "dose" + "0123456789abcdef0123456789abcdef"
JWT = "eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiJ0ZXN0In0" + ".c2lnbmF0dXJl"

LEAKS = {
    "a personal access token": (f"token {PAT} refused", PAT),
    "a token with a part number": (f"token {PAT}-2 refused", f"{PAT}-2"),
    "a refresh token": (f"got {REFRESH}.", REFRESH),
    "a signed token": (f"aud of {JWT} is wrong", JWT),
    "a token without its signature": (f"{JWT.rpartition('.')[0]}", JWT.rpartition(".")[0]),
    "a header": ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
    "a header in lower case": ("authorization: bearer abcdefgh12345", "abcdefgh12345"),
    "basic credentials": ("Authorization: Basic YWRhOmxvdmVsYWNl", "YWRhOmxvdmVsYWNl"),
    "an api key header": ("x-api-key: abcdefgh12345", "abcdefgh12345"),
    "an api key in JSON": ('{"api_key": "abcdefgh12345"}', "abcdefgh12345"),
    "an access token in JSON": ('{"access_token":"abcdefgh12345","x":1}', "abcdefgh12345"),
    "a client secret in a form": ("client_secret=abcdefgh12345", "abcdefgh12345"),
}


@pytest.mark.parametrize(("text", "leak"), LEAKS.values(), ids=LEAKS)
def test_what_looks_like_a_credential_is_taken_out(text: str, leak: str) -> None:
    assert MASK in redact(text)
    assert leak not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "databricks-claude-opus-4-6 is not found",
        "the bearer of bad news",
        "request 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "Token is expiring within 30 seconds. (token expired)",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_a_known_secret_is_taken_out_whatever_it_looks_like() -> None:
    assert redact("pass: hunter2!", [Secret("hunter2!")]) == f"pass: {MASK}"


def test_a_secret_that_begins_with_another_is_not_left_half() -> None:
    assert redact("abc-def", [Secret("abc"), Secret("abc-def")]) == MASK


@given(st.text(), st.text(), st.text(alphabet="abcdefghij0123456789+/=._-", min_size=6))
def test_a_known_secret_is_in_no_text(before: str, after: str, secret: str) -> None:
    rest = redact(f"{before}{secret}{after}", [Secret(secret)]).replace(MASK, " ")
    assert secret not in rest
