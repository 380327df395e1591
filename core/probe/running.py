"""One sweep while it runs: which hosts were checked, which requests are under way, what they taught."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from core.health.one_shot import wants_confirmation
from core.model.agent import Dialect
from core.model.explanation import Explanation
from core.model.probe import Depth, Diagnosis, ProbeResult, Rung, Tokens
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import (
    Clock,
    FailureKind,
    HostCheck,
    HostChecker,
    HttpAnswer,
    HttpFailure,
    HttpRequest,
    HttpSender,
)
from core.probe.budget import ONE_SHOT_BUDGET_S, Deadline, deadline_in
from core.probe.composing import Composer, Exchange, without_token
from core.probe.depths import as_compared, wants_comparison
from core.probe.explain import MAX_QUESTIONS, Facts, depth_of_questions, explain
from core.probe.judge import Verdict, judge
from core.probe.ladder import verdict_on_host
from core.probe.meter import Meter
from core.probe.pace import SLOW_AFTER_S, Pace, retry_after_s
from core.probe.request import RequestKey, build_request, key_of, origin_of, rejects_tags, without_tags

log = logging.getLogger(__name__)

_CONFIRM_JITTER = 0.25
_THROTTLED = 429
# Where a 2xx does not say what it cost, a budget must rather count too much: four bytes a token, and the reach cap.
_BYTES_PER_TOKEN = 4
_ASSUMED_OUTPUT = 16
_NO_TOKENS = Tokens()
_SUCCESS = range(200, 300)

SlowRoute = tuple[str, Dialect, str, Identity]


@dataclass(frozen=True, slots=True)
class _Sent:
    """One request that was sent: how it ended, what that means, and when its turn began."""

    outcome: HttpAnswer | HttpFailure
    verdict: Verdict
    began_at: float


@dataclass(kw_only=True, eq=False)
class Running:
    """The memory of one sweep; everything it starts is ended by `close`.

    `slow` and `untagged` outlive it: what one sweep teaches the next. `tally` counts this sweep alone.
    """

    sender: HttpSender
    checker: HostChecker
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    confirm_delay_s: float
    pace: Pace
    meter: Meter
    tally: Meter
    depth: Depth
    deadline: Deadline | None
    facts: Facts | None
    slow: set[SlowRoute]
    untagged: set[str]
    dashboard_token: Secret | None
    routes: Sequence[Route]

    def __post_init__(self) -> None:
        tokens = (self.dashboard_token, *(route.token for route in self.routes))
        secrets = tuple({token for token in tokens if token is not None})
        self._composer = Composer(clock=self.clock, secrets=secrets, depth=self.depth)
        self._slow_before = frozenset(self.slow)
        self._hosts: dict[str, asyncio.Task[HostCheck]] = {}
        self._firsts: dict[RequestKey, asyncio.Task[Exchange]] = {}
        self._seconds: dict[RequestKey, asyncio.Task[Exchange]] = {}
        self._known_good: list[Route] = []

    async def close(self) -> None:
        """Cancel what is still under way and wait until it has let go of its connections."""
        tasks = [*self._hosts.values(), *self._firsts.values(), *self._seconds.values()]
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)

    async def host_check(self, origin: str) -> HostCheck:
        """Return the one check of this host in this sweep."""
        if origin not in self._hosts:
            self._hosts[origin] = asyncio.create_task(self.checker.check(origin))
        return await self._hosts[origin]

    def was_slow(self, route: Route) -> bool:
        """Say whether this route took long in an earlier sweep."""
        return _slow_key(route) in self._slow_before

    async def probe(self, route: Route, on_result: Callable[[ProbeResult], None]) -> ProbeResult:
        """Return the verdict on one route; anything unforeseen is a verdict too."""
        token = self._token_of(route)
        if token is None:
            result = self._composer.without_credential(route)
        else:
            try:
                result = await self._with_credential(route, token)
            except Exception as exc:
                # The probe's own edge: a fault of ours must not end the sweep, and says nothing about the route.
                log.exception("probe of %s %s failed", route.agent, route.slot)
                result = self._composer.own_fault(route, exc)
        on_result(result)
        return result

    def _token_of(self, route: Route) -> Secret | None:
        return self.dashboard_token if route.identity is Identity.DASHBOARD else route.token

    async def _with_credential(self, route: Route, token: Secret) -> ProbeResult:
        exchange = await self._asked(route, token, self.depth, confirm=True)
        if exchange.verdict.diagnosis is Diagnosis.OK:
            self._known_good.append(without_token(route))
            return self._composer.result(route, exchange)
        result = self._composer.result(route, exchange, await self._explained(route, exchange))
        if self.depth is Depth.REACH or self.facts is None or not wants_comparison(result):
            return result
        return await self._compared(route, token, exchange, result)

    async def _compared(self, route: Route, token: Secret, exchange: Exchange, faithful: ProbeResult) -> ProbeResult:
        """Ask the same route a short question, to tell a model that fails from a request that it does not take."""
        if len(faithful.findings) >= MAX_QUESTIONS or not self._until(exchange).allows():
            return faithful
        short = await self._asked(route, token, Depth.REACH, confirm=False)
        if short.withheld is not None:
            return faithful
        reach = replace(self._composer, depth=Depth.REACH).result(route, short)
        return as_compared(reach, faithful)

    async def _asked(self, route: Route, token: Secret, depth: Depth, *, confirm: bool) -> Exchange:
        """Return the exchange of this request, which all routes that need it share."""
        request = build_request(route, depth, token)
        key = key_of(request)
        if key not in self._firsts:
            self._firsts[key] = asyncio.create_task(self._ask(route, request, depth))
        exchange = await self._firsts[key]
        if confirm and self._wants_second(exchange):
            if key not in self._seconds:
                self._seconds[key] = asyncio.create_task(self._confirm(route, exchange, depth))
            exchange = await self._seconds[key]
        return exchange

    async def _ask(self, route: Route, request: HttpRequest, depth: Depth) -> Exchange:
        origin = origin_of(request.url)
        check = await self.host_check(origin)
        closed = verdict_on_host(check)
        if closed is not None and check.failure is not None:
            return Exchange(request=request, outcome=check.failure, check=check, verdict=closed, attempts=0)
        sent = self.meter.exhausted() or await self._send(route, request, origin, depth)
        if isinstance(sent, str):
            return _withheld(request, check, sent)
        return Exchange(
            request=request, outcome=sent.outcome, check=check, verdict=sent.verdict, began_at=sent.began_at
        )

    async def _send(
        self, route: Route, request: HttpRequest, origin: str, depth: Depth, *, until: Deadline | None = None
    ) -> _Sent | str:
        """Send in turn, judge, and count what it cost; a sentence says why it was not sent."""
        until = until or self.deadline
        if until is not None and not until.allows(self.pace.wait_s(origin, route.model)):
            return "the time for this probe is used up"
        if origin in self.untagged:
            request = without_tags(request)
        turn = await self.pace.begin(origin, route.model, is_slow=self.was_slow(route))
        try:
            if until is not None and not until.allows():
                return "the time for this probe is used up"
            began_at = self.clock.monotonic()
            outcome = await self.sender.send(request if until is None else until.within(request))
        finally:
            turn.end()
        self._learn(route, origin, outcome)
        verdict = judge(route, outcome, depth)
        if not verdict.refused_to_send:
            self._count(route, request, verdict)
        if rejects_tags(request, outcome):
            self.untagged.add(origin)
            return await self._send(route, request, origin, depth, until=until)
        return _Sent(outcome, verdict, began_at)

    def _learn(self, route: Route, origin: str, outcome: HttpAnswer | HttpFailure) -> None:
        if outcome.elapsed_ms > SLOW_AFTER_S * 1000:
            self.slow.add(_slow_key(route))
        else:
            self.slow.discard(_slow_key(route))
        if isinstance(outcome, HttpAnswer) and outcome.status == _THROTTLED:
            self.pace.slow_down(origin, route.model, retry_after_s(outcome.headers.get("retry-after")))

    def _count(self, route: Route, request: HttpRequest, verdict: Verdict) -> None:
        tokens = verdict.tokens
        if tokens == _NO_TOKENS and verdict.status in _SUCCESS:
            tokens = Tokens(input=len(request.body or b"") // _BYTES_PER_TOKEN, output=_ASSUMED_OUTPUT)
        self.meter.count(route.model, tokens)
        self.tally.count(route.model, verdict.tokens)

    def _wants_second(self, exchange: Exchange) -> bool:
        verdict = exchange.verdict
        if exchange.attempts == 0 or verdict.refused_to_send or not wants_confirmation(verdict.diagnosis):
            return False
        return self._until(exchange).allows(self.confirm_delay_s)

    def _until(self, exchange: Exchange) -> Deadline:
        """Return when everything about this exchange must be over: its confirmation and what explains it."""
        ends_at = exchange.began_at + ONE_SHOT_BUDGET_S
        return deadline_in(self.clock, ends_at - self.clock.monotonic(), no_later_than=self.deadline)

    async def _confirm(self, route: Route, first: Exchange, depth: Depth) -> Exchange:
        """Ask once more before a failure that looks final counts (rule R3)."""
        until = self._until(first)
        await self.sleep(self.confirm_delay_s * random.uniform(1.0, 1.0 + _CONFIRM_JITTER))
        sent = await self._send(route, first.request, origin_of(first.request.url), depth, until=until)
        if isinstance(sent, str):
            return first
        return replace(first, outcome=sent.outcome, verdict=sent.verdict, attempts=2)

    async def _explained(self, route: Route, exchange: Exchange) -> Explanation | None:
        """Ask on until the cause stands; never after a hang, and only what was confirmed."""
        verdict = exchange.verdict
        is_confirmed = exchange.attempts > 1 or not wants_confirmation(verdict.diagnosis)
        if self.facts is None or not is_confirmed:
            return None
        depth = depth_of_questions(verdict, self.depth)
        steps = explain(route, verdict, replace(self.facts, known_good=tuple(self._known_good)), depth=depth)
        try:
            follow_up = next(steps)
            for _ in range(MAX_QUESTIONS):
                answer = await self._follow_up(follow_up, depth, self._until(exchange))
                if answer is None:
                    return None
                follow_up = steps.send(answer)
                if answer.diagnosis is Diagnosis.TIMED_OUT:
                    return None
        except StopIteration as end:
            found: Explanation | None = end.value
            return found
        finally:
            steps.close()
        return None

    async def _follow_up(self, route: Route, depth: Depth, until: Deadline) -> Verdict | None:
        """Return how a follow-up route answered, None when there is no time for it."""
        token = self._token_of(route)
        if token is None:
            return Verdict(diagnosis=Diagnosis.CREDENTIAL_MISSING, rung=Rung.AUTH, refused_to_send=True)
        if not until.allows():
            return None
        exchange = await self._asked(route, token, depth, confirm=False)
        if exchange.withheld is not None:
            return None
        # What answers a short question only is no proof for a sweep that asks for more.
        if depth is self.depth and exchange.verdict.diagnosis is Diagnosis.OK:
            self._known_good.append(without_token(route))
        return exchange.verdict

    def offline_result(self, route: Route, home: HostCheck) -> ProbeResult:
        """Return unknown for a route while the dashboard itself is offline (rule R8)."""
        failure = home.failure or HttpFailure(kind=FailureKind.CONNECT, detail="", elapsed_ms=0.0)
        verdict = verdict_on_host(home) or judge(route, failure)
        request = build_request(route, self.depth, None)
        exchange = Exchange(request=request, outcome=failure, check=home, verdict=verdict, attempts=0)
        return self._composer.offline(route, exchange)


def _slow_key(route: Route) -> SlowRoute:
    return (route.base_url, route.dialect, route.model, route.identity)


def _withheld(request: HttpRequest, check: HostCheck, why: str) -> Exchange:
    return Exchange(
        request=request,
        outcome=HttpFailure(kind=FailureKind.REFUSED, detail=why, elapsed_ms=0.0),
        check=check,
        verdict=Verdict(diagnosis=Diagnosis.UNCLASSIFIED, rung=Rung.DNS, said=why, refused_to_send=True),
        attempts=0,
        withheld=why,
    )
