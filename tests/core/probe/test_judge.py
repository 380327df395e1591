"""Every refusal that Databricks is known to give, and every 200 that is none, gets its own cause and its rung."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.probe import Diagnosis, Health, Rung, RungOutcome
from core.model.route import Identity, Route
from core.ports import FailureKind, HttpAnswer, HttpFailure
from core.probe.judge import judge

MODEL = "databricks-claude-opus-4-6"


def route(dialect: Dialect = Dialect.OPENAI_CHAT, generation: Generation = Generation.SERVING_ENDPOINTS) -> Route:
    return Route(
        agent=AgentId.HERMES,
        slot="primary",
        model=MODEL,
        base_url="https://adb-1.1.azuredatabricks.net/serving-endpoints",
        dialect=dialect,
        generation=generation,
        identity=Identity.DASHBOARD,
    )


def answer(status: int, body: object, **headers: str) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status=status, headers=headers, body=raw, truncated=False, elapsed_ms=5.0, first_byte_ms=4.0)


def coded(code: str | int, message: str) -> dict[str, object]:
    return {"error_code": code, "message": message}


REFUSALS = [
    ("gateway cannot read the token", 400, b"Invalid Token", Diagnosis.CREDENTIAL_DEAD, Rung.AUTH),
    ("token expired or rotated", 403, coded(403, "Invalid access token."), Diagnosis.CREDENTIAL_DEAD, Rung.AUTH),
    (
        "token about to end",
        403,
        b"Token is expiring within 30 seconds. (token expired)",
        Diagnosis.CREDENTIAL_DEAD,
        Rung.AUTH,
    ),
    ("token of another audience", 400, coded("X", "Expected aud claim to be: y"), Diagnosis.CREDENTIAL_DEAD, Rung.AUTH),
    ("token of another workspace", 403, coded(403, "Invalid access to Org: 5"), Diagnosis.WRONG_WORKSPACE, Rung.AUTH),
    (
        "no bearer header",
        401,
        coded("401", "Credential was not sent or was of an unsupported type for this API."),
        Diagnosis.CREDENTIAL_MISSING,
        Rung.AUTH,
    ),
    ("any other 401", 401, b"", Diagnosis.CREDENTIAL_DEAD, Rung.AUTH),
    (
        "scope missing",
        403,
        coded(403, "Provided OAuth token does not have required scopes: model-serving"),
        Diagnosis.SCOPE_MISSING,
        Rung.AUTH,
    ),
    (
        "address blocked",
        403,
        coded(403, "Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 5 [ReqId: r]"),
        Diagnosis.NETWORK_BLOCKED,
        Rung.HTTP,
    ),
    (
        "rate limit of zero",
        403,
        coded("PERMISSION_DENIED", "The endpoint is temporarily disabled due to a Databricks-set rate limit of 0."),
        Diagnosis.RATE_LIMIT_ZERO,
        Rung.MODEL,
    ),
    (
        "retired on serving-endpoints",
        403,
        coded("PERMISSION_DENIED", "Querying this endpoint is disabled for this workspace. Please use Unity Gateway."),
        Diagnosis.SPELLING_RETIRED,
        Rung.MODEL,
    ),
    (
        "retired on the gateway",
        501,
        coded("NOT_IMPLEMENTED", f"'{MODEL}' is no longer available. Use Unity Catalog model services (v3)."),
        Diagnosis.SPELLING_RETIRED,
        Rung.MODEL,
    ),
    (
        "permission missing",
        403,
        coded("PERMISSION_DENIED", "x does not have EXECUTE on y"),
        Diagnosis.GRANT_MISSING,
        Rung.MODEL,
    ),
    (
        "endpoint not served here",
        404,
        coded("ENDPOINT_NOT_FOUND", "The given endpoint does not exist, please retry."),
        Diagnosis.MODEL_NOT_ON_ROUTE,
        Rung.MODEL,
    ),
    (
        "service not found or hidden",
        404,
        coded("NOT_FOUND", "'x' does not exist"),
        Diagnosis.MODEL_NOT_ON_ROUTE,
        Rung.MODEL,
    ),
    (
        "wrong path on serving-endpoints",
        404,
        coded("ENDPOINT_NOT_FOUND", "Path must be of form /serving-endpoints/<endpoint_name>/invocations"),
        Diagnosis.WRONG_PATH,
        Rung.ROUTE,
    ),
    (
        "no such API",
        404,
        coded("RESOURCE_DOES_NOT_EXIST", "No API found for 'POST /x'"),
        Diagnosis.WRONG_PATH,
        Rung.ROUTE,
    ),
    ("a web page that is not there", 404, b"<html><title>Not Found</title></html>", Diagnosis.WRONG_PATH, Rung.ROUTE),
    ("feature off", 404, coded("FEATURE_DISABLED", "AI Gateway is not available"), Diagnosis.GATEWAY_OFF, Rung.ROUTE),
    (
        "chat on the codex path",
        400,
        coded("X", "It doesn't match any known API type"),
        Diagnosis.WRONG_PATH,
        Rung.ROUTE,
    ),
    (
        "responses for a model without them",
        400,
        coded("X", "Responses API passthrough is not supported for model x"),
        Diagnosis.DIALECT_MISMATCH,
        Rung.MODEL,
    ),
    (
        "name rewritten by the client",
        400,
        coded("X", "gemini-9 is not a supported Unity Catalog endpoint name"),
        Diagnosis.MODEL_ABSENT,
        Rung.MODEL,
    ),
    ("unknown field", 400, b'Bad request: json: unknown field "stream_options"', Diagnosis.FIELD_REJECTED, Rung.MODEL),
    (
        "extra input",
        400,
        {"message": "system.2.cache_control.ephemeral.scope: Extra inputs are not permitted"},
        Diagnosis.FIELD_REJECTED,
        Rung.MODEL,
    ),
    (
        "too many output tokens asked for",
        400,
        coded("X", "max_tokens: 65536 > 32000, which is the maximum allowed"),
        Diagnosis.OUTPUT_CAP,
        Rung.MODEL,
    ),
    ("guardrail", 400, coded("BAD_REQUEST", "input_guardrail triggered"), Diagnosis.GUARDRAIL, Rung.MODEL),
    ("throttled", 429, coded("REQUEST_LIMIT_EXCEEDED", "Exceeded rate limit"), Diagnosis.THROTTLED, Rung.MODEL),
    ("internal error", 500, coded("INTERNAL_ERROR", "x"), Diagnosis.SERVER_ERROR, Rung.MODEL),
    ("cancelled by the server", 499, coded("CANCELLED", ""), Diagnosis.SERVER_ERROR, Rung.MODEL),
    ("unavailable", 503, coded("TEMPORARILY_UNAVAILABLE", "x"), Diagnosis.OVERLOADED, Rung.MODEL),
    ("overloaded", 529, {"type": "error", "error": {"type": "overloaded_error"}}, Diagnosis.OVERLOADED, Rung.MODEL),
    ("upstream timeout", 504, b"upstream request timeout", Diagnosis.TIMED_OUT, Rung.HTTP),
    ("not explained by any row", 418, b"teapot", Diagnosis.UNCLASSIFIED, Rung.MODEL),
    ("a 403 not explained by any row", 403, b"", Diagnosis.UNCLASSIFIED, Rung.AUTH),
    ("a 400 not explained by any row", 400, coded("BAD_REQUEST", "hm"), Diagnosis.UNCLASSIFIED, Rung.MODEL),
]


@pytest.mark.parametrize(
    ("status", "body", "diagnosis", "rung"), [pytest.param(*row[1:], id=row[0]) for row in REFUSALS]
)
def test_a_refusal_gets_its_cause_and_rung(status: int, body: object, diagnosis: Diagnosis, rung: Rung) -> None:
    verdict = judge(route(), answer(status, body))
    assert (verdict.diagnosis, verdict.rung) == (diagnosis, rung)
    assert health_of(verdict.diagnosis) is not Health.HEALTHY


def test_an_unknown_gateway_path_means_that_there_is_no_gateway() -> None:
    body = coded("ENDPOINT_NOT_FOUND", "No API found for 'POST /ai-gateway/mlflow/v1/chat/completions'")
    verdict = judge(route(generation=Generation.WORKSPACE), answer(404, body))
    assert verdict.diagnosis is Diagnosis.GATEWAY_OFF


def test_a_404_does_not_prove_the_token() -> None:
    verdict = judge(route(), answer(404, coded("ENDPOINT_NOT_FOUND", "The given endpoint does not exist")))
    assert (verdict.auth, verdict.route) == (RungOutcome.UNPROVEN, RungOutcome.PASSED)


def test_a_redirect_is_named_and_private_link_is_told_apart() -> None:
    login = judge(route(), answer(302, b"", location="https://adb-1.1.azuredatabricks.net/login.html"))
    private = judge(route(), answer(302, b"", location="/login.html?error=private-link-validation-error:5"))
    assert (login.diagnosis, private.diagnosis) == (Diagnosis.REDIRECTED, Diagnosis.NETWORK_BLOCKED)


@pytest.mark.parametrize(
    ("kind", "diagnosis", "rung"),
    [
        (FailureKind.DNS, Diagnosis.DNS_FAILED, Rung.DNS),
        (FailureKind.CONNECT, Diagnosis.CONNECT_FAILED, Rung.TCP),
        (FailureKind.TLS, Diagnosis.TLS_FAILED, Rung.TLS),
        (FailureKind.TIMEOUT, Diagnosis.TIMED_OUT, Rung.HTTP),
        (FailureKind.LOST, Diagnosis.CONNECTION_LOST, Rung.HTTP),
    ],
)
def test_a_failure_without_an_answer_gets_its_cause(kind: FailureKind, diagnosis: Diagnosis, rung: Rung) -> None:
    verdict = judge(route(), HttpFailure(kind=kind, detail="x", elapsed_ms=1.0))
    assert (verdict.diagnosis, verdict.rung, verdict.status) == (diagnosis, rung, None)


GOOD = {
    Dialect.OPENAI_CHAT: {
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1},
    },
    Dialect.ANTHROPIC_MESSAGES: {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "OK"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 1},
    },
    Dialect.OPENAI_RESPONSES: {
        "object": "response",
        "model": "m",
        "status": "completed",
        "output": [{"type": "message", "content": []}],
        "usage": {"input_tokens": 9, "output_tokens": 1},
    },
    Dialect.GEMINI_GENERATE: {
        "modelVersion": "m",
        "candidates": [{"content": {"parts": [{"text": "OK"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1},
    },
}
CUT = {
    Dialect.OPENAI_CHAT: {"choices": [{"message": {"content": None}, "finish_reason": "length"}]},
    Dialect.ANTHROPIC_MESSAGES: {"type": "message", "role": "assistant", "content": [], "stop_reason": "max_tokens"},
    Dialect.OPENAI_RESPONSES: {"object": "response", "status": "incomplete", "output": []},
    Dialect.GEMINI_GENERATE: {"candidates": [{"finishReason": "MAX_TOKENS"}]},
}
EMPTY = {
    Dialect.OPENAI_CHAT: {"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]},
    Dialect.ANTHROPIC_MESSAGES: {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"},
    Dialect.OPENAI_RESPONSES: {"object": "response", "status": "completed", "output": []},
    Dialect.GEMINI_GENERATE: {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]},
}


@pytest.mark.parametrize("dialect", list(Dialect))
def test_an_answer_in_its_dialect_is_healthy_and_counted(dialect: Dialect) -> None:
    verdict = judge(route(dialect), answer(200, GOOD[dialect]))
    assert (verdict.diagnosis, verdict.auth, verdict.route) == (Diagnosis.OK, RungOutcome.PASSED, RungOutcome.PASSED)
    assert (verdict.answered_model, verdict.tokens.input, verdict.tokens.output) == ("m", 9, 1)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_an_answer_cut_by_our_own_cap_is_healthy(dialect: Dialect) -> None:
    assert judge(route(dialect), answer(200, CUT[dialect])).diagnosis is Diagnosis.OK


@pytest.mark.parametrize("dialect", list(Dialect))
def test_an_empty_answer_is_not_healthy(dialect: Dialect) -> None:
    assert judge(route(dialect), answer(200, EMPTY[dialect])).diagnosis is Diagnosis.EMPTY_ANSWER


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("other", list(Dialect))
def test_an_answer_in_another_dialect_is_not_an_answer(dialect: Dialect, other: Dialect) -> None:
    expected = Diagnosis.OK if dialect is other else Diagnosis.NOT_AN_ANSWER
    assert judge(route(dialect), answer(200, GOOD[other])).diagnosis is expected


@pytest.mark.parametrize(
    ("body", "diagnosis"),
    [
        pytest.param(b"", Diagnosis.EMPTY_ANSWER, id="no body"),
        pytest.param(b"<!DOCTYPE html><title>Sign in</title>", Diagnosis.NOT_AN_ANSWER, id="a login page"),
        pytest.param(b'{"choices": [{"mess', Diagnosis.NOT_AN_ANSWER, id="cut JSON"),
        pytest.param({"hello": "world"}, Diagnosis.NOT_AN_ANSWER, id="another service"),
        pytest.param([1, 2], Diagnosis.NOT_AN_ANSWER, id="a list"),
        pytest.param(
            {"error": {"code": 429, "message": "slow down"}}, Diagnosis.THROTTLED, id="an error with its status"
        ),
        pytest.param({"error": {"message": "oh no"}}, Diagnosis.SERVER_ERROR, id="an error without a status"),
    ],
)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_200_that_is_no_answer_is_not_healthy(dialect: Dialect, body: object, diagnosis: Diagnosis) -> None:
    assert judge(route(dialect), answer(200, body)).diagnosis is diagnosis


def test_a_web_page_with_200_fails_at_the_route() -> None:
    assert judge(route(), answer(200, b"<html></html>", **{"content-type": "text/html"})).rung is Rung.ROUTE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "message", "choices", "content", "output", "candidates", "type", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(100, 599), body=st.binary(max_size=200) | JSON, dialect=st.sampled_from(list(Dialect)))
def test_arbitrary_answers_never_raise_and_refusals_are_never_healthy(
    status: int, body: object, dialect: Dialect
) -> None:
    verdict = judge(route(dialect), answer(status, body))
    if not 200 <= status < 300:
        assert health_of(verdict.diagnosis) is not Health.HEALTHY


@given(body=st.binary(max_size=300), dialect=st.sampled_from(list(Dialect)))
def test_arbitrary_bytes_with_200_are_never_healthy(body: bytes, dialect: Dialect) -> None:
    assert health_of(judge(route(dialect), answer(200, body)).diagnosis) is not Health.HEALTHY
