"""Probe many routes at once: each distinct request once, each host once, results as they land."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from core.errors import SwitchyardError
from core.model.probe import Depth, ProbeResult, Tokens
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import Clock, Credentials, HostCheck, HostChecker, HttpSender
from core.probe.budget import ONE_SHOT_BUDGET_S, deadline_in
from core.probe.explain import Facts
from core.probe.ladder import keeps_everything_out
from core.probe.meter import Meter
from core.probe.pace import Pace
from core.probe.running import Running, SlowRoute

# The first requests of a large sweep are spread a little, so that a host does not see them in one instant.
_SPREAD_S = 0.005
_SPREAD_FROM = 33

OnResult = Callable[[ProbeResult], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """All verdicts of a sweep in the order of the routes, and what it took.

    `offline` is one sentence when the workspace itself could not be connected to: then every route is unknown.
    `budget` is one sentence when the day's tokens are used up. `cost` is None where no price is known.
    """

    # Not in the repr: asyncio.run makes one of what it returns (3.11), a third of the CPU of a large sweep.
    results: tuple[ProbeResult, ...] = field(repr=False)
    requests_sent: int
    tokens: Tokens
    duration_ms: float
    offline: str | None = None
    budget: str | None = None
    cost: float | None = None


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
    meter: Meter | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    # What one sweep teaches the next: who answered slowly, who asked for a pause, who refuses our tag header.
    slow: set[SlowRoute] = field(default_factory=set)
    pauses: dict[tuple[str, str], float] = field(default_factory=dict)
    untagged: set[str] = field(default_factory=set)

    async def sweep(
        self,
        routes: Sequence[Route],
        on_result: OnResult = lambda result: None,
        *,
        depth: Depth = Depth.REACH,
        explain_with: Facts | None = None,
        budget_s: float | None = None,
    ) -> SweepReport:
        """Probe all routes and return their verdicts; `on_result` hears of each as it lands.

        With `explain_with` failures are explained by follow-up requests. After `budget_s` nothing is begun any more.
        Cancelling it cancels its requests; the connections stay usable.
        """
        started = self.clock.monotonic()
        run = await self._begun(routes, depth, explain_with, budget_s)
        meter = run.meter
        try:
            home = await run.host_check(self.workspace_origin)
            offline = self._offline(home)
            results = await self._results(run, routes, on_result, home if offline else None)
        finally:
            await run.close()
            await meter.settle()
        spent = run.tally.today
        return SweepReport(
            results=results,
            requests_sent=spent.requests,
            tokens=spent.tokens,
            duration_ms=round((self.clock.monotonic() - started) * 1000, 1),
            offline=offline,
            budget=meter.exhausted(),
            cost=spent.cost(meter.prices) if meter.prices else None,
        )

    async def _begun(
        self, routes: Sequence[Route], depth: Depth, facts: Facts | None, budget_s: float | None
    ) -> Running:
        deadline = deadline_in(self.clock, budget_s) if budget_s is not None else None
        meter = self.meter or Meter(clock=self.clock)
        await meter.settle()
        return Running(
            sender=self.sender,
            checker=self.checker,
            clock=self.clock,
            sleep=self.sleep,
            confirm_delay_s=self.confirm_delay_s,
            pace=self._pace(spread_s=_SPREAD_S if len(routes) >= _SPREAD_FROM else 0.0),
            meter=meter,
            tally=Meter(clock=self.clock, prices=meter.prices),
            depth=depth,
            deadline=deadline,
            facts=facts,
            slow=self.slow,
            untagged=self.untagged,
            dashboard_token=await self._dashboard_token(routes),
            routes=routes,
        )

    async def _results(
        self, run: Running, routes: Sequence[Route], on_result: OnResult, closed: HostCheck | None
    ) -> tuple[ProbeResult, ...]:
        if closed is not None:
            results = tuple(run.offline_result(route, closed) for route in routes)
            for result in results:
                on_result(result)
            return results
        # Who was slow last time begins first, so that the sweep does not end with a wait for it.
        order = sorted(range(len(routes)), key=lambda place: not run.was_slow(routes[place]))
        landed = await asyncio.gather(*(run.probe(routes[place], on_result) for place in order))
        by_place = dict(zip(order, landed, strict=True))
        return tuple(by_place[place] for place in range(len(routes)))

    def _pace(self, *, spread_s: float) -> Pace:
        return Pace(
            at_once=self.concurrency,
            now=self.clock.monotonic,
            spread=lambda: random.uniform(0.0, spread_s),
            sleep=self.sleep,
            pauses=self.pauses,
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


__all__ = ["ONE_SHOT_BUDGET_S", "OnResult", "Prober", "SweepReport"]
