"""Keep one snapshot fresh: one daemon thread per process with its own loop, which nobody waits for.

When to look is the cadence's decision and what is seen the observer's; here time passes and readers get the picture.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from core.model.history import Cadence
from core.model.snapshot import Problem, Progress, Snapshot
from core.ports import Clock
from core.probe.cadence import (
    JITTER,
    Agenda,
    Intervals,
    Kind,
    Look,
    Unsettled,
    after,
    at_once,
    cadence_of,
    due,
    first_agenda,
    next_at,
    urgent,
)

log = logging.getLogger(__name__)

# The clock is read anew this often, so that a machine that was asleep goes on at once.
_TICK_S = 1.0
# How often a process that does not probe itself takes up what the one that does has kept.
_FOLLOW_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsSeen:
    """What a check of the hosts found: the workspace gone, or the routes whose host is gone or back."""

    offline: bool = False
    routes: frozenset[str] = frozenset()


class Observer(Protocol):
    """What the monitor drives; it lives inside the monitor's loop."""

    @property
    def leads(self) -> bool:
        """Say whether this process is the one that probes."""
        ...

    async def until_lost(self) -> None:
        """Return when this process may no longer probe."""
        ...

    async def recall(self, previous: Snapshot) -> Snapshot:
        """Return the picture with what is remembered from before; a store that is down is not waited for."""
        ...

    async def look(self, previous: Snapshot, publish: Callable[[Snapshot], None], look: Look) -> Snapshot:
        """Look once, publish the picture as it grows, and return the final one."""
        ...

    async def check_hosts(self, previous: Snapshot) -> HostsSeen:
        """Check every host of the routes; costs no tokens."""
        ...

    async def follow(self, previous: Snapshot, *, detect: bool) -> Snapshot:
        """Return the picture with what the process that probes has kept."""
        ...

    def refreshed(self, previous: Snapshot) -> Snapshot:
        """Return the picture with what changed beside the looks, the same one when nothing did."""
        ...

    def news(self) -> frozenset[str]:
        """Return the routes that became known beside the looks, and that nobody has asked yet; each is told once."""
        ...

    def unsettled(self) -> Unsettled:
        """Return the routes whose health is still being confirmed, by depth."""
        ...


Watched = TypeVar("Watched", bound=Observer)
T = TypeVar("T")


class Monitor(Generic[Watched]):
    """Run an observer on a schedule; `snapshot()` is one reference read and never blocks."""

    def __init__(
        self,
        open_observer: Callable[[], AbstractAsyncContextManager[Watched]],
        *,
        clock: Clock,
        first: Snapshot,
        intervals: Intervals,
        tick_s: float = _TICK_S,
    ) -> None:
        self._open_observer = open_observer
        self._clock = clock
        self._intervals = intervals
        self._tick_s = tick_s
        self._agenda = first_agenda(intervals, clock.now())
        self._led = True
        self._sweeping = False
        self._asked = False
        self._snapshot = replace(first, interval_s=intervals.reach_s)
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._observer: asyncio.Future[Watched] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="switchyard-monitor", daemon=True)

    def start(self) -> None:
        """Start looking; returns at once."""
        self._task = self._loop.create_task(self._work())
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop and close all connections; return whether that was done in time."""
        if not self._thread.is_alive():
            self._loop.close()
            return True
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def snapshot(self) -> Snapshot:
        """Return the newest picture."""
        return self._snapshot

    def request_sweep(self) -> None:
        """Ask for a sweep now; returns at once, and does nothing while one is running."""
        if not self._sweeping:
            self.sweep_anew()

    def sweep_anew(self) -> None:
        """Ask for a sweep that begins after this; one that is running may not have seen what was changed just now."""
        if self._asked:
            return
        self._asked = True
        self._publish(self._snapshot)
        self._loop.call_soon_threadsafe(self._wake.set)

    def submit(self, work: Callable[[Watched], Awaitable[T]]) -> concurrent.futures.Future[T]:
        """Run work with the observer inside the monitor's loop, beside its looks."""
        return asyncio.run_coroutine_threadsafe(self._with_observer(work), self._loop)

    async def _with_observer(self, work: Callable[[Watched], Awaitable[T]]) -> T:
        return await work(await asyncio.shield(self._observer))

    def _publish(self, seen: Snapshot) -> None:
        if self._asked and not seen.progress.running:
            seen = replace(seen, progress=Progress(running=True))
        cadence = cadence_of(self._agenda, self._intervals) if self._led else _without_times(self._intervals)
        if seen.cadence != cadence:
            seen = replace(seen, cadence=cadence, next_sweep_at=cadence.next_reach_at)
        self._snapshot = seen

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _work(self) -> None:
        async with self._open_observer() as observer:
            self._observer.set_result(observer)
            try:
                await self._recall(observer)
                while True:
                    await self._turn(observer)
            finally:
                await _end_all_others()

    async def _turn(self, observer: Watched) -> None:
        """Do what is due, or wait a little."""
        if observer.leads != self._led:
            await self._take_over(observer)
        if self._asked:
            self._agenda = at_once(self._agenda, self._clock.now())
        looks = due(self._agenda, self._clock.now())
        if not looks:
            await self._rest(observer)
        elif not self._led:
            await self._follow(observer, detect=looks[0].kind is Kind.REACH)
        elif looks[0].kind is Kind.HOSTS:
            await self._check_hosts(observer)
        else:
            await _unless(observer.until_lost(), self._look(observer, looks))

    async def _take_over(self, observer: Watched) -> None:
        """Begin to probe where another process left off, or leave it to that one."""
        self._led = observer.leads
        self._agenda = first_agenda(self._intervals, self._clock.now())
        if self._led:
            await self._recall(observer)

    async def _recall(self, observer: Watched) -> None:
        try:
            self._publish(await observer.recall(self._snapshot))
        except Exception:
            # The scheduler's own edge: without a memory the watch still begins.
            log.exception("nothing was recalled")

    async def _look(self, observer: Watched, looks: tuple[Look, ...]) -> None:
        kind = looks[0].kind
        seen = self._snapshot
        self._sweeping, self._asked = kind is Kind.REACH, self._asked and kind is not Kind.REACH
        try:
            for look in looks:
                seen = await observer.look(seen, self._publish, look)
        except Exception:
            # The scheduler's own edge: a fault of ours must not end the watch, and must not look like health.
            log.exception("the sweep failed")
            seen = replace(self._snapshot, results=(), problem=_OWN_FAULT)
        finally:
            self._sweeping = False
        self._agenda = self._after(kind, seen, observer.unsettled())
        self._publish(replace(seen, progress=replace(seen.progress, running=False)))

    def _after(self, kind: Kind, seen: Snapshot, unsettled: Unsettled) -> Agenda:
        return after(
            self._agenda,
            kind,
            now=self._clock.now(),
            intervals=self._intervals,
            unsettled=unsettled,
            offline=seen.offline is not None,
            jitter=lambda: random.uniform(1 - JITTER, 1 + JITTER),
        )

    async def _check_hosts(self, observer: Watched) -> None:
        """Look at the hosts; what is gone or back is asked at once."""
        found = HostsSeen()
        try:
            found = await observer.check_hosts(self._snapshot)
        except Exception:
            # The scheduler's own edge, as above: the next sweep says more.
            log.exception("the check of the hosts failed")
        self._agenda = self._after(Kind.HOSTS, self._snapshot, observer.unsettled())
        now = self._clock.now()
        self._agenda = at_once(self._agenda, now) if found.offline else urgent(self._agenda, now, found.routes)
        self._publish(self._snapshot)

    async def _follow(self, observer: Watched, *, detect: bool) -> None:
        """Take up what another process found out."""
        self._asked = False
        seen = self._snapshot
        try:
            seen = await observer.follow(seen, detect=detect)
        except Exception:
            # The scheduler's own edge, as above: what is shown grows old and says so.
            log.exception("following failed")
        now = self._clock.now()
        again_at = now + timedelta(seconds=_FOLLOW_S)
        reach_at = now + timedelta(seconds=self._intervals.reach_s) if detect else self._agenda.reach_at
        self._agenda = Agenda(reach_at=reach_at, hosts_at=again_at, faithful_at=None)
        self._publish(replace(seen, progress=replace(seen.progress, running=False)))

    async def _rest(self, observer: Watched) -> None:
        """Wait for the next thing that is due, but not for long."""
        left_s = (next_at(self._agenda) - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(0.0, min(left_s, self._tick_s)))
        self._wake.clear()
        seen = observer.refreshed(self._snapshot)
        if self._led:
            self._agenda = urgent(self._agenda, self._clock.now(), observer.news())
        self._publish(seen)


def _without_times(intervals: Intervals) -> Cadence:
    """Return the cadence of a process that does not probe: when the next look comes is another's decision."""
    return Cadence(hosts_s=intervals.hosts_s, reach_s=intervals.reach_s, faithful_s=intervals.faithful_s)


async def _unless(ended: Coroutine[None, None, None], work: Coroutine[None, None, None]) -> None:
    """Do the work, and cancel it when the other one ends first."""
    working, ending = asyncio.create_task(work), asyncio.create_task(ended)
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        ending.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _end_all_others() -> None:
    """Cancel whatever still runs in this loop, so that nothing uses connections that are being closed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


_OWN_FAULT = Problem(
    code="internal_error",
    message="The last sweep failed inside Switchyard.",
    remedy="See the log of this process; the next sweep tries again.",
)
