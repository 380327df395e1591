"""No credential is left in text that came from elsewhere."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.redact import MASK, redact, without
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
    "a token after an underscore": (f"token_{PAT}", PAT),
    "a vendor's own key": ("Incorrect API key provided: sk-" + "proj-abcdefgh1234567890", "abcdefgh1234567890"),
    "Google's own key": ("key AIza" + "SyA0123456789abcdefghijklmnopqrstuv", "0123456789abcdefghijklmnopqrstuv"),
    "the path of a Slack webhook": ("https://hooks.slack.com/services/T0/B0/x1y2", "services/T0/B0/x1y2"),
    "a scheme of no name": ("Authorization: Negotiate abcdefgh12345", "abcdefgh12345"),
    "a header without a scheme": ("authorization=abcdefgh12345", "abcdefgh12345"),
    "a header in JSON": ('{"Authorization": "abcdefgh12345"}', "abcdefgh12345"),
    "an api key header of Google": ("x-goog-api-key: abcdefgh12345", "abcdefgh12345"),
    "a plain api key header": ("api-key: abcdefgh12345", "abcdefgh12345"),
    "a cookie": ("Cookie: session=abcdefgh; other=12345", "abcdefgh"),
    "a cookie that is set": ("set-cookie: DATAPLANE=abcdefgh12345; Secure", "abcdefgh12345"),
    "a refresh token in JSON": ('"refresh_token": "abcdefgh12345"', "abcdefgh12345"),
    "a token in JSON": ('{"token": "abcdefgh12345"}', "abcdefgh12345"),
    "a token in JSON within JSON": (r'"{\"access_token\": \"abcdefgh12345\"}"', "abcdefgh12345"),
    "a key in a URL": ("GET https://h.example.com/v1?alt=sse&key=abc123 failed", "abc123"),
    "a token in a URL": ("https://h.example.com/?token=abc123", "abc123"),
    "a signature in a URL": ("https://s.example.com/c?sv=2024&sig=a%2Fb%3D&se=2030", "a%2Fb%3D"),
    "a signed link": ("https://s.example.com/o?X-Amz-Signature=0a1b2c", "0a1b2c"),
    "an access token in a URL": ("https://h.example.com/#a?access_token=abc123", "abc123"),
    "a parameter in HTML": ("<a href='/x?a=1&amp;token=abc123'>", "abc123"),
    "somebody in a URL": ("https://robin:hunter2@h.example.com/x", "hunter2"),
    "a token in front of a host": ("https://abc123def@h.example.com/x", "abc123def"),
    "the password of a database": ("postgresql+psycopg://app:hunter2@db.example.com/x", "hunter2"),
    "a password in a form": ("password=hunter2", "hunter2"),
    "a token with an escape in it": (PAT.replace("dapi", "d\\u0061pi"), PAT[4:]),
    "a header in a URL": ("?h=Authorization%3A%20Bearer%20abcdefgh12345", "abcdefgh12345"),
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
        "https://adb-1.2.azuredatabricks.net/api/2.1/model-services?parent=schemas/system.ai&page_size=25",
        "robin.vale@switchyard.example may not use it",
        'curl -H "Authorization: Bearer $DATABRICKS_TOKEN" -H "x-api-key: $DATABRICKS_TOKEN"',
        "the signature of the answer is missing; no cookie was sent",
        "max_tokens: 64, which is the maximum allowed number of output tokens",
        "100%25 of caf\\u00e9s, Bj\\u00f6rn &#x27;s &amp; more",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text


def test_a_known_secret_is_taken_out_whatever_it_looks_like() -> None:
    assert redact("pass: hunter2!", [Secret("hunter2!")]) == f"pass: {MASK}"


def test_a_secret_that_begins_with_another_is_not_left_half() -> None:
    assert redact("abc-def", [Secret("abc"), Secret("abc-def")]) == MASK


WRITINGS: dict[str, Callable[[str], str]] = {
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL with every character escaped": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "escaped twice for a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON with every character escaped": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "in JSON within JSON": lambda text: json.dumps(text.replace("-", "\\u002d"))[1:-1],
    "in HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "in HTML by hexadecimal": lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    "as Basic credentials": lambda text: base64.b64encode(f"token:{text}".encode()).decode(),
    "as credentials of somebody": lambda text: base64.b64encode(f"robin:{text}".encode()).decode(),
    "as a user": lambda text: base64.urlsafe_b64encode(f"{text}:".encode()).decode(),
}
# Whatever can be in a header; a backslash is in no token of anybody.
SECRETS = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=9, max_size=40
)


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
@given(secret=SECRETS)
def test_a_known_secret_is_found_however_it_is_written(write: Callable[[str], str], secret: str) -> None:
    written = write(secret)
    for taken_out in (redact(f"<{written}> ", [Secret(secret)]), without(f"<{written}> ", Secret(secret))):
        assert MASK in taken_out
        assert written not in taken_out


@given(st.text(), st.text(), st.text(alphabet="abcdefghij0123456789+/=._-", min_size=6))
def test_a_known_secret_is_in_no_text(before: str, after: str, secret: str) -> None:
    rest = redact(f"{before}{secret}{after}", [Secret(secret)]).replace(MASK, " ")
    assert secret not in rest


@given(st.lists(st.sampled_from([text for text, _ in LEAKS.values()]) | st.text(max_size=20), max_size=6))
def test_what_was_taken_out_once_stays_as_it_is(parts: list[str]) -> None:
    once = redact(" ".join(parts))
    assert redact(once) == once


@given(st.text(), SECRETS)
def test_an_answer_without_the_token_is_left_alone(text: str, secret: str) -> None:
    written = [write(secret) for write in WRITINGS.values()]
    if not any(part in text for part in (secret, *written)):
        assert without(text, Secret(secret)) == text


def test_an_answer_keeps_what_only_looks_like_a_credential() -> None:
    assert without(f"{PAT} and {JWT}", Secret("another-token")) == f"{PAT} and {JWT}"


def test_an_answer_is_not_made_unreadable_by_a_token_of_a_few_letters() -> None:
    assert without('{"message": "not a token"}', Secret("a")) == '{"message": "not a token"}'


def test_json_without_the_token_is_still_json() -> None:
    body = json.dumps({"message": f'{PAT} \\{PAT} "{PAT}"', "raw": "\\u0064" + PAT[1:]})
    assert PAT not in json.dumps(json.loads(without(body, Secret(PAT))))


NASTY = ("\\", "eyJ-", "eyJa.", "dapi", "://", "a://b:", "authorization: ", "bearer ", "%25", "\\u0064", "?key=", " ")


@pytest.mark.parametrize("part", NASTY)
def test_no_text_takes_long(part: str) -> None:
    text = "authorization:" + part * (64 * 1024 // len(part))
    began = time.process_time()
    redact(text, [Secret(PAT)])
    assert time.process_time() - began < 1.0
