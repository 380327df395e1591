"""Results that land together are published together, the first ones at once, and none is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Identity, Route
from core.model.snapshot import Snapshot
from core.observer import Landing
from tests.fakes.network import FakeClock

ROUTE = Route(
    agent=AgentId.HERMES,
    slot="primary",
    model="m",
    base_url="https://one.example",
    dialect=Dialect.OPENAI_CHAT,
    identity=Identity.DASHBOARD,
)
RESULT = ProbeResult(
    route=ROUTE,
    depth=Depth.REACH,
    health=Health.HEALTHY,
    rung=Rung.MODEL,
    rungs=(),
    diagnosis=Diagnosis.OK,
    message="",
    remedy="",
    url="https://one.example",
    checked_at=FakeClock().now(),
)


def test_a_burst_of_results_is_two_pictures_and_a_former_result_stands_until_then() -> None:
    routes = [replace(ROUTE, slot=f"fallback_{number}") for number in range(50)]
    former = Snapshot(results=(replace(RESULT, route=routes[0], health=Health.DOWN),))
    shown: list[Snapshot] = []
    complete = asyncio.Event()

    def publish(snapshot: Snapshot) -> None:
        shown.append(snapshot)
        if snapshot.progress.done == len(routes):
            complete.set()

    async def work() -> None:
        with Landing(former, routes, publish) as landing:
            for route in routes:
                landing.take(replace(RESULT, route=route))
            await asyncio.wait_for(complete.wait(), 5)

    asyncio.run(work())
    assert [len(snapshot.results) for snapshot in shown] == [1, 50]
    assert (shown[0].results[0].health, shown[1].results[0].health) == (Health.DOWN, Health.HEALTHY)


def test_nothing_is_published_after_the_end() -> None:
    shown: list[Snapshot] = []

    async def work() -> None:
        with Landing(Snapshot(), [ROUTE], shown.append) as landing:
            landing.take(RESULT)
        left = [handle for handle in (landing.pending,) if handle is not None and not handle.cancelled()]
        assert left == []

    asyncio.run(work())
    assert len(shown) == 1
