"""Probe one route of a running simulated workspace on loopback, through the real adapters."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import perf_counter
from urllib.parse import urlsplit

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.catalog.agents import AGENTS
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.probe import Depth, RungResult
from core.model.route import Identity, Route
from core.ports import HttpAnswer, HttpFailure
from core.probe.judge import Verdict, judge
from core.probe.ladder import rungs_of, verdict_on_host
from core.probe.request import build_request
from core.simulator.server import SimulatedWorkspace

# A model of the simulated workspace for each dialect, which answers there with text and tool calls.
MODEL_OF = {
    Dialect.ANTHROPIC_MESSAGES: "databricks-claude-opus-4-6",
    Dialect.OPENAI_RESPONSES: "databricks-gpt-5-4-mini",
    Dialect.OPENAI_CHAT: "databricks-claude-sonnet-4-6",
    Dialect.GEMINI_GENERATE: "databricks-gemini-2-5-pro",
}


class Probing:
    """One verdict with everything it came from."""

    def __init__(self, verdict: Verdict, rungs: tuple[RungResult, ...], took_s: float) -> None:
        self.verdict = verdict
        self.rungs = rungs
        self.took_s = took_s
        self.outcome: HttpAnswer | HttpFailure | None = None


def route_of(
    workspace: SimulatedWorkspace,
    agent: AgentId,
    dialect: Dialect,
    model: str | None = None,
    *,
    slot: str = "default",
    secure: bool = False,
) -> Route:
    """Return the route that this agent has in this workspace's own gateway, by its own name where it is secure."""
    base = (f"https://{workspace.scene.host_names[0]}" if secure else workspace.http_origin) + "/ai-gateway"
    return Route(
        agent=agent,
        slot=slot,
        model=model or MODEL_OF[dialect],
        base_url=base + AGENTS[agent].bases[Generation.WORKSPACE, dialect],
        dialect=dialect,
        generation=Generation.WORKSPACE,
        identity=Identity.DASHBOARD,
    )


def probe(workspace: SimulatedWorkspace, route: Route, depth: Depth, *, total_s: float = 5.0) -> Probing:
    """Return the verdict on one route, asked once."""
    return asyncio.run(_probe(workspace, route, depth, total_s))


async def _probe(workspace: SimulatedWorkspace, route: Route, depth: Depth, total_s: float) -> Probing:
    network = Network(resolve_map=workspace.resolve_map, ssl_context=workspace.client_ssl_context())
    request = replace(build_request(route, depth, workspace.scene.token), total_s=total_s)
    parts = urlsplit(request.url)
    started = perf_counter()
    check = await SocketHostChecker(network, lambda url: None).check(f"{parts.scheme}://{parts.netloc}")
    outcome: HttpAnswer | HttpFailure | None = check.failure
    if outcome is None:
        async with open_sender(network, lambda url: None) as sender:
            outcome = await sender.send(request)
    took_s = perf_counter() - started
    verdict = verdict_on_host(check) or judge(route, outcome, depth)
    answered_ms = outcome.first_byte_ms if isinstance(outcome, HttpAnswer) else outcome.elapsed_ms
    probing = Probing(
        verdict, rungs_of(verdict, check, depth=depth, secure=parts.scheme == "https", answered_ms=answered_ms), took_s
    )
    probing.outcome = outcome
    return probing
