"""Who probes: the holder of the lease, nobody else while it lasts, and everybody whom the database cannot tell."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.database import Sqlite, open_database
from core.errors import StoreError
from core.history.leadership import LEASE, Leadership, Tenure, answered, leads
from core.ports.store import Lease
from tests.core.health.checks import START
from tests.fakes.network import FakeClock


class SharedLease:
    """One lease by one clock, which all processes of a test share."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.refusing = False
        self.gate = threading.Event()
        self.gate.set()
        self._holder = ""
        self._ends_at = 0.0

    def take(self, name: str, holder: str, ttl_s: float) -> Lease:
        assert name == LEASE
        assert self.gate.wait(20)
        if self.refusing:
            raise StoreError("The database cannot be used.", code="store_unavailable", remedy="Start it.")
        now = self.clock.monotonic()
        if self._holder in ("", holder) or self._ends_at <= now:
            self._holder, self._ends_at = holder, now + ttl_s
        return Lease(name=name, holder=self._holder, left_s=self._ends_at - now, since=START)

    def release(self, name: str, holder: str) -> None:
        if self.refusing:
            raise StoreError("The database cannot be used.", code="store_unavailable", remedy="Start it.")
        if self._holder == holder:
            self._holder = ""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def lease(clock: FakeClock) -> SharedLease:
    return SharedLease(clock)


def process(lease: SharedLease, name: str, *, ttl_s: float = 20.0) -> Leadership:
    async def moved(seconds: float) -> None:
        lease.clock.move(seconds)
        await asyncio.sleep(0)

    return Leadership(lease, name, lease.clock, ttl_s=ttl_s, sleep=moved)


def test_exactly_one_of_two_processes_probes(lease: SharedLease) -> None:
    async def play() -> None:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        await second.begin()
        assert (first.leads, second.leads) == (True, False)
        assert (first.leader, second.leader) == ("one", "one")

    asyncio.run(play())


def test_the_lease_moves_when_its_holder_dies(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> float:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        await second.begin()
        died_at = clock.monotonic()
        while not second.leads:
            # The one that died asks no more, and by its own clock stops before the other begins.
            clock.move(5)
            await second.begin()
        assert not first.leads
        return clock.monotonic() - died_at

    assert asyncio.run(play()) <= 30


def test_a_holder_that_keeps_asking_keeps_the_lease(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> None:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        for _ in range(10):
            clock.move(5)
            await first.begin()
            await second.begin()
            assert (first.leads, second.leads) == (True, False)

    asyncio.run(play())


def test_stopping_hands_the_lease_over_at_once(lease: SharedLease) -> None:
    async def play() -> None:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        await first.release()
        assert not first.leads
        await second.begin()
        assert second.leads

    asyncio.run(play())


def test_a_process_that_does_not_hold_the_lease_leaves_it_alone(lease: SharedLease) -> None:
    async def play() -> None:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        await second.begin()
        await second.release()
        await second.begin()
        assert not second.leads

    asyncio.run(play())


def test_stopping_while_the_database_is_down_ends_all_the_same(lease: SharedLease) -> None:
    async def play() -> None:
        first = process(lease, "one")
        await first.begin()
        lease.refusing = True
        await first.release()
        assert not first.leads

    asyncio.run(play())


def test_without_a_database_at_the_start_we_probe_and_say_why(lease: SharedLease) -> None:
    async def play() -> None:
        lease.refusing = True
        first = process(lease, "one")
        await first.begin()
        assert (first.leads, first.leader) == (True, "one, because the database cannot say who else does")

    asyncio.run(play())


def test_a_holder_whose_database_goes_down_goes_on(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> None:
        first = process(lease, "one")
        await first.begin()
        lease.refusing = True
        for _ in range(12):
            clock.move(5)
            await first.begin()
            assert first.leads

    asyncio.run(play())


def test_another_one_waits_the_lease_out_before_it_probes_without_a_database(
    lease: SharedLease, clock: FakeClock
) -> None:
    async def play() -> list[bool]:
        first, second = process(lease, "one"), process(lease, "two")
        await first.begin()
        await second.begin()
        lease.refusing = True
        seen = []
        for _ in range(4):
            clock.move(5)
            await second.begin()
            seen.append(second.leads)
        return seen

    assert asyncio.run(play()) == [False, False, False, True]


def test_a_database_that_is_back_says_again_who_probes(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> None:
        first, second = process(lease, "one"), process(lease, "two")
        lease.refusing = True
        await first.begin()
        await second.begin()
        assert (first.leads, second.leads) == (True, True)
        lease.refusing = False
        await first.begin()
        await second.begin()
        assert (first.leads, second.leads) == (True, False)

    asyncio.run(play())


def test_whoever_was_stopped_for_a_while_does_not_probe_on(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> None:
        first = process(lease, "one")
        await first.begin()
        clock.move(19)
        assert not first.leads

    asyncio.run(play())


def test_the_right_to_probe_ends_also_while_a_question_hangs(lease: SharedLease, clock: FakeClock) -> None:
    async def play() -> float:
        first = process(lease, "one")
        await first.begin()
        lease.gate.clear()
        hanging = asyncio.create_task(first.begin())
        # It has asked before time goes on, whichever of two tasks a Python begins with.
        await asyncio.sleep(0)
        await asyncio.wait_for(first.until_lost(), 10)
        lost_at = clock.monotonic()
        lease.gate.set()
        await hanging
        # That answer is too old to be sure of; the next one is not.
        led = [first.leads]
        await first.begin()
        assert [*led, first.leads] == [False, True]
        return lost_at

    assert asyncio.run(play()) <= 19


def test_a_start_does_not_wait_for_a_database_that_hangs(lease: SharedLease) -> None:
    async def play() -> bool:
        first = process(lease, "one", ttl_s=0.05)
        lease.gate.clear()
        run = asyncio.create_task(first.run())
        while not first.leads:
            await asyncio.sleep(0.001)
        run.cancel()
        lease.gate.set()
        return first.leads

    assert asyncio.run(play())


NUMBERS = st.floats(0, 1000)


@given(
    st.builds(Lease, name=st.just(LEASE), holder=st.sampled_from("ab"), left_s=NUMBERS, since=st.just(START)), NUMBERS
)
def test_two_processes_never_hold_it_at_once(lease: Lease, later: float) -> None:
    """Both heard the same answer at the same moment, so at most one of them may act on it, at any time after."""
    tenures = [answered(lease, holder, 0.0, 20.0) for holder in "ab"]
    assert sum(leads(tenure, later, 20.0) for tenure in tenures) <= 1


@given(NUMBERS, NUMBERS)
def test_our_own_lease_ends_before_anybody_else_can_have_it(left_s: float, later: float) -> None:
    lease = Lease(name=LEASE, holder="a", left_s=left_s, since=START)
    if leads(answered(lease, "a", 0.0, 20.0), later, 20.0):
        assert later < left_s


def test_nobody_leads_before_the_first_answer() -> None:
    assert not leads(Tenure(), 0.0, 20.0)


def test_one_real_database_file_lets_one_of_two_lead(
    tmp_path_factory: pytest.TempPathFactory, clock: FakeClock
) -> None:
    place = Sqlite(path=tmp_path_factory.mktemp("state") / "switchyard.db")
    database = open_database(place, limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300.0)

    async def play() -> list[bool]:
        found = [Leadership(database.leases, name, clock) for name in ("one", "two")]
        for one in found:
            await one.begin()
        first = [one.leads for one in found]
        await found[0].release()
        await found[1].begin()
        return [*first, found[1].leads]

    try:
        assert asyncio.run(play()) == [True, False, True]
    finally:
        database.close()
