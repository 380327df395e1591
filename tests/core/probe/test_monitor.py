"""When the monitor looks, what it hands out meanwhile, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core.model.history import Keeping
from core.model.probe import Depth
from core.model.snapshot import Progress, Snapshot
from core.probe.cadence import Intervals, Kind, Look
from core.probe.monitor import HostsSeen, Monitor
from tests.fakes.network import FakeClock
from tests.fakes.waiting import eventually

INTERVAL_S = 300.0
HOSTS_S = 60.0
# More than any host check away, less than any sweep.
SOON_S = 61.0
ROUTE = "0123456789abcdef"


class FakeObserver:
    """Return what the test says, when the test says; every call is counted."""

    def __init__(self) -> None:
        self.looked: list[Look] = []
        self.host_checks = 0
        self.opened = 0
        self.closed = 0
        self.recalled = 0
        self.followed: list[bool] = []
        self.leads = True
        self.hosts = HostsSeen()
        self.open_depths: dict[Depth, frozenset[str]] = {}
        self.untold: frozenset[str] = frozenset()
        self.remembered = Snapshot()
        self.kept = Keeping()
        self.seen = Snapshot(scene="healthy")
        self.error: Exception | None = None
        self.gate: Future[None] | None = None
        self.lost: Future[None] = Future()

    @property
    def looks(self) -> int:
        return sum(look.kind is Kind.REACH for look in self.looked)

    async def until_lost(self) -> None:
        await asyncio.wrap_future(self.lost)

    async def recall(self, previous: Snapshot) -> Snapshot:
        self.recalled += 1
        if self.error is not None:
            raise self.error
        return replace(previous, results=self.remembered.results, scene=self.remembered.scene)

    async def look(self, previous: Snapshot, publish: Callable[[Snapshot], None], look: Look) -> Snapshot:
        self.looked.append(look)
        if look.only is None:
            publish(replace(previous, progress=Progress(done=1, total=2, running=True)))
        if self.gate is not None:
            await asyncio.wrap_future(self.gate)
        if self.error is not None:
            raise self.error
        return replace(self.seen, swept_at=previous.swept_at)

    async def check_hosts(self, previous: Snapshot) -> HostsSeen:
        self.host_checks += 1
        if self.error is not None:
            raise self.error
        return self.hosts

    async def follow(self, previous: Snapshot, *, detect: bool) -> Snapshot:
        self.followed.append(detect)
        if self.error is not None:
            raise self.error
        return replace(previous, scene="followed")

    def refreshed(self, previous: Snapshot) -> Snapshot:
        return previous if previous.keeping == self.kept else replace(previous, keeping=self.kept)

    def news(self) -> frozenset[str]:
        told, self.untold = self.untold, frozenset()
        return told

    def unsettled(self) -> dict[Depth, frozenset[str]]:
        return self.open_depths

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeObserver]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1


@pytest.fixture
def observer() -> FakeObserver:
    return FakeObserver()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def monitor(observer: FakeObserver, clock: FakeClock) -> Iterator[Monitor[FakeObserver]]:
    """Return a monitor that the test starts; time passes only when the test moves the clock."""
    intervals = Intervals(hosts_s=HOSTS_S, reach_s=INTERVAL_S, faithful_s=4 * INTERVAL_S)
    made = Monitor(observer.open, clock=clock, first=Snapshot(), intervals=intervals, tick_s=0.005)
    yield made
    if observer.gate is not None and not observer.gate.done():
        observer.gate.cancel()
    assert made.stop()


def rests(monitor: Monitor[FakeObserver], observer: FakeObserver, *, looks: int) -> Snapshot:
    """Wait until that many sweeps are over, and return the picture after the last."""
    eventually(lambda: observer.looks >= looks and not monitor.snapshot().progress.running)
    return monitor.snapshot()


def idles(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    """Wait until the monitor has waited anew: whatever was due when this began has been done."""
    observer.kept = replace(observer.kept, waiting=observer.kept.waiting + 1)
    eventually(lambda: monitor.snapshot().keeping == observer.kept)


def test_before_the_start_there_is_the_first_picture(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    assert monitor.snapshot() == Snapshot(interval_s=INTERVAL_S)
    assert observer.opened == 0


def test_it_looks_as_soon_as_it_is_started(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    seen = rests(monitor, observer, looks=1)
    assert (seen.scene, seen.progress.running) == ("healthy", False)


def test_the_next_sweep_is_due_after_the_interval_give_or_take_a_fifth(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    seen = rests(monitor, observer, looks=1)
    assert seen.next_sweep_at is not None
    assert 0.8 * INTERVAL_S <= (seen.next_sweep_at - clock.now()).total_seconds() <= 1.2 * INTERVAL_S


def test_it_looks_again_when_the_interval_is_over(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    idles(monitor, observer)
    assert observer.looks == 1
    clock.move(1.2 * INTERVAL_S)
    rests(monitor, observer, looks=2)


def test_a_sweep_can_be_asked_for(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    monitor.request_sweep()
    assert monitor.snapshot().progress.running or observer.looks == 2
    rests(monitor, observer, looks=2)
    idles(monitor, observer)
    assert observer.looks == 2


def test_asking_while_a_sweep_runs_does_nothing(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    observer.gate = Future()
    monitor.start()
    eventually(lambda: monitor.snapshot().progress.total)
    for _ in range(3):
        monitor.request_sweep()
    assert monitor.snapshot().progress == Progress(done=1, total=2, running=True)
    observer.gate.set_result(None)
    rests(monitor, observer, looks=1)
    idles(monitor, observer)
    assert observer.looks == 1


def test_what_was_changed_while_a_sweep_runs_is_swept_after_it_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.gate = Future()
    monitor.start()
    eventually(lambda: monitor.snapshot().progress.total)
    for _ in range(3):
        monitor.sweep_anew()
    observer.gate.set_result(None)
    rests(monitor, observer, looks=2)
    idles(monitor, observer)
    assert observer.looks == 2


def test_an_offline_dashboard_tries_again_soon(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    observer.seen = Snapshot(offline="cannot be reached")
    monitor.start()
    seen = rests(monitor, observer, looks=1)
    assert seen.next_sweep_at is not None
    assert (seen.next_sweep_at - clock.now()).total_seconds() <= 5
    observer.seen = Snapshot()
    clock.move(5)
    assert rests(monitor, observer, looks=2).offline is None


def test_a_workspace_that_stops_answering_makes_it_look_at_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.seen = Snapshot(offline="gone")
    observer.hosts = HostsSeen(offline=True)
    clock.move(SOON_S)
    eventually(lambda: monitor.snapshot().offline)
    assert (observer.looks, observer.host_checks) == (2, 1)


def test_another_host_that_stops_answering_has_only_its_routes_asked(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.hosts = HostsSeen(routes=frozenset({ROUTE}))
    clock.move(SOON_S)
    eventually(lambda: len(observer.looked) > 1)
    assert observer.looked[1:] == [Look(kind=Kind.SETTLING, depth=Depth.REACH, only=frozenset({ROUTE}))]


def test_routes_that_become_known_between_two_looks_are_asked_at_once_and_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.untold = frozenset({ROUTE})
    eventually(lambda: len(observer.looked) > 1)
    idles(monitor, observer)
    assert observer.looked[1:] == [Look(kind=Kind.SETTLING, depth=Depth.REACH, only=frozenset({ROUTE}))]


def test_unsettled_routes_are_asked_again_until_they_are_settled(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    observer.open_depths = {Depth.REACH: frozenset({ROUTE})}
    monitor.start()
    rests(monitor, observer, looks=1)
    for times in (1, 2):
        clock.move(5)
        eventually(lambda times=times: len(observer.looked) == 1 + times)
        idles(monitor, observer)
    observer.open_depths = {}
    clock.move(5)
    eventually(lambda: len(observer.looked) == 4)
    idles(monitor, observer)
    clock.move(5)
    idles(monitor, observer)
    assert [look.only for look in observer.looked] == [None, *3 * [frozenset({ROUTE})]]


def test_what_agents_really_send_is_sent_when_it_is_due(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    clock.move(2 * INTERVAL_S)
    eventually(lambda: Depth.FAITHFUL in {look.depth for look in observer.looked})


def test_the_cadence_and_the_next_times_are_shown(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    cadence = rests(monitor, observer, looks=1).cadence
    assert (cadence.hosts_s, cadence.reach_s, cadence.faithful_s) == (HOSTS_S, INTERVAL_S, 4 * INTERVAL_S)
    assert cadence.next_reach_at == monitor.snapshot().next_sweep_at
    assert None not in (cadence.next_hosts_at, cadence.next_faithful_at)


def test_what_is_remembered_is_shown_before_the_first_sweep_ends(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.remembered = Snapshot(scene="remembered")
    observer.gate = Future()
    monitor.start()
    eventually(lambda: monitor.snapshot().progress.total)
    assert (monitor.snapshot().scene, observer.recalled) == ("remembered", 1)


def test_what_changes_beside_the_looks_is_shown(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.kept = Keeping(problem="The database is down.")
    eventually(lambda: monitor.snapshot().keeping.problem)


# Several processes.


def test_a_process_that_does_not_lead_follows_and_does_not_look(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    observer.leads = False
    monitor.start()
    eventually(lambda: monitor.snapshot().scene == "followed")
    for times in (1, 2):
        clock.move(5)
        eventually(lambda times=times: len(observer.followed) == 1 + times)
    assert (observer.followed, observer.looked) == ([True, False, False], [])
    assert (monitor.snapshot().next_sweep_at, monitor.snapshot().progress.running) == (None, False)


def test_a_process_that_follows_detects_anew_with_every_sweep(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    observer.leads = False
    monitor.start()
    eventually(lambda: observer.followed)
    idles(monitor, observer)
    clock.move(INTERVAL_S)
    eventually(lambda: len(observer.followed) == 2)
    assert observer.followed == [True, True]


def test_a_process_that_comes_to_lead_recalls_and_looks_at_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.leads = False
    monitor.start()
    eventually(lambda: observer.followed)
    observer.leads = True
    rests(monitor, observer, looks=1)
    assert observer.recalled == 2


def test_a_process_that_loses_the_lead_stops_in_the_middle_of_a_sweep(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.gate = Future()
    monitor.start()
    eventually(lambda: monitor.snapshot().progress.total)
    observer.leads = False
    observer.lost.set_result(None)
    eventually(lambda: monitor.snapshot().scene == "followed")
    assert not monitor.snapshot().progress.running


def test_asking_a_process_that_follows_has_it_follow_at_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.leads = False
    monitor.start()
    eventually(lambda: observer.followed)
    idles(monitor, observer)
    monitor.request_sweep()
    eventually(lambda: len(observer.followed) == 2)
    eventually(lambda: not monitor.snapshot().progress.running)
    assert observer.looked == []


# Faults.


def test_a_fault_of_ours_is_shown_as_one_and_never_as_health(
    monitor: Monitor[FakeObserver], observer: FakeObserver, caplog: pytest.LogCaptureFixture
) -> None:
    observer.error = RuntimeError("a bug")
    monitor.start()
    seen = rests(monitor, observer, looks=1)
    assert seen.problem is not None
    assert (seen.problem.code, seen.results) == ("internal_error", ())
    assert "the sweep failed" in caplog.messages


def test_the_watch_goes_on_after_a_fault_of_ours(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    observer.error = RuntimeError("a bug")
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.error = None
    monitor.request_sweep()
    assert rests(monitor, observer, looks=2).problem is None


def test_a_fault_while_following_or_checking_hosts_does_not_end_the_watch(
    monitor: Monitor[FakeObserver], observer: FakeObserver, clock: FakeClock
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.error = RuntimeError("a bug")
    clock.move(SOON_S)
    eventually(lambda: observer.host_checks)
    idles(monitor, observer)
    observer.leads = False
    eventually(lambda: observer.followed)
    idles(monitor, observer)
    observer.error = None
    clock.move(5)
    eventually(lambda: monitor.snapshot().scene == "followed")


def test_work_runs_beside_a_sweep(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    observer.gate = Future()
    monitor.start()

    async def work(given: FakeObserver) -> str:
        return f"{given is observer} in {threading.current_thread().name}"

    assert monitor.submit(work).result(10) == "True in switchyard-monitor"
    assert monitor.snapshot().progress.running


def test_work_that_fails_tells_who_waits_for_it(monitor: Monitor[FakeObserver]) -> None:
    monitor.start()

    async def work(given: FakeObserver) -> None:
        raise ValueError("not like this")

    with pytest.raises(ValueError, match="not like this"):
        monitor.submit(work).result(10)


def test_work_may_be_handed_in_before_the_observer_is_there(monitor: Monitor[FakeObserver]) -> None:
    async def work(given: FakeObserver) -> int:
        return given.opened

    waiting = monitor.submit(work)
    monitor.start()
    assert waiting.result(10) == 1


def test_stopping_between_sweeps_closes_the_observer(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    assert monitor.stop()
    assert (observer.opened, observer.closed) == (1, 1)
    assert "switchyard-monitor" not in {thread.name for thread in threading.enumerate()}


def test_stopping_in_the_middle_of_a_sweep_ends_it_and_all_other_work(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    observer.gate = Future()
    monitor.start()
    started = threading.Event()

    async def work(given: FakeObserver) -> None:
        started.set()
        await asyncio.Event().wait()

    waiting = monitor.submit(work)
    assert started.wait(10)
    assert monitor.stop()
    with pytest.raises(CancelledError):
        waiting.result(0)


def test_stopping_twice_or_without_a_start_does_no_harm(monitor: Monitor[FakeObserver]) -> None:
    assert monitor.stop()
    assert monitor.stop()
