"""Results that land together are published together, the first ones at once, and none is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from core.landing import Asked, Landing, key_of_route
from core.memory import Memory, forgetful
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Identity, Route
from core.model.snapshot import Snapshot
from core.settings import Settings
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


def memory() -> Memory:
    return forgetful(Settings(scene="healthy"), FakeClock())


def all_of(routes: list[Route]) -> Asked:
    return Asked(shown=routes, routes=routes)


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
        with Landing(former, all_of(routes), publish, memory()) as landing:
            for route in routes:
                landing.take(replace(RESULT, route=route))
            await asyncio.wait_for(complete.wait(), 5)

    asyncio.run(work())
    assert [len(snapshot.results) for snapshot in shown] == [1, 50]
    assert (shown[0].results[0].health, shown[1].results[0].health) == (Health.DOWN, Health.HEALTHY)


def test_nothing_is_published_after_the_end() -> None:
    shown: list[Snapshot] = []

    async def work() -> None:
        with Landing(Snapshot(), all_of([ROUTE]), shown.append, memory()) as landing:
            landing.take(RESULT)
        left = [handle for handle in (landing.pending,) if handle is not None and not handle.cancelled()]
        assert left == []

    asyncio.run(work())
    assert len(shown) == 1


def test_what_is_shown_is_how_the_route_stands_and_not_its_last_verdict_alone() -> None:
    shown: list[Snapshot] = []
    remembered = memory()
    failed = replace(RESULT, health=Health.DOWN, diagnosis=Diagnosis.MODEL_ABSENT, attempts=2)

    async def work() -> None:
        for result in (failed, RESULT):
            with Landing(Snapshot(), all_of([ROUTE]), shown.append, remembered) as landing:
                landing.take(result)
                assert [item.health for item in landing.results] == [Health.DOWN]
        remembered.end_round(None)

    asyncio.run(work())
    assert [standing.health for standing in remembered.picture(Snapshot()).standings.values()] == [Health.DOWN]


def test_a_paused_agents_routes_are_paused_whatever_they_answer() -> None:
    key = key_of_route(ROUTE)
    asked = Asked(shown=[ROUTE], routes=[ROUTE], paused=frozenset({key}))

    async def work() -> tuple[ProbeResult, ...]:
        with Landing(Snapshot(results=(RESULT,)), asked, shown.append, memory()) as landing:
            landing.take(replace(RESULT, health=Health.DOWN, diagnosis=Diagnosis.MODEL_ABSENT, attempts=2))
            return landing.results

    shown: list[Snapshot] = []
    (result,) = asyncio.run(work())
    assert (shown[0].results[0].health, result.health) == (Health.PAUSED, Health.PAUSED)
    assert result.diagnosis is Diagnosis.MODEL_ABSENT


def test_routes_that_are_asked_again_do_not_look_like_a_sweep() -> None:
    shown: list[Snapshot] = []

    async def work() -> None:
        asked = Asked(shown=[ROUTE], routes=[ROUTE], quiet=True)
        with Landing(Snapshot(), asked, shown.append, memory()):
            pass

    asyncio.run(work())
    assert [snapshot.progress for snapshot in shown] == [Snapshot().progress]
