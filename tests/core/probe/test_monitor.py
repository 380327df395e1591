"""When the monitor looks, what it hands out meanwhile, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core.model.snapshot import Progress, Snapshot
from core.probe.monitor import Monitor
from tests.fakes.network import FakeClock
from tests.fakes.waiting import eventually

INTERVAL_S = 300.0


class FakeObserver:
    """Return what the test says, when the test says; every call is counted."""

    def __init__(self) -> None:
        self.looks = 0
        self.host_checks = 0
        self.opened = 0
        self.closed = 0
        self.gone: str | None = None
        self.seen = Snapshot(scene="healthy")
        self.error: Exception | None = None
        self.gate: Future[None] | None = None

    async def look(self, previous: Snapshot, publish: Callable[[Snapshot], None]) -> Snapshot:
        self.looks += 1
        publish(replace(previous, progress=Progress(done=1, total=2, running=True)))
        if self.gate is not None:
            await asyncio.wrap_future(self.gate)
        if self.error is not None:
            raise self.error
        return replace(self.seen, swept_at=previous.swept_at)

    async def unreachable(self) -> str | None:
        self.host_checks += 1
        return self.gone

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
    made = Monitor(observer.open, clock=clock, first=Snapshot(), sweep_interval_s=INTERVAL_S, host_interval_s=0.005)
    yield made
    if observer.gate is not None and not observer.gate.done():
        observer.gate.cancel()
    assert made.stop()


def rests(monitor: Monitor[FakeObserver], observer: FakeObserver, *, looks: int) -> Snapshot:
    """Wait until that many sweeps are over, and return the picture after the last."""
    eventually(lambda: observer.looks >= looks and not monitor.snapshot().progress.running)
    return monitor.snapshot()


def checks_hosts(observer: FakeObserver, times: int = 2) -> None:
    """Wait until the hosts were checked a few times more: the monitor is between sweeps."""
    before = observer.host_checks
    eventually(lambda: observer.host_checks >= before + times)


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
    checks_hosts(observer)
    assert observer.looks == 1
    clock.move(1.2 * INTERVAL_S)
    rests(monitor, observer, looks=2)


def test_a_sweep_can_be_asked_for(monitor: Monitor[FakeObserver], observer: FakeObserver) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    monitor.request_sweep()
    assert monitor.snapshot().progress.running or observer.looks == 2
    rests(monitor, observer, looks=2)
    checks_hosts(observer)
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
    checks_hosts(observer)
    assert observer.looks == 1


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


def test_a_host_that_stops_answering_makes_it_look_at_once(
    monitor: Monitor[FakeObserver], observer: FakeObserver
) -> None:
    monitor.start()
    rests(monitor, observer, looks=1)
    observer.seen = Snapshot(offline="gone")
    observer.gone = "gone"
    eventually(lambda: monitor.snapshot().offline)
    assert observer.looks == 2


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
