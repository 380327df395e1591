"""Look at a workspace once, from its name to a verdict on every route; the way that pages and command line share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.usage_file import UsageFile
from core.catalog.agents import AGENTS
from core.choice.layers import choose_agents
from core.choice.lint import lint_choice
from core.choice.routes import routes_of
from core.detect.flow import run_flow
from core.detect.gateway import resolve_gateway
from core.detect.identity import WhoAmI, who_am_i
from core.detect.listing import listing_flows
from core.detect.models import merge_models
from core.detect.trust import may_receive_bearer
from core.detect.workspace import HostMetadata, conclude_workspace, host_metadata, known_workspace_id
from core.errors import SwitchyardError
from core.model.agent import AgentId
from core.model.choice import AgentChoice, LintFinding
from core.model.models import ModelCatalogue
from core.model.probe import Depth, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Problem, Progress, Snapshot
from core.model.workspace import Workspace
from core.ports import HttpSender
from core.probe.explain import Facts
from core.probe.meter import Meter
from core.probe.sweep import Prober, SweepReport
from core.wiring import Wiring

Publish = Callable[[Snapshot], None]

# Watching pages refresh once a second, and nobody sees less than this.
_PUBLISH_EVERY_S = 0.1
# As many connections as there may be requests under way: those in their turn and as many that answer slowly, of the
# monitor's sweep and of one that somebody asked for beside it. A wait inside the pool would look like a slow route.
_CONNECTIONS_PER_PLACE = 4


def first_snapshot(wiring: Wiring) -> Snapshot:
    """Return what is known before anything was sent."""
    return Snapshot(
        scene=wiring.settings.scene,
        workspace=_workspace(wiring),
        credential=wiring.credentials.description,
    )


def _workspace(wiring: Wiring, metadata: HostMetadata | None = None, me: WhoAmI | None = None) -> Workspace:
    """Conclude the workspace from what was asked so far; its name alone says something already."""
    metadata, me = metadata or HostMetadata(), me or WhoAmI()
    return conclude_workspace(
        wiring.host,
        configured_id=_configured_id(wiring),
        metadata=metadata,
        org_id=me.org_id,
        org_answer=me.answer,
        simulated=wiring.settings.simulated or me.simulated,
        host_source="simulated scene" if wiring.settings.simulated else wiring.settings.host_source,
    )


def _configured_id(wiring: Wiring) -> str | None:
    """A simulated workspace has its own id; the environment's is that of a real one."""
    return None if wiring.settings.simulated else wiring.settings.workspace_id


class Observer:
    """Detect, resolve and probe one workspace over warm connections; belongs to one event loop."""

    def __init__(self, wiring: Wiring, sender: HttpSender) -> None:
        self.wiring = wiring
        self._sender = sender
        self._meter = Meter(
            clock=wiring.clock,
            store=UsageFile(wiring.database.with_name("usage.json")),
            daily_tokens=wiring.settings.daily_tokens,
            prices=wiring.settings.prices,
        )
        self._prober = Prober(
            sender=sender,
            checker=SocketHostChecker(wiring.network),
            credentials=wiring.credentials,
            clock=wiring.clock,
            workspace_origin=wiring.host.origin,
            concurrency=wiring.settings.concurrency,
            confirm_delay_s=wiring.settings.confirm_delay_s,
            meter=self._meter,
        )
        self._seen = first_snapshot(wiring)

    async def unreachable(self) -> str | None:
        """Return why the workspace cannot be connected to, None when it can."""
        return await self._prober.check_workspace()

    async def look(self, previous: Snapshot, publish: Publish) -> Snapshot:
        """Detect and probe everything once, publishing as results land."""
        publish(replace(previous, progress=Progress(running=True)))
        seen = replace(await self.detect(), results=previous.results, swept_at=previous.swept_at)
        seen = replace(seen, interval_s=previous.interval_s)
        routes = routes_of(seen.choices)
        with Landing(seen, routes, publish) as landing:
            report = await self.probe(routes, landing.take, explain=True)
        return replace(
            seen,
            results=report.results,
            offline=report.offline,
            budget=report.budget,
            usage=self._meter.today,
            swept_at=self.wiring.clock.now(),
            progress=Progress(done=len(routes), total=len(routes)),
        )

    async def detect(self) -> Snapshot:
        """Find out what the workspace is, who we are in it, which gateway it has and what the agents run."""
        wiring = self.wiring
        base = replace(first_snapshot(wiring), detected_at=wiring.clock.now())
        offline = await self.unreachable()
        if offline:
            self._seen = replace(self._seen, offline=offline, choices=self._choose(self._seen), problem=None)
            return self._seen
        token, problem = await self._token()
        metadata = await run_flow(host_metadata(wiring.host), self._sender, None)
        known_id = known_workspace_id(wiring.host, _configured_id(wiring), metadata)
        me = await run_flow(who_am_i(wiring.host, known_id), self._sender, token)
        workspace = _workspace(wiring, metadata, me)
        base = replace(base, workspace=workspace, identity=me.identity, problem=problem or me.problem)
        self._seen = await self._resolve(base, token)
        return self._seen

    async def _resolve(self, base: Snapshot, token: Secret | None) -> Snapshot:
        """Add the gateway, the models and the choices; the two listings do not wait for each other."""
        wiring, workspace = self.wiring, base.workspace or Workspace(host=self.wiring.host.origin)
        search = resolve_gateway(
            wiring.host,
            workspace,
            trust=wiring.trust,
            now=wiring.clock.now,
            explicit=wiring.gateway,
            disabled=wiring.settings.gateway_host == "",
        )
        gateway, catalogue = await asyncio.gather(
            run_flow(search, self._sender, token), self._list_models(workspace.workspace_id, token)
        )
        seen = replace(base, gateway=gateway, catalogue=catalogue)
        return replace(seen, choices=self._choose(seen))

    async def _list_models(self, workspace_id: str | None, token: Secret | None) -> ModelCatalogue:
        flows = listing_flows(self.wiring.host, workspace_id)
        return merge_models(await asyncio.gather(*(run_flow(flow, self._sender, token) for flow in flows)))

    async def _token(self) -> tuple[Secret | None, Problem | None]:
        try:
            return await asyncio.to_thread(self.wiring.credentials.token), None
        except SwitchyardError as exc:
            return None, Problem(code=exc.code, message=exc.message, remedy=exc.remedy)

    def choice_of(self, agent: AgentId) -> AgentChoice:
        """Return what an agent runs at this moment, its own config read anew."""
        return next(choice for choice in self._choose(self._seen) if choice.agent is agent)

    def lint(self, choice: AgentChoice) -> tuple[LintFinding, ...]:
        """Return what is or will be a problem with a choice."""
        return lint_choice(choice, self._seen.catalogue)

    def _choose(self, seen: Snapshot) -> tuple[AgentChoice, ...]:
        configs = {agent: config for agent in AGENTS if (config := self.wiring.configs.read(agent)) is not None}
        return choose_agents(
            environment=self.wiring.settings.agent_environment,
            configs=configs,
            gateway=seen.gateway,
            catalogue=seen.catalogue,
        )

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
        seen = self._seen
        who = seen.identity.name if seen.identity else None
        return Facts(
            catalogue=seen.catalogue,
            gateway=seen.gateway,
            choices=seen.choices,
            principals={Identity.DASHBOARD: who} if who else {},
            workspace_origin=self.wiring.host.origin,
        )


class Landing:
    """Publish results as they land, in place of the former ones of the same slot and identity.

    The first one is published at once, those that come right after it together: a picture for each of 480 results
    would cost as much as judging them.
    """

    def __init__(self, seen: Snapshot, routes: Sequence[Route], publish: Publish) -> None:
        self._seen = seen
        self._keys = [key_of_route(route) for route in routes]
        asked = {replace(route, token=None) for route in routes}
        # A verdict on another model or address says nothing about what the slot is set to now.
        self._results = {key_of_route(result.route): result for result in seen.results if result.route in asked}
        self._publish = publish
        self._done = 0
        self.pending: asyncio.TimerHandle | None = None
        self._published_at = 0.0

    def __enter__(self) -> Self:
        self._publish_now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pending is not None:
            self.pending.cancel()

    def take(self, result: ProbeResult) -> None:
        """Add one result, and publish it now or with those that follow at once."""
        self._done += 1
        self._results[key_of_route(result.route)] = result
        if self.pending is None:
            loop = asyncio.get_running_loop()
            pause_s = max(0.0, self._published_at + _PUBLISH_EVERY_S - loop.time())
            self.pending = loop.call_later(pause_s, self._publish_now)

    def _publish_now(self) -> None:
        self.pending = None
        self._published_at = asyncio.get_running_loop().time()
        results = tuple(self._results[key] for key in self._keys if key in self._results)
        progress = Progress(done=self._done, total=len(self._keys), running=True)
        self._publish(replace(self._seen, results=results, progress=progress))


def key_of_route(route: Route) -> tuple[str, str, str]:
    """Return what a newer verdict replaces: the same slot of the same agent, asked as the same identity."""
    return (route.agent, route.slot, route.identity)


@asynccontextmanager
async def open_observer(wiring: Wiring) -> AsyncIterator[Observer]:
    """Open connections for one event loop, and close them at the end."""

    def objection(url: str) -> str | None:
        return may_receive_bearer(url, wiring.trust)

    connections = wiring.settings.concurrency * _CONNECTIONS_PER_PLACE
    async with open_sender(wiring.network, objection, connections=connections) as sender:
        yield Observer(wiring, sender)
