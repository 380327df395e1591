"""A sweep sends each distinct request once, asks once more before it calls something down, and hides nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.errors import UpstreamError
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.models import ListingOutcome, ListingResult, Model, ModelCatalogue
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, RungOutcome, Tokens
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.usage import Price
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest
from core.probe.explain import Facts
from core.probe.meter import Meter
from core.probe.request import TAG_HEADER
from core.probe.sweep import Prober, SweepReport
from tests.fakes.network import (
    CHAT_OK,
    NO_NAME,
    REFUSED,
    FakeChecker,
    FakeClock,
    FakeCredentials,
    FakeSender,
    failure,
    reply,
)

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


def gateway_route(model: str = "m", **fields: Any) -> Route:
    route = replace(PRIMARY, base_url=f"{HOME}/ai-gateway/mlflow/v1", generation=Generation.WORKSPACE, model=model)
    return replace(route, **fields)


def tags_of(sender: FakeSender) -> list[bool]:
    return [TAG_HEADER in request.headers for request in sender.sent]


def test_requests_to_the_gateway_say_that_they_are_probes() -> None:
    _, sender = sweep([gateway_route(), PRIMARY], always(reply()))
    assert {TAG_HEADER in request.headers: "/ai-gateway/" in request.url for request in sender.sent} == {
        True: True,
        False: False,
    }


def test_a_host_that_refuses_our_tags_is_asked_once_more_without_and_remembered() -> None:
    def picky(request: HttpRequest) -> HttpAnswer:
        return reply(400, {"message": f"unknown header {TAG_HEADER}"}) if TAG_HEADER in request.headers else reply()

    sender = FakeSender(picky)
    made = prober(sender)
    for _ in range(2):
        report = asyncio.run(made.sweep([gateway_route()]))
        assert report.results[0].health is Health.HEALTHY
    assert tags_of(sender) == [True, False, False]


def test_a_429_slows_the_rest_of_the_sweep_and_is_not_repeated() -> None:
    sender = FakeSender(always(reply(429, {"message": "slow down"})))
    asyncio.run(prober(sender, concurrency=4).sweep([gateway_route(f"m{number}") for number in range(12)]))
    assert len(sender.sent) == 12


def test_retry_after_is_honoured_by_the_next_probe_of_that_model() -> None:
    answers = iter([reply(429, {"message": "slow"}, **{"retry-after": "7"}), reply(), reply()])
    made = prober(FakeSender(lambda _request: next(answers)))
    clock = made.clock
    assert isinstance(clock, FakeClock)

    async def sleep(seconds: float) -> None:
        clock.move(seconds)

    made.sleep = sleep
    asyncio.run(made.sweep([gateway_route("throttled")]))
    before_s = clock.monotonic()
    asyncio.run(made.sweep([gateway_route("another")]))
    assert clock.monotonic() - before_s < 1
    asyncio.run(made.sweep([gateway_route("throttled")]))
    assert clock.monotonic() - before_s >= 6.9


def test_nothing_is_begun_after_the_time_of_the_whole_probe() -> None:
    sender = FakeSender(always(reply()))
    made = prober(sender, concurrency=1)
    clock = made.clock
    assert isinstance(clock, FakeClock)

    def slow(_request: HttpRequest) -> HttpAnswer:
        clock.move(20.0)
        return reply()

    made.sender = FakeSender(slow)
    routes = [gateway_route(f"m{number}") for number in range(4)]
    report = asyncio.run(made.sweep(routes, budget_s=30.0))
    assert sorted(result.health for result in report.results) == [Health.HEALTHY] * 2 + [Health.UNKNOWN] * 2
    unknown = [result for result in report.results if result.health is Health.UNKNOWN]
    assert all("time for this probe" in result.message for result in unknown)


def test_a_request_is_cut_to_the_time_that_is_left() -> None:
    sender = FakeSender(always(reply()))
    asyncio.run(prober(sender).sweep([gateway_route()], budget_s=4.0))
    assert sender.sent[0].total_s == 4.0


def test_with_the_days_tokens_used_up_hosts_are_checked_and_models_are_unknown() -> None:
    meter = Meter(clock=FakeClock(), daily_tokens=10)
    sender = FakeSender(always(reply()))
    made = prober(sender, meter=meter)
    assert asyncio.run(made.sweep([gateway_route()])).results[0].health is Health.HEALTHY
    report = asyncio.run(made.sweep([gateway_route()]))
    (result,) = report.results
    assert (result.health, len(sender.sent), report.requests_sent) == (Health.UNKNOWN, 1, 0)
    assert [rung.outcome for rung in result.rungs[:4]] == [RungOutcome.PASSED] * 3 + [RungOutcome.NOT_STARTED]
    assert report.budget in result.message + "."


def test_a_dead_host_is_down_even_with_the_days_tokens_used_up() -> None:
    meter = Meter(clock=FakeClock(), daily_tokens=1)
    meter.count("m", Tokens(input=1, output=1))
    gone = "https://5.ai-gateway.cloud.databricks.com"
    made = prober(FakeSender(always(reply())), FakeChecker({gone: NO_NAME}), meter=meter)
    report = asyncio.run(made.sweep([gateway_route(base_url=f"{gone}/mlflow/v1")]))
    assert report.results[0].diagnosis is Diagnosis.DNS_FAILED


def test_an_answer_that_does_not_say_what_it_cost_counts_against_the_budget() -> None:
    meter = Meter(clock=FakeClock())
    unsaid = {key: value for key, value in CHAT_OK.items() if key != "usage"}
    report = asyncio.run(prober(FakeSender(always(reply(200, unsaid))), meter=meter).sweep([gateway_route()]))
    assert meter.today.total_tokens > 16
    assert report.tokens == Tokens(input=0, output=0)


def test_money_is_in_the_report_where_prices_are_known() -> None:
    meter = Meter(clock=FakeClock(), prices={"m": Price(input=1_000_000, output=1_000_000)})
    report = asyncio.run(prober(FakeSender(always(reply())), meter=meter).sweep([gateway_route()]))
    assert report.cost == 10.0


def elsewhere(request: HttpRequest) -> HttpAnswer:
    return reply() if "known-good" in (request.body or b"").decode() else NOT_FOUND


CATALOGUE = ModelCatalogue(
    models=tuple(
        Model(id=name, spellings=(f"databricks-{name}",), family="claude", agents=tuple(AgentId))
        for name in ("claude-known-good", "claude-opus-4-6")
    ),
    sources=(ListingResult(source="listing", outcome=ListingOutcome.OK, count=2, detail=""),),
)


def test_a_confirmed_failure_is_explained_by_follow_up_requests_that_routes_share() -> None:
    sender = FakeSender(elsewhere)
    facts = Facts(catalogue=CATALOGUE, workspace_origin=HOME)
    report = asyncio.run(prober(sender).sweep([PRIMARY, COPILOT], explain_with=facts))
    assert [result.health for result in report.results] == [Health.DOWN, Health.DOWN]
    assert all(result.findings for result in report.results)
    follow_ups = [request.body for request in sender.sent if b"opus" not in (request.body or b"")]
    assert len(follow_ups) == len(set(follow_ups))
    assert report.requests_sent == len(sender.sent)


def test_nothing_is_explained_unless_it_is_asked_for() -> None:
    report, sender = sweep([PRIMARY], elsewhere)
    assert (report.results[0].findings, len(sender.sent)) == ((), 2)


def test_no_follow_up_is_sent_after_a_hang() -> None:
    sender = FakeSender(always(failure(FailureKind.TIMEOUT)))
    facts = Facts(catalogue=CATALOGUE, workspace_origin=HOME)
    asyncio.run(prober(sender).sweep([PRIMARY], explain_with=facts))
    assert len(sender.sent) == 1


def test_a_follow_up_that_hangs_ends_the_asking() -> None:
    def hangs_elsewhere(request: HttpRequest) -> HttpAnswer | HttpFailure:
        own = json.loads(request.body or b"").get("model") == PRIMARY.model and "chat" in request.url
        return NOT_FOUND if own else failure(FailureKind.TIMEOUT)

    sender = FakeSender(hangs_elsewhere)
    facts = Facts(catalogue=CATALOGUE, workspace_origin=HOME)
    asyncio.run(prober(sender).sweep([PRIMARY], explain_with=facts))
    assert len(sender.sent) <= 3


class HangingSender(FakeSender):
    """Never answer, and remember who was sent away."""

    cancelled = 0

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        self.sent.append(request)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return reply()


def test_cancelling_a_sweep_cancels_its_requests_and_the_next_one_works() -> None:
    async def work() -> None:
        hanging = HangingSender(always(reply()))
        made = prober(hanging, concurrency=2)
        routes = [gateway_route(f"m{number}") for number in range(5)]
        running = asyncio.create_task(made.sweep(routes))
        while len(hanging.sent) < 2:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (hanging.cancelled, len(hanging.sent)) == (2, 2)
        assert {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} == set()
        made.sender = FakeSender(always(reply()))
        report = await made.sweep(routes)
        assert {result.health for result in report.results} == {Health.HEALTHY}

    asyncio.run(work())


def test_who_was_slow_the_last_time_begins_first() -> None:
    def late(request: HttpRequest) -> HttpAnswer:
        slow = b'"slow"' in (request.body or b"")
        return replace(reply(), elapsed_ms=4000.0 if slow else 5.0)

    sender = FakeSender(late)
    made = prober(sender, concurrency=1)
    routes = [gateway_route("quick"), gateway_route("slow")]
    asyncio.run(made.sweep(routes))
    report = asyncio.run(made.sweep(routes))
    assert b'"slow"' in (sender.sent[2].body or b"")
    assert [result.route.model for result in report.results] == ["quick", "slow"]


def test_a_faithful_sweep_sends_what_the_agent_sends() -> None:
    sender = FakeSender(always(reply()))
    report = asyncio.run(prober(sender).sweep([gateway_route()], depth=Depth.FAITHFUL))
    assert (json.loads(sender.sent[0].body or b"")["stream"], report.results[0].depth) == (True, Depth.FAITHFUL)


def test_a_fault_of_our_own_is_unknown_and_never_healthy() -> None:
    def broken(_request: HttpRequest) -> HttpAnswer:
        raise RuntimeError("bug")

    report, _ = sweep([PRIMARY], broken)
    assert (report.results[0].health, report.results[0].diagnosis) == (Health.UNKNOWN, Diagnosis.UNCLASSIFIED)
