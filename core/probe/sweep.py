"""Probe many routes at once: each distinct request once, each host once, results as they land."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.catalog.redact import redact
from core.errors import SwitchyardError
from core.health.one_shot import health_of, wants_confirmation
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, Tokens
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import (
    Clock,
    Credentials,
    FailureKind,
    HostCheck,
    HostChecker,
    HttpAnswer,
    HttpFailure,
    HttpRequest,
    HttpSender,
)
from core.probe.judge import Verdict, judge
from core.probe.ladder import keeps_everything_out, rungs_of, verdict_on_host
from core.probe.request import RequestKey, build_request, key_of, origin_of, route_url
from core.probe.verdict_text import describe, evidence_of

log = logging.getLogger(__name__)

ONE_SHOT_BUDGET_S = 28.0
_MIN_SEND_S = 1.0

OnResult = Callable[[ProbeResult], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """All verdicts of a sweep in the order of the routes, and what it took.

    `offline` is one sentence when the workspace itself could not be connected to: then every route is unknown.
    """

    results: tuple[ProbeResult, ...]
    requests_sent: int
    tokens: Tokens
    duration_ms: float
    offline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    request: HttpRequest
    outcome: HttpAnswer | HttpFailure
    check: HostCheck
    attempts: int


@dataclass(kw_only=True)
class Prober:
    """Probe routes through the given ports; one Prober may run many sweeps, its connections stay warm."""

    sender: HttpSender
    checker: HostChecker
    credentials: Credentials
    clock: Clock
    workspace_origin: str
    concurrency: int = 16
    confirm_delay_s: float = 2.0

    async def sweep(self, routes: Sequence[Route], on_result: OnResult = lambda result: None) -> SweepReport:
        """Probe all routes and return their verdicts; `on_result` hears of each as it lands."""
        run = _Sweep(self, routes, await self._dashboard_token(routes))
        started = self.clock.monotonic()
        home = await run.host_check(self.workspace_origin)
        offline = self._offline(home)
        if offline:
            results = tuple(run.offline_result(route, home) for route in routes)
            for result in results:
                on_result(result)
        else:
            results = tuple(await asyncio.gather(*(run.probe(route, on_result) for route in routes)))
        return SweepReport(
            results=results,
            requests_sent=run.requests_sent,
            tokens=Tokens(input=run.input_tokens, output=run.output_tokens),
            duration_ms=round((self.clock.monotonic() - started) * 1000, 1),
            offline=offline,
        )

    async def check_workspace(self) -> str | None:
        """Return why the workspace cannot be connected to, None when it can; sends no request."""
        return self._offline(await self.checker.check(self.workspace_origin))

    def _offline(self, home: HostCheck) -> str | None:
        if not keeps_everything_out(home) or home.failure is None:
            return None
        return f"The workspace {self.workspace_origin} cannot be reached from here: {home.failure.detail}"

    async def _dashboard_token(self, routes: Sequence[Route]) -> Secret | None:
        """Fetch the dashboard's token once; without one the routes that need it become unknown, not the sweep."""
        if not any(route.identity is Identity.DASHBOARD for route in routes):
            return None
        try:
            return await asyncio.to_thread(self.credentials.token)
        except SwitchyardError:
            return None


class _Sweep:
    """The memory of one sweep: which hosts were checked and which requests are under way."""

    def __init__(self, prober: Prober, routes: Sequence[Route], dashboard_token: Secret | None) -> None:
        self._prober = prober
        tokens = (dashboard_token, *(route.token for route in routes))
        self._secrets = tuple({token for token in tokens if token is not None})
        self._dashboard_token = dashboard_token
        self._hosts: dict[str, asyncio.Task[HostCheck]] = {}
        self._exchanges: dict[RequestKey, asyncio.Task[_Exchange]] = {}
        self._slots = asyncio.Semaphore(prober.concurrency)
        self.requests_sent = 0
        self.input_tokens = 0
        self.output_tokens = 0

    async def host_check(self, origin: str) -> HostCheck:
        """Return the one check of this host in this sweep."""
        if origin not in self._hosts:
            self._hosts[origin] = asyncio.create_task(self._prober.checker.check(origin))
        return await self._hosts[origin]

    async def probe(self, route: Route, on_result: OnResult) -> ProbeResult:
        """Return the verdict on one route; anything unforeseen is a verdict too."""
        token = self._dashboard_token if route.identity is Identity.DASHBOARD else route.token
        if token is None:
            result = self._without_credential(route)
        else:
            try:
                result = await self._with_credential(route, token)
            except Exception as exc:
                # The probe's own edge: a fault of ours must not end the sweep, and says nothing about the route.
                log.exception("probe of %s %s failed", route.agent, route.slot)
                result = self._own_fault(route, exc)
        on_result(result)
        return result

    async def _with_credential(self, route: Route, token: Secret) -> ProbeResult:
        request = build_request(route, Depth.REACH, token)
        key = key_of(request)
        if key not in self._exchanges:
            self._exchanges[key] = asyncio.create_task(self._ask(route, request))
        return self._result(route, await self._exchanges[key])

    async def _ask(self, route: Route, request: HttpRequest) -> _Exchange:
        """Send a request, and once more when its failure looks final, all within the one-shot budget."""
        check = await self.host_check(origin_of(request.url))
        if check.failure is not None:
            return _Exchange(request=request, outcome=check.failure, check=check, attempts=0)
        started = self._prober.clock.monotonic()
        outcome = await self._send(request)
        verdict = self._judged(route, outcome)
        left_s = ONE_SHOT_BUDGET_S - (self._prober.clock.monotonic() - started) - self._prober.confirm_delay_s
        refused = isinstance(outcome, HttpFailure) and outcome.kind is FailureKind.REFUSED
        if refused or not wants_confirmation(verdict.diagnosis) or left_s < _MIN_SEND_S:
            return _Exchange(request=request, outcome=outcome, check=check, attempts=1)
        await asyncio.sleep(self._prober.confirm_delay_s)
        outcome = await self._send(replace(request, total_s=min(request.total_s, left_s)))
        self._judged(route, outcome)
        return _Exchange(request=request, outcome=outcome, check=check, attempts=2)

    async def _send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        async with self._slots:
            outcome = await self._prober.sender.send(request)
        if not (isinstance(outcome, HttpFailure) and outcome.kind is FailureKind.REFUSED):
            self.requests_sent += 1
        return outcome

    def _judged(self, route: Route, outcome: HttpAnswer | HttpFailure) -> Verdict:
        """Judge an exchange and count what it cost, once however many routes share it."""
        verdict = judge(route, outcome)
        self.input_tokens += verdict.tokens.input or 0
        self.output_tokens += verdict.tokens.output or 0
        return verdict

    def _result(self, route: Route, exchange: _Exchange) -> ProbeResult:
        verdict = verdict_on_host(exchange.check) or judge(route, exchange.outcome)
        health = Health.UNKNOWN if verdict.refused_to_send else health_of(verdict.diagnosis)
        return self._compose(route, exchange, verdict, health)

    def _compose(self, route: Route, exchange: _Exchange, verdict: Verdict, health: Health) -> ProbeResult:
        answer = exchange.outcome if isinstance(exchange.outcome, HttpAnswer) else None
        message, remedy = describe(route, verdict)
        return ProbeResult(
            route=replace(route, token=None),
            depth=Depth.REACH,
            health=health,
            rung=verdict.rung,
            rungs=rungs_of(
                verdict,
                exchange.check,
                secure=exchange.request.url.startswith("https:"),
                answered_ms=answer.first_byte_ms if answer else exchange.outcome.elapsed_ms,
            ),
            diagnosis=verdict.diagnosis,
            message=redact(message, self._secrets),
            remedy=remedy,
            url=exchange.request.url,
            checked_at=self._prober.clock.now(),
            http_status=verdict.status,
            answered_model=verdict.answered_model,
            latency_ms=answer.elapsed_ms if answer else None,
            tokens=verdict.tokens,
            evidence=evidence_of(exchange.request, exchange.outcome, verdict, self._secrets),
            attempts=exchange.attempts,
        )

    def _without_credential(self, route: Route) -> ProbeResult:
        """Nothing is sent without a credential, so nothing is known about the route."""
        whose = (
            "The dashboard has no working credential" if route.identity is Identity.DASHBOARD else "No token was given"
        )
        return self._not_asked(
            route,
            diagnosis=Diagnosis.CREDENTIAL_MISSING,
            rung=Rung.AUTH,
            message=f"{whose}, so nothing was sent",
            remedy="Set DATABRICKS_TOKEN, or a service principal's DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.",
        )

    def _own_fault(self, route: Route, exc: Exception) -> ProbeResult:
        return self._not_asked(
            route,
            diagnosis=Diagnosis.UNCLASSIFIED,
            rung=Rung.DNS,
            message=f"The probe failed inside Switchyard ({type(exc).__name__})",
            remedy="See the log of this process, and report it.",
        )

    def _not_asked(self, route: Route, *, diagnosis: Diagnosis, rung: Rung, message: str, remedy: str) -> ProbeResult:
        verdict = Verdict(diagnosis=diagnosis, rung=rung, refused_to_send=True)
        return ProbeResult(
            route=replace(route, token=None),
            depth=Depth.REACH,
            health=Health.UNKNOWN,
            rung=rung,
            rungs=rungs_of(verdict, HostCheck(), secure=True, answered_ms=None),
            diagnosis=diagnosis,
            message=message,
            remedy=remedy,
            url=route_url(route),
            checked_at=self._prober.clock.now(),
            attempts=0,
        )

    def offline_result(self, route: Route, home: HostCheck) -> ProbeResult:
        """Return unknown for a route while the dashboard itself is offline (rule R8)."""
        request = build_request(route, Depth.REACH, None)
        failure = home.failure or HttpFailure(kind=FailureKind.CONNECT, detail="", elapsed_ms=0.0)
        exchange = _Exchange(request=request, outcome=failure, check=home, attempts=0)
        verdict = verdict_on_host(home) or judge(route, failure)
        return self._compose(route, exchange, verdict, Health.UNKNOWN)
