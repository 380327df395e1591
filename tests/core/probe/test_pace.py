"""The pace gives out so many places, moves who hangs to a class of its own, and slows down where it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from core.probe.pace import LONGEST_WAIT_S, Pace, Places, Turn, retry_after_s
from tests.fakes.network import FakeClock

HOST, OTHER = "https://one.example", "https://two.example"


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 5))


def pace(at_once: int = 2, slow_after_s: float = 60.0, clock: FakeClock | None = None) -> Pace:
    slept = clock or FakeClock()

    async def sleep(seconds: float) -> None:
        slept.move(seconds)

    return Pace(at_once=at_once, now=slept.monotonic, sleep=sleep, slow_after_s=slow_after_s)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_turns_run_than_there_are_places() -> None:
    async def work() -> None:
        made = pace(at_once=2)
        turns = [await made.begin(HOST, "m"), await made.begin(HOST, "m")]
        third = asyncio.create_task(made.begin(HOST, "m"))
        await settle()
        assert not third.done()
        turns[0].end()
        (await third).end()
        turns[1].end()
        assert (made.everywhere.taken, made.on(HOST).taken) == (0, 0)

    run(work)


def test_who_hangs_moves_to_the_slow_class_and_frees_its_place() -> None:
    async def work() -> None:
        made = pace(at_once=1, slow_after_s=0.001)
        hung = await made.begin(HOST, "hangs")
        quick = await made.begin(HOST, "quick")
        assert made.slow.taken == 1
        hung.end()
        quick.end()
        assert (made.slow.taken, made.everywhere.taken) == (0, 0)

    run(work)


def test_who_hung_the_last_time_takes_no_place_of_the_others() -> None:
    async def work() -> None:
        made = pace(at_once=1)
        hung = await made.begin(HOST, "hangs", is_slow=True)
        quick = await made.begin(HOST, "quick")
        assert (made.slow.taken, made.everywhere.taken) == (1, 1)
        hung.end()
        quick.end()
        assert (made.slow.taken, made.everywhere.taken) == (0, 0)

    run(work)


def test_a_full_slow_class_keeps_who_hangs_in_its_place() -> None:
    async def work() -> None:
        made = pace(at_once=1, slow_after_s=0.001)
        first = await made.begin(HOST, "a")
        second = await made.begin(HOST, "b")
        third = asyncio.create_task(made.begin(HOST, "c"))
        await settle()
        assert not third.done()
        first.end()
        second.end()
        (await third).end()

    run(work)


def test_a_429_halves_the_pace_on_that_host_only() -> None:
    made = pace(at_once=16)
    made.slow_down(HOST, "m", None)
    made.slow_down(HOST, "m", None)
    assert (made.on(HOST).limit, made.on(OTHER).limit) == (4, 16)


def test_the_pace_never_falls_to_nothing() -> None:
    made = pace(at_once=1)
    made.slow_down(HOST, "m", None)
    assert made.on(HOST).limit == 1


def test_a_model_is_not_asked_before_the_time_that_its_host_named() -> None:
    async def work() -> None:
        clock = FakeClock()
        made = pace(clock=clock)
        made.slow_down(HOST, "m", 7.0)
        (await made.begin(HOST, "other")).end()
        assert clock.monotonic() == 0
        (await made.begin(HOST, "m")).end()
        assert clock.monotonic() == 7

    run(work)


def test_nobody_waits_for_longer_than_a_sweep_can() -> None:
    made = pace()
    made.slow_down(HOST, "m", 3600.0)
    assert made.wait_s(HOST, "m") == LONGEST_WAIT_S


def test_a_cancelled_wait_holds_no_place() -> None:
    async def work() -> None:
        places = Places(1)
        await places.take()
        waiting = asyncio.create_task(places.take())
        await settle()
        places.give_back()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert places.taken == 0

    run(work)


def test_a_wait_for_everywhere_that_is_cancelled_leaves_its_host() -> None:
    async def work() -> None:
        made = pace(at_once=1)
        turn: Turn = await made.begin(HOST, "m")
        waiting = asyncio.create_task(made.begin(OTHER, "m"))
        await settle()
        waiting.cancel()
        await settle()
        assert made.on(OTHER).taken == 0
        turn.end()

    run(work)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), (" 30 ", 30.0), (None, None), ("", None), ("-1", None), ("soon", None), ("٣", None), ("9" * 12, None)],
)
def test_retry_after_is_read_as_seconds_or_not_at_all(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds
