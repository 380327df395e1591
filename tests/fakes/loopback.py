"""Ask a simulated workspace over the real sender, as a sweep would, without a sweep around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.catalog.agents import AGENTS, BASE_PATHS
from core.choice.layers import choose_agents
from core.detect.flow import run_flow
from core.detect.hosts import parse_host
from core.detect.listing import listing_flows
from core.detect.models import merge_models
from core.model.agent import AgentId, Dialect
from core.model.explanation import Explanation
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.probe import Depth
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import HttpSender
from core.probe.explain import Facts, depth_of_questions, explain, run_explanation
from core.probe.judge import Verdict, judge
from core.probe.request import build_request
from core.simulator.scenes import Scene
from core.simulator.server import SimulatedWorkspace
from tests.fakes.network import FakeClock

T = TypeVar("T")
AGENT_OF = {
    Dialect.ANTHROPIC_MESSAGES: AgentId.CLAUDE,
    Dialect.OPENAI_RESPONSES: AgentId.CODEX,
    Dialect.OPENAI_CHAT: AgentId.HERMES,
    Dialect.GEMINI_GENERATE: AgentId.GEMINI,
}


class Asker:
    """Ask routes of one running workspace to one depth; `asked` are the follow-up questions in order."""

    def __init__(self, workspace: SimulatedWorkspace, sender: HttpSender, depth: Depth = Depth.REACH) -> None:
        self.scene = workspace.scene
        self.depth = depth
        self.asked: list[Route] = []
        self._sender = sender

    async def verdict(self, route: Route, depth: Depth | None = None) -> Verdict:
        """Return the verdict of one request, with the token of the route's identity."""
        depth = depth or self.depth
        token = self.scene.token if route.identity is Identity.DASHBOARD else route.token
        return judge(route, await self._sender.send(build_request(route, depth, token)), depth)

    async def facts(self) -> Facts:
        """Return what detection would know."""
        flows = listing_flows(parse_host(self.scene.host), self.scene.workspace_id)
        listings = await asyncio.gather(*(run_flow(flow, self._sender, self.scene.token) for flow in flows))
        catalogue, gateway = merge_models(listings), gateway_of(self.scene)
        hermes = self.scene.hermes
        environment = {"HERMES_MODEL": hermes.primary, "HERMES_FALLBACK_MODEL": hermes.fallback}
        return Facts(
            catalogue=catalogue,
            gateway=gateway,
            choices=choose_agents(environment=environment, configs={}, gateway=gateway, catalogue=catalogue),
            principals={Identity.DASHBOARD: self.scene.person.user_name},
            workspace_origin=self.scene.host,
        )

    async def explained(self, route: Route, facts: Facts | None = None) -> tuple[Verdict, Explanation | None]:
        """Return the first verdict on a route, and its explanation."""
        known = facts or await self.facts()
        first = await self.verdict(route)
        depth = depth_of_questions(first, self.depth)

        async def ask(follow_up: Route) -> Verdict:
            self.asked.append(follow_up)
            return await self.verdict(follow_up, depth)

        return first, await run_explanation(explain(route, first, known, depth=depth), ask)


def on_loopback(
    workspace: SimulatedWorkspace, work: Callable[[Asker], Awaitable[T]], *, depth: Depth = Depth.REACH
) -> T:
    """Run this work with connections that are closed at its end."""

    async def run() -> T:
        network = Network(resolve_map=workspace.resolve_map, ssl_context=workspace.client_ssl_context())
        async with open_sender(network, lambda url: None) as sender:
            return await work(Asker(workspace, sender, depth))

    return asyncio.run(run())


def gateway_of(scene: Scene) -> Gateway:
    """Return the gateway that the scene's agents are set up for."""
    return Gateway(
        base_url=scene.gateway_base,
        generation=scene.generation,
        source=GatewaySource.DISCOVERED,
        trace=(),
        resolved_at=FakeClock().now(),
    )


def route_on(
    scene: Scene, model: str, dialect: Dialect = Dialect.OPENAI_CHAT, *, stored: Secret | None = None
) -> Route:
    """Return the route of the dialect's usual agent in the scene's own generation."""
    spec = AGENTS[AGENT_OF[dialect]]
    return Route(
        agent=spec.agent,
        slot=spec.slots[0].name,
        model=model,
        base_url=scene.gateway_base + BASE_PATHS[(scene.generation, dialect)],
        dialect=dialect,
        generation=scene.generation,
        identity=Identity.DASHBOARD if stored is None else Identity.STORED,
        token=stored,
    )


def moved(route: Route, scene: Scene, generation: Generation) -> Route:
    """Return the route in another generation of the workspace's own host."""
    roots: Mapping[Generation, str] = {
        Generation.WORKSPACE: "/ai-gateway",
        Generation.SERVING_ENDPOINTS: "/serving-endpoints",
    }
    base = scene.host + roots[generation] + BASE_PATHS[(generation, route.dialect)]
    return replace(route, base_url=base, generation=generation)
