"""A sweep sends each distinct request once, asks once more before it calls something down, and hides nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.errors import UpstreamError
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.probe import Diagnosis, Health, ProbeResult, Rung, RungOutcome
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest
from core.probe.sweep import Prober, SweepReport
from tests.fakes.network import NO_NAME, REFUSED, FakeChecker, FakeClock, FakeCredentials, FakeSender, failure, reply

HOME = "https://adb-1.1.azuredatabricks.net"
PRIMARY = Route(
    agent=AgentId.HERMES,
    slot="primary",
    model="databricks-claude-opus-4-6",
    base_url=f"{HOME}/serving-endpoints",
    dialect=Dialect.OPENAI_CHAT,
    generation=Generation.SERVING_ENDPOINTS,
    identity=Identity.DASHBOARD,
)
COPILOT = replace(PRIMARY, agent=AgentId.COPILOT, slot="default")
STORED = replace(PRIMARY, identity=Identity.STORED, token=Secret("stored-token"))
NOT_FOUND = reply(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "The given endpoint does not exist"})

Answers = Callable[[HttpRequest], HttpAnswer | HttpFailure]


def always(outcome: HttpAnswer | HttpFailure) -> Answers:
    return lambda _request: outcome


def prober(sender: FakeSender, checker: FakeChecker | None = None, **fields: object) -> Prober:
    made = Prober(
        sender=sender,
        checker=checker or FakeChecker(),
        credentials=FakeCredentials(),
        clock=FakeClock(),
        workspace_origin=HOME,
        confirm_delay_s=0.0,
    )
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def sweep(
    routes: Sequence[Route], answers: Answers, checker: FakeChecker | None = None
) -> tuple[SweepReport, FakeSender]:
    sender = FakeSender(answers)
    return asyncio.run(prober(sender, checker).sweep(routes)), sender


def test_routes_that_need_the_same_request_share_one() -> None:
    report, sender = sweep([PRIMARY, COPILOT], always(reply()))
    assert [result.health for result in report.results] == [Health.HEALTHY, Health.HEALTHY]
    assert (len(sender.sent), report.requests_sent) == (1, 1)


def test_a_shared_request_is_counted_once() -> None:
    report, _ = sweep([PRIMARY, COPILOT], always(reply()))
    assert (report.tokens.input, report.tokens.output) == (9, 1)


def test_two_identities_are_two_requests() -> None:
    _, sender = sweep([PRIMARY, STORED], always(reply()))
    assert {request.token for request in sender.sent} == {Secret("live"), Secret("stored-token")}


def test_a_stored_token_that_is_the_dashboards_own_is_the_same_request() -> None:
    _, sender = sweep([PRIMARY, replace(STORED, token=Secret("live"))], always(reply()))
    assert len(sender.sent) == 1


def test_a_probe_asks_for_at_most_16_tokens() -> None:
    _, sender = sweep([PRIMARY], always(reply()))
    body = json.loads(sender.sent[0].body or b"")
    assert (body["model"], body["max_tokens"], body["stream"]) == (PRIMARY.model, 16, False)


def test_a_final_looking_failure_is_asked_once_more_and_is_then_down() -> None:
    report, sender = sweep([PRIMARY], always(NOT_FOUND))
    (result,) = report.results
    assert (len(sender.sent), result.attempts) == (2, 2)
    assert (result.health, result.rung, result.diagnosis) == (Health.DOWN, Rung.MODEL, Diagnosis.MODEL_NOT_ON_ROUTE)


def test_a_passing_failure_is_degraded_and_not_repeated() -> None:
    report, sender = sweep([PRIMARY], always(reply(429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow"})))
    assert (report.results[0].health, len(sender.sent)) == (Health.DEGRADED, 1)


def test_the_confirming_answer_counts() -> None:
    answers = iter([NOT_FOUND, reply()])
    report, _ = sweep([PRIMARY], lambda _request: next(answers))
    assert report.results[0].health is Health.HEALTHY


def test_a_hung_model_is_not_asked_again() -> None:
    report, sender = sweep([PRIMARY], always(failure(FailureKind.TIMEOUT)))
    assert (report.results[0].diagnosis, len(sender.sent)) == (Diagnosis.TIMED_OUT, 1)


def test_no_confirming_retry_fits_after_the_budget_is_spent() -> None:
    sender = FakeSender(always(NOT_FOUND))
    made = prober(sender)
    clock = made.clock
    assert isinstance(clock, FakeClock)

    def slow(_request: HttpRequest) -> HttpAnswer:
        clock.move(28.0)
        return NOT_FOUND

    sender = FakeSender(slow)
    made.sender = sender
    asyncio.run(made.sweep([PRIMARY]))
    assert len(sender.sent) == 1


def test_each_host_is_checked_once() -> None:
    checker = FakeChecker()
    other = replace(PRIMARY, base_url="https://5.ai-gateway.cloud.databricks.com/mlflow/v1")
    sweep([PRIMARY, COPILOT, other, replace(other, model="m2")], always(reply()), checker)
    assert sorted(checker.checked) == ["https://5.ai-gateway.cloud.databricks.com", HOME]


def test_a_host_that_is_not_there_fails_its_routes_without_a_request() -> None:
    gone = "https://5.ai-gateway.cloud.databricks.com"
    report, sender = sweep(
        [PRIMARY, replace(PRIMARY, base_url=f"{gone}/mlflow/v1")], always(reply()), FakeChecker({gone: NO_NAME})
    )
    healthy, down = report.results
    assert (healthy.health, down.health, down.rung) == (Health.HEALTHY, Health.DOWN, Rung.DNS)
    assert (len(sender.sent), report.offline) == (1, None)
    assert {rung.outcome for rung in down.rungs[1:]} == {RungOutcome.NOT_STARTED}


def test_when_the_workspace_lets_nobody_in_every_route_is_unknown_and_nothing_is_sent() -> None:
    report, sender = sweep([PRIMARY, STORED], always(reply()), FakeChecker({HOME: REFUSED}))
    assert [result.health for result in report.results] == [Health.UNKNOWN, Health.UNKNOWN]
    assert report.offline is not None
    assert "cannot be reached" in report.offline
    assert sender.sent == []


def test_a_handshake_failure_is_down_and_not_offline() -> None:
    bad_tls = HostCheck(dns_ms=1.0, tcp_ms=1.0, failure=failure(FailureKind.TLS, "certificate has expired"))
    report, _ = sweep([PRIMARY], always(reply()), FakeChecker({HOME: bad_tls}))
    assert (report.offline, report.results[0].diagnosis) == (None, Diagnosis.TLS_FAILED)


def test_the_rungs_before_an_ambiguous_refusal_are_unproven() -> None:
    report, _ = sweep([PRIMARY], always(NOT_FOUND))
    outcomes = {rung.rung: rung.outcome for rung in report.results[0].rungs}
    assert (outcomes[Rung.HTTP], outcomes[Rung.AUTH]) == (RungOutcome.PASSED, RungOutcome.UNPROVEN)
    assert (outcomes[Rung.ROUTE], outcomes[Rung.MODEL]) == (RungOutcome.PASSED, RungOutcome.FAILED)
    assert (outcomes[Rung.STREAM], outcomes[Rung.TOOLS]) == (RungOutcome.NOT_STARTED, RungOutcome.NOT_STARTED)


def test_a_healthy_reach_names_the_model_rung_as_the_last_passed_one() -> None:
    report, _ = sweep([PRIMARY], always(reply()))
    assert report.results[0].rung is Rung.MODEL


def test_without_a_credential_nothing_is_sent_and_the_route_is_unknown() -> None:
    sender = FakeSender(always(reply()))
    error = UpstreamError("refused", code="credential_dead", remedy="renew")
    report = asyncio.run(prober(sender, credentials=FakeCredentials(error=error)).sweep([PRIMARY, STORED]))
    mine, stored = report.results
    assert (mine.health, mine.diagnosis) == (Health.UNKNOWN, Diagnosis.CREDENTIAL_MISSING)
    assert (stored.health, len(sender.sent)) == (Health.HEALTHY, 1)


def test_a_host_that_may_not_have_the_token_is_unknown_with_the_reason() -> None:
    report, _ = sweep([PRIMARY], always(failure(FailureKind.REFUSED, "the host is not trusted")))
    (result,) = report.results
    assert (result.health, report.requests_sent) == (Health.UNKNOWN, 0)
    assert "the host is not trusted" in result.message


def test_no_more_probes_run_at_once_than_allowed() -> None:
    sender = FakeSender(always(reply()))
    routes = [replace(PRIMARY, model=f"m{number}") for number in range(20)]
    asyncio.run(prober(sender, concurrency=4).sweep(routes))
    assert sender.most_at_once == 4


def test_results_are_handed_on_as_they_land() -> None:
    landed: list[ProbeResult] = []
    sender = FakeSender(always(reply()))
    report = asyncio.run(prober(sender).sweep([PRIMARY, STORED], landed.append))
    assert len(landed) == len(report.results) == 2


def test_no_token_is_in_a_result() -> None:
    report, _ = sweep([PRIMARY, STORED], always(reply(403, {"error_code": 403, "message": "no live nor stored-token"})))
    text = repr(report)
    assert "stored-token" not in text
    assert "no live nor" not in text
    assert all(result.route.token is None for result in report.results)


def test_a_fault_of_our_own_is_unknown_and_never_healthy() -> None:
    def broken(_request: HttpRequest) -> HttpAnswer:
        raise RuntimeError("bug")

    report, _ = sweep([PRIMARY], broken)
    assert (report.results[0].health, report.results[0].diagnosis) == (Health.UNKNOWN, Diagnosis.UNCLASSIFIED)
