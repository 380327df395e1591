"""What a refusal means, row by row, where one row could be taken for another."""

from __future__ import annotations

import json

import pytest

from core.catalog.error_body import parse_error
from core.catalog.phrases import PHRASES, diagnose_refusal
from core.catalog.remedies import REMEDIES
from core.model.gateway import Generation
from core.model.probe import Diagnosis as D

GATEWAY, LEGACY = Generation.WORKSPACE, Generation.SERVING_ENDPOINTS

ROWS: dict[str, tuple[int, str, str, Generation | None, D]] = {
    "wrong workspace": (403, "403", "Invalid access to Org: 1", LEGACY, D.WRONG_WORKSPACE),
    "rotated token": (403, "403", "Invalid access token.", LEGACY, D.CREDENTIAL_DEAD),
    "unreadable token": (400, "", "Invalid Token", GATEWAY, D.CREDENTIAL_DEAD),
    "other audience": (400, "BAD_REQUEST", "Expected aud claim to be: x", GATEWAY, D.CREDENTIAL_DEAD),
    "scope": (403, "PERMISSION_DENIED", "token does not have required scopes: x", LEGACY, D.SCOPE_MISSING),
    "not sent": (401, "", "Credential was not sent or was of an unsupported type", None, D.CREDENTIAL_MISSING),
    "bare 401": (401, "", "", None, D.CREDENTIAL_DEAD),
    "ip list": (
        403,
        "403",
        "Source IP address: 203.0.113.7 is blocked by IP ACL",
        LEGACY,
        D.NETWORK_BLOCKED,
    ),
    "rate limit of zero": (403, "PERMISSION_DENIED", "disabled due to a rate limit of 0.", LEGACY, D.RATE_LIMIT_ZERO),
    "rate limit of one": (429, "REQUEST_LIMIT_EXCEEDED", "rate limit of 01", LEGACY, D.THROTTLED),
    "grant": (403, "PERMISSION_DENIED", "User does not have EXECUTE on x", GATEWAY, D.GRANT_MISSING),
    "retired on the gateway": (501, "NOT_IMPLEMENTED", "'x' is no longer available.", GATEWAY, D.SPELLING_RETIRED),
    "retired on legacy": (403, "PERMISSION_DENIED", "Please use Unity Gateway.", LEGACY, D.SPELLING_RETIRED),
    "gateway off": (404, "FEATURE_DISABLED", "not available", GATEWAY, D.GATEWAY_OFF),
    "no gateway API": (404, "ENDPOINT_NOT_FOUND", "No API found for 'POST /x'", GATEWAY, D.GATEWAY_OFF),
    "no legacy API": (404, "ENDPOINT_NOT_FOUND", "No API found for 'POST /x'", LEGACY, D.WRONG_PATH),
    "model not here": (404, "ENDPOINT_NOT_FOUND", "The given endpoint does not exist", LEGACY, D.MODEL_NOT_ON_ROUTE),
    "silent on legacy": (404, "ENDPOINT_NOT_FOUND", "", LEGACY, D.MODEL_NOT_ON_ROUTE),
    "silent on the gateway": (404, "ENDPOINT_NOT_FOUND", "", GATEWAY, D.GATEWAY_OFF),
    "bare 404": (404, "", "", None, D.WRONG_PATH),
    "not implemented": (501, "", "", GATEWAY, D.GATEWAY_OFF),
    "passthrough": (400, "", "Responses API passthrough is not supported for model x", GATEWAY, D.DIALECT_MISMATCH),
    "no such name": (400, "", "x is not a supported Unity Catalog endpoint name", GATEWAY, D.MODEL_ABSENT),
    "guardrail": (400, "", "input_guardrail: blocked by a guardrail", GATEWAY, D.GUARDRAIL),
    "too many tokens": (400, "", "max_tokens: 99 > 16, which is the maximum", GATEWAY, D.OUTPUT_CAP),
    "not ready": (503, "", "The endpoint 'x' is not ready.", LEGACY, D.NOT_READY),
    "unknown field": (400, "", 'json: unknown field "x"', GATEWAY, D.FIELD_REJECTED),
    "throttled": (429, "", "", GATEWAY, D.THROTTLED),
    "too late": (504, "", "", GATEWAY, D.TIMED_OUT),
    "overloaded": (529, "", "Overloaded", GATEWAY, D.OVERLOADED),
    "server error": (500, "", "", GATEWAY, D.SERVER_ERROR),
    "nobody knows": (418, "", "I'm a teapot", GATEWAY, D.UNCLASSIFIED),
}


@pytest.mark.parametrize(("status", "code", "message", "generation", "expected"), ROWS.values(), ids=ROWS)
def test_a_refusal_means(status: int, code: str, message: str, generation: Generation | None, expected: D) -> None:
    body = json.dumps({"error_code": code, "message": message}).encode()
    assert diagnose_refusal(status, parse_error(status, {}, body), generation) is expected


def test_no_row_calls_a_refusal_fine() -> None:
    assert D.OK not in {phrase.diagnosis for phrase in PHRASES}


def test_every_cause_has_its_words() -> None:
    assert set(REMEDIES) == set(D)
