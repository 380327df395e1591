"""Look at a workspace, from its name to a verdict on every route; the way that pages and command line share.

When to look is the monitor's decision, and what becomes of the verdicts over time the memory's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.adapters.usage_file import UsageFile
from core.choice.routes import routes_of
from core.detect.hosts import GATEWAY_SETTING
from core.detection import Detector
from core.landing import Asked, Key, Landing, Publish, key_of_route
from core.memory import Memory, forgetful
from core.model.agent import AgentId
from core.model.change import ChangeRequest
from core.model.check import route_id, without_token
from core.model.choice import AgentChoice, LintFinding
from core.model.gateway import Gateway
from core.model.override import Override
from core.model.probe import Depth, Health, ProbeResult
from core.model.route import Identity, Route
from core.model.snapshot import Progress, Snapshot
from core.placing import Placing
from core.ports import HttpSender
from core.probe.cadence import Kind, Look, Unsettled
from core.probe.explain import Facts
from core.probe.ladder import verdict_on_host
from core.probe.meter import Meter
from core.probe.monitor import HostsSeen
from core.probe.request import origin_of
from core.probe.sweep import Prober, SweepReport
from core.wiring import Wiring

SWEEP = Look(kind=Kind.REACH)

# As many connections as there may be requests under way: those in their turn and as many that answer slowly, of the
# monitor's sweep and of one that somebody asked for beside it. A wait inside the pool would look like a slow route.
_CONNECTIONS_PER_PLACE = 4


class Observer:
    """Detect, resolve and probe one workspace over warm connections; belongs to one event loop."""

    def __init__(self, wiring: Wiring, network: Network, sender: HttpSender, memory: Memory) -> None:
        self.wiring = wiring
        self.memory = memory
        self._sender = sender
        self._closed: frozenset[str] = frozenset()
        self._landed: dict[Route, ProbeResult] = {}
        # Kept up to date by whoever ends them in time.
        self.overrides: tuple[Override, ...] = ()
        self._meter = Meter(
            clock=wiring.clock,
            store=UsageFile(wiring.state_dir / "usage.json"),
            daily_tokens=wiring.settings.daily_tokens,
            prices=wiring.settings.prices,
        )
        self._prober = Prober(
            sender=sender,
            checker=SocketHostChecker(network, wiring.trusted.objection),
            credentials=wiring.credentials,
            clock=wiring.clock,
            workspace_origin=wiring.host.origin,
            concurrency=wiring.settings.concurrency,
            confirm_delay_s=wiring.settings.confirm_delay_s,
            meter=self._meter,
        )
        self._detector = Detector(wiring, sender)
        self._placing = Placing(wiring, self._detector)

    @property
    def leads(self) -> bool:
        """Say whether this process is the one that probes."""
        return self.memory.leads

    async def until_lost(self) -> None:
        """Return when this process may no longer probe."""
        await self.memory.until_lost()

    def unsettled(self) -> Unsettled:
        """Return the routes whose health is still being confirmed, by depth."""
        return self.memory.unsettled(route_id(route) for route in routes_of(self._detector.seen.choices))

    def refreshed(self, previous: Snapshot) -> Snapshot:
        """Return the picture with what is remembered as it is now, and what people's own probes brought."""
        landed, self._landed = self._landed, {}
        if landed:
            results = tuple(landed.get(result.route, result) for result in previous.results)
            previous = replace(previous, results=results)
        self.wiring.apps.ask()
        return self.memory.picture(self._placing.take(previous, self.overrides))

    def news(self) -> frozenset[str]:
        """Return the routes that became known beside the looks, and that nobody has asked yet; each is told once."""
        return self._placing.news()

    def _land(self, results: Iterable[ProbeResult], *, proved: bool = False) -> None:
        """Fold what was asked beside the sweeps, where it is about a route that the sweeps ask too."""
        watched = {without_token(route) for route in routes_of(self._detector.seen.choices)} if self.leads else set()
        for result in results:
            if result.route in watched:
                self._landed[result.route] = self.memory.take(result, proved=proved)

    async def recall(self, previous: Snapshot) -> Snapshot:
        """Return the picture with what is remembered from before."""
        kept = await self.memory.recall()
        return self.memory.picture(replace(previous, results=kept or previous.results))

    async def follow(self, previous: Snapshot, *, detect: bool) -> Snapshot:
        """Return the picture with what the process that probes has kept."""
        seen = await self._detected(previous) if detect else previous
        await self.memory.follow()
        shown = {key_of_route(route): route_id(route) for route in self._shown(seen)}
        results = self.memory.results(tuple(shown.values()))
        swept_at = max((result.checked_at for result in results), default=seen.swept_at)
        return self.memory.picture(replace(seen, results=results, swept_at=swept_at))

    async def look(self, previous: Snapshot, publish: Publish, look: Look = SWEEP) -> Snapshot:
        """Probe what this look is for, after detecting everything anew in a sweep; publish results as they land."""
        seen, _ = await self.sweep(previous, publish, look)
        return seen

    async def sweep(self, previous: Snapshot, publish: Publish, look: Look = SWEEP) -> tuple[Snapshot, SweepReport]:
        """Look once, and return what that took too; the report's verdicts are those of this look alone."""
        seen = previous
        if look.kind is Kind.REACH:
            publish(replace(previous, progress=Progress(running=True)))
            if not self.memory.has_recalled:
                # The database was down at the start; what it knows is better known late than never.
                await self.memory.recall()
            seen = await self._detected(previous)
        asked = self._asked(seen, look)
        with Landing(seen, asked, publish, self.memory) as landing:
            report = await self.probe(asked.routes, landing.take, depth=look.depth, explain=True)
        # What was changed and proved meanwhile is configured too, although this look began without it.
        present = frozenset(route_id(route) for route in (*asked.shown, *self._shown(self._detector.seen)))
        self.memory.end_round(present if look.only is None and not report.offline else None)
        results = landing.results if report.offline is None else _all_unknown(landing.results)
        seen = replace(seen, results=results, offline=report.offline, budget=report.budget, usage=self._meter.today)
        if not asked.quiet:
            self.memory.totals.sweep(report.duration_ms / 1000, self.wiring.clock.now())
            count = len(asked.routes)
            seen = replace(seen, swept_at=self.wiring.clock.now(), progress=Progress(done=count, total=count))
        return self.memory.picture(self._placing.take(seen, self.overrides)), report

    async def prove(self, results: Iterable[ProbeResult]) -> None:
        """Take up what verified a change: its routes need no second pass to be healthy (rule R4)."""
        await asyncio.to_thread(self._detector.choose_anew)
        self._land(results, proved=True)
        self.memory.end_round(None)

    async def probe_asked(
        self, routes: Sequence[Route], on_result: Callable[[ProbeResult], None], *, depth: Depth
    ) -> SweepReport:
        """Probe what somebody asked for; what the sweeps ask too counts for its health as well."""

        def take(result: ProbeResult) -> None:
            on_result(result)
            self._land((result,))

        report = await self.probe(routes, take, depth=depth, explain=True)
        self.memory.end_round(None)
        return report

    async def _detected(self, previous: Snapshot) -> Snapshot:
        """Detect and look at the places, but wait for no app: what is known of them is what was seen last."""
        self.wiring.apps.ask()
        seen, _ = await asyncio.gather(self.detect(), asyncio.to_thread(self._placing.look))
        return self._placing.take(self._carried(seen, previous), self.overrides)

    @staticmethod
    def _carried(seen: Snapshot, previous: Snapshot) -> Snapshot:
        """Return what was detected now with the verdicts of before."""
        return replace(
            previous,
            workspace=seen.workspace,
            identity=seen.identity,
            credential=seen.credential,
            gateway=seen.gateway,
            choices=seen.choices,
            catalogue=seen.catalogue,
            detected_at=seen.detected_at,
            offline=seen.offline,
            problem=seen.problem,
            budget=None,
            progress=Progress(running=True),
        )

    def _shown(self, seen: Snapshot) -> tuple[Route, ...]:
        return (*routes_of(seen.choices), *_paused_routes(seen.choices))

    def _asked(self, seen: Snapshot, look: Look) -> Asked:
        """Return the routes of one look; those of paused agents are seldom asked, but always shown."""
        live, paused = routes_of(seen.choices), _paused_routes(seen.choices)
        withheld = self._placing.withhold(seen.choices)
        asked = tuple(route for route in live if route.agent not in withheld)
        if look.with_paused:
            asked = (*asked, *paused)
        if look.only is not None:
            asked = tuple(route for route in live if route_id(route) in look.only)
        return Asked(
            shown=(*live, *paused),
            routes=asked,
            paused=frozenset(key_of_route(route) for route in paused),
            quiet=look.only is not None,
            beside=_out_of_sight(seen, {key_of_route(route) for route in (*live, *paused)}),
        )

    async def check_hosts(self, previous: Snapshot) -> HostsSeen:
        """Check every host of the routes: the workspace may be gone, and other hosts gone or back."""
        home = self.unreachable()
        routes = routes_of(previous.choices)
        origins = tuple(dict.fromkeys(origin_of(route.base_url) for route in routes))
        offline, *checks = await asyncio.gather(home, *(self._is_closed(origin) for origin in origins))
        if offline:
            return HostsSeen(offline=True)
        closed = frozenset(origin for origin, is_closed in zip(origins, checks, strict=True) if is_closed)
        news, self._closed = closed | (self._closed - closed), closed
        return HostsSeen(routes=frozenset(route_id(route) for route in routes if origin_of(route.base_url) in news))

    async def _is_closed(self, origin: str) -> bool:
        verdict = verdict_on_host(await self._prober.checker.check(origin))
        # Where no token may go nobody asks, which is no news.
        return verdict is not None and not verdict.refused_to_send

    async def unreachable(self) -> str | None:
        """Return why the workspace cannot be connected to, None when it can."""
        return await self._prober.check_workspace()

    async def detect(self) -> Snapshot:
        """Find out what the workspace is, who we are in it, which gateway it has and what the agents run."""
        return await self._detector.detect(await self.unreachable())

    async def look_at_places(self) -> None:
        """Look at the places on this machine again; the next picture shows them."""
        await asyncio.to_thread(self._placing.look)

    async def see_apps(self, timeout_s: float) -> Snapshot:
        """Wait for the apps to be looked at, but not for longer than this; return what was detected, with them."""
        await asyncio.to_thread(self.wiring.apps.wait, timeout_s)
        await asyncio.to_thread(self._placing.look)
        await asyncio.to_thread(self._detector.choose_anew)
        return self._placing.take(self._detector.seen, self.overrides)

    def choice_of(self, agent: AgentId, target: str | None = None) -> AgentChoice:
        """Return what an agent runs at this moment, its own config read anew, or what it runs in the app of a target.

        Raises ChangeError when that app cannot be read.
        """
        app = self.wiring.apps.look_again(target) if target is not None else None
        return self._detector.choice_of(agent) if app is None else self._detector.choice_in_app(agent, app)

    async def gateway_for(self, request: ChangeRequest) -> Gateway | None:
        """Return the gateway that a request leads to: what it names, else that of its app, else the dashboard's own.

        Raises ChangeError when the app cannot be read, ConfigurationError for a URL that may not be a gateway.
        """
        if GATEWAY_SETTING in request.slots:
            return await self._detector.gateway_for(request.slots[GATEWAY_SETTING])
        apps = self.wiring.apps
        app = apps.seen().app(request.target) or await asyncio.to_thread(apps.look_again, request.target)
        return self._detector.seen.gateway if app is None else self._detector.gateway_in_app(app)

    def lint(self, choice: AgentChoice) -> tuple[LintFinding, ...]:
        """Return what is or will be a problem with a choice."""
        return self._detector.lint(choice)

    async def probe(
        self,
        routes: Sequence[Route],
        on_result: Callable[[ProbeResult], None] = lambda result: None,
        *,
        depth: Depth = Depth.REACH,
        explain: bool = False,
        budget_s: float | None = None,
    ) -> SweepReport:
        """Probe these routes; see `Prober.sweep`."""
        facts = self._facts() if explain else None
        return await self._prober.sweep(routes, on_result, depth=depth, explain_with=facts, budget_s=budget_s)

    def _facts(self) -> Facts:
        seen = self._detector.seen
        who = seen.identity.name if seen.identity else None
        return Facts(
            catalogue=seen.catalogue,
            gateway=seen.gateway,
            choices=seen.choices,
            principals={Identity.DASHBOARD: who} if who else {},
            workspace_origin=self.wiring.host.origin,
        )


def _out_of_sight(seen: Snapshot, keys: set[Key]) -> tuple[ProbeResult, ...]:
    """Return what is remembered while the dashboard started offline: which routes there are, but not how they are."""
    if not seen.offline or seen.gateway is not None:
        return ()
    return tuple(
        replace(result, health=Health.UNKNOWN) for result in seen.results if key_of_route(result.route) not in keys
    )


def _all_unknown(results: Iterable[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Return what is known while nothing can be reached: a look at a few routes finds that out for all of them."""
    return tuple(replace(result, health=Health.UNKNOWN) for result in results)


def _paused_routes(choices: Iterable[AgentChoice]) -> tuple[Route, ...]:
    """Return the routes that agents would have if they were not switched off."""
    return routes_of(replace(choice, enabled=True) for choice in choices if not choice.enabled)


@asynccontextmanager
async def open_observer(wiring: Wiring, memory: Memory | None = None) -> AsyncIterator[Observer]:
    """Open connections for one event loop, and close them at the end; without a memory nothing is kept."""
    network = replace(wiring.network, address_rule=wiring.trusted.objection_to_connecting)
    connections = wiring.settings.concurrency * _CONNECTIONS_PER_PLACE
    async with open_sender(network, wiring.trusted.objection, connections=connections) as sender:
        yield Observer(wiring, network, sender, memory or forgetful(wiring.settings, wiring.clock))
