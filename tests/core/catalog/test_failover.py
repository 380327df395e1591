"""What agents do when their model fails, as it was measured."""

from __future__ import annotations

import pytest

from core.catalog.failover import Failover, FailureClass, failover_of, failure_class
from core.model.agent import AgentId
from core.model.probe import Diagnosis as D

# Failures that no client was run against; an agent is never said to be served by its fallback on one of them.
NOT_MEASURED = {
    D.TLS_FAILED,
    D.TIMED_OUT,
    D.CONNECTION_LOST,
    D.REDIRECTED,
    D.GUARDRAIL,
    D.NOT_AN_ANSWER,
    D.UNCLASSIFIED,
}
# What a client does not take for a failure, or what nothing was sent for.
NO_FAILURE = {D.OK, D.CREDENTIAL_MISSING, D.NO_TOOL_CALL, D.MODEL_SUBSTITUTED}

HERMES: dict[str, tuple[D, int | None, bool, int, float | None]] = {
    "404 does not exist": (D.MODEL_NOT_ON_ROUTE, 404, True, 1, 0.2),
    "a grant told as 404": (D.GRANT_MISSING, 404, True, 1, 0.2),
    "404 with another body": (D.GATEWAY_OFF, 404, True, 3, 8.0),
    "403 bad token": (D.CREDENTIAL_DEAD, 403, True, 1, 0.3),
    "401": (D.CREDENTIAL_DEAD, 401, True, 1, 0.3),
    "403 rate limit of 0": (D.RATE_LIMIT_ZERO, 403, True, 1, 0.3),
    "400 unknown field": (D.FIELD_REJECTED, 400, True, 1, 0.3),
    "400 output cap": (D.OUTPUT_CAP, 400, False, 1, None),
    "429": (D.THROTTLED, 429, True, 1, 0.2),
    "500": (D.SERVER_ERROR, 500, True, 3, 8.5),
    "503": (D.OVERLOADED, 503, True, 2, 3.3),
    "529": (D.OVERLOADED, 529, True, 2, 3.3),
    "no such host": (D.DNS_FAILED, None, True, 2, 3.0),
    "connection refused": (D.CONNECT_FAILED, None, True, 2, 3.0),
    "200 with empty text": (D.EMPTY_ANSWER, 200, True, 4, 0.4),
    "an error in mid-answer": (D.STREAM_BROKEN, 200, False, 4, None),
}


@pytest.mark.parametrize(("diagnosis", "status", "back", "requests", "seconds"), HERMES.values(), ids=HERMES)
def test_hermes_does(diagnosis: D, status: int | None, back: bool, requests: int, seconds: float | None) -> None:
    expected = Failover(falls_back=back, requests=requests, seconds=seconds)
    assert failover_of(AgentId.HERMES, diagnosis, status) == expected


def test_claude_code_falls_back_only_when_it_was_started_so() -> None:
    missing = failover_of(AgentId.CLAUDE, D.MODEL_NOT_ON_ROUTE, 404)
    assert missing == Failover(falls_back=True, requests=2, seconds=0.8, needs="--fallback-model")
    overloaded = failover_of(AgentId.CLAUDE, D.OVERLOADED, 529)
    assert overloaded == Failover(falls_back=True, requests=3, seconds=2.6, needs="--fallback-model")


def test_claude_code_repeats_a_dead_token_for_three_minutes() -> None:
    assert failover_of(AgentId.CLAUDE, D.CREDENTIAL_DEAD, 401) == Failover(falls_back=False, requests=11, seconds=173)
    assert failover_of(AgentId.CLAUDE, D.CREDENTIAL_DEAD, 403) == Failover(falls_back=False, requests=1)


@pytest.mark.parametrize("agent", sorted(set(AgentId) - {AgentId.HERMES, AgentId.CLAUDE}))
@pytest.mark.parametrize("diagnosis", D)
def test_other_agents_have_none(agent: AgentId, diagnosis: D) -> None:
    failover = failover_of(agent, diagnosis)
    assert failover is None or not failover.falls_back


def test_codex_asks_a_busy_model_thirty_times() -> None:
    assert failover_of(AgentId.CODEX, D.OVERLOADED, 503) == Failover(falls_back=False, requests=30, seconds=25)


def test_cursor_was_not_measured() -> None:
    assert failover_of(AgentId.CURSOR, D.MODEL_ABSENT) is None


@pytest.mark.parametrize("diagnosis", sorted(set(D) - NOT_MEASURED - NO_FAILURE))
def test_hermes_was_measured_on(diagnosis: D) -> None:
    assert failover_of(AgentId.HERMES, diagnosis) is not None


@pytest.mark.parametrize("diagnosis", sorted(NOT_MEASURED | NO_FAILURE))
def test_nothing_is_claimed_of(diagnosis: D) -> None:
    assert failure_class(diagnosis) is None


SEEN: dict[str, tuple[D, int | None, FailureClass]] = {
    "a token refused with 400": (D.CREDENTIAL_DEAD, 400, FailureClass.BAD_REQUEST),
    "a grant refused with 403": (D.GRANT_MISSING, 403, FailureClass.FORBIDDEN),
    "a rate limit of 0 told as 429": (D.RATE_LIMIT_ZERO, 429, FailureClass.THROTTLED),
    "an absent model told as 400": (D.MODEL_ABSENT, 400, FailureClass.BAD_REQUEST),
    "a path told as 400": (D.WRONG_PATH, 400, FailureClass.BAD_REQUEST),
    "a status that is not told apart": (D.CREDENTIAL_DEAD, 418, FailureClass.FORBIDDEN),
    "no status": (D.NOT_READY, None, FailureClass.UNAVAILABLE),
}


@pytest.mark.parametrize(("diagnosis", "status", "expected"), SEEN.values(), ids=SEEN)
def test_a_client_goes_by_the_status(diagnosis: D, status: int | None, expected: FailureClass) -> None:
    assert failure_class(diagnosis, status) is expected
