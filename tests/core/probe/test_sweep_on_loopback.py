"""Real sockets: who hangs delays nobody else, and a cancelled sweep leaves the connections usable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from core.adapters.clock import SystemClock
from core.adapters.credentials import StaticToken
from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.model.agent import AgentId, Dialect
from core.model.probe import Diagnosis, Health, ProbeResult
from core.probe.sweep import Prober
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.server import SimulatedWorkspace
from tests.fakes.probing import route_of

DEADLINE_S = 10.0


def with_prober(workspace: SimulatedWorkspace, work: Callable[[Prober], Awaitable[None]]) -> None:
    async def run() -> None:
        network = Network(resolve_map=workspace.resolve_map, ssl_context=workspace.client_ssl_context())
        async with open_sender(network, lambda url: None) as sender, asyncio.timeout(DEADLINE_S):
            await work(
                Prober(
                    sender=sender,
                    checker=SocketHostChecker(network, lambda url: None),
                    credentials=StaticToken(workspace.scene.token, "the test"),
                    clock=SystemClock(),
                    workspace_origin=workspace.http_origin,
                    concurrency=2,
                    confirm_delay_s=0.0,
                )
            )

    asyncio.run(run())


def test_a_hung_route_delays_the_rest_by_nothing_and_cancelling_leaves_the_pool_usable() -> None:
    with SimulatedWorkspace("healthy") as workspace:
        hung = route_of(workspace, AgentId.COPILOT, Dialect.OPENAI_CHAT, "databricks-gpt-5-4-mini")
        others = [
            replace(route_of(workspace, AgentId.HERMES, Dialect.OPENAI_CHAT), slot=f"fallback_{number}")
            for number in range(6)
        ]
        workspace.faults.add(FaultRule(fault=Behaviour.HANG, model=hung.model))

        async def work(prober: Prober) -> None:
            landed: list[ProbeResult] = []
            all_others = asyncio.Event()

            def take(result: ProbeResult) -> None:
                landed.append(result)
                if len(landed) == len(others):
                    all_others.set()

            running = asyncio.create_task(prober.sweep([hung, *others], take))
            await all_others.wait()
            assert {result.health for result in landed} == {Health.HEALTHY}
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            workspace.faults.clear()
            report = await prober.sweep([hung, *others])
            assert {result.health for result in report.results} == {Health.HEALTHY}

        with_prober(workspace, work)


def test_a_probe_with_little_time_ends_in_it() -> None:
    with SimulatedWorkspace("healthy") as workspace:
        hung = route_of(workspace, AgentId.COPILOT, Dialect.OPENAI_CHAT)
        workspace.faults.add(FaultRule(fault=Behaviour.HANG, model=hung.model))

        async def work(prober: Prober) -> None:
            report = await prober.sweep([hung], budget_s=1.2)
            assert report.results[0].diagnosis is Diagnosis.TIMED_OUT
            assert report.duration_ms < 3000

        with_prober(workspace, work)
