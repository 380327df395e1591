"""Keep one snapshot fresh: one daemon thread per process with its own loop, which nobody waits for.

What is looked at is the observer's business; when to look, and handing the picture to readers, is decided here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import random
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from core.model.snapshot import Problem, Progress, Snapshot
from core.ports import Clock

log = logging.getLogger(__name__)

_JITTER = 0.2
_RETRY_WHEN_OFFLINE_S = 5.0


class Observer(Protocol):
    """What the monitor drives; it lives inside the monitor's loop."""

    async def look(self, previous: Snapshot, publish: Callable[[Snapshot], None]) -> Snapshot:
        """Detect, resolve and probe once; publish the picture as it grows and return the final one."""
        ...

    async def unreachable(self) -> str | None:
        """Return why the workspace cannot be connected to, None when it can; costs nothing."""
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
        sweep_interval_s: float,
        host_interval_s: float,
    ) -> None:
        self._open_observer = open_observer
        self._clock = clock
        self._snapshot = replace(first, interval_s=sweep_interval_s)
        self._sweep_interval_s = sweep_interval_s
        self._host_interval_s = host_interval_s
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
        if self._snapshot.progress.running:
            return
        self._publish(replace(self._snapshot, progress=Progress(running=True)))
        self._loop.call_soon_threadsafe(self._wake.set)

    def submit(self, work: Callable[[Watched], Awaitable[T]]) -> concurrent.futures.Future[T]:
        """Run work with the observer inside the monitor's loop, beside its sweeps."""
        return asyncio.run_coroutine_threadsafe(self._with_observer(work), self._loop)

    async def _with_observer(self, work: Callable[[Watched], Awaitable[T]]) -> T:
        return await work(await asyncio.shield(self._observer))

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

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
                while True:
                    self._wake.clear()
                    await self._look_once(observer)
                    await self._wait_for_next(observer)
            finally:
                await _end_all_others()

    async def _look_once(self, observer: Watched) -> None:
        try:
            seen = await observer.look(self._snapshot, self._publish)
        except Exception:
            # The scheduler's own edge: a fault of ours must not end the watch, and must not look like health.
            log.exception("the sweep failed")
            seen = replace(self._snapshot, results=(), problem=_OWN_FAULT)
        pause_s = self._sweep_interval_s * random.uniform(1 - _JITTER, 1 + _JITTER)
        if seen.offline:
            pause_s = min(pause_s, _RETRY_WHEN_OFFLINE_S)
        next_at = self._clock.now() + timedelta(seconds=pause_s)
        self._publish(replace(seen, progress=replace(seen.progress, running=False), next_sweep_at=next_at))

    async def _wait_for_next(self, observer: Watched) -> None:
        """Return when the next sweep is due, asked for, or made urgent by a host that stopped answering."""
        due = self._snapshot.next_sweep_at or self._clock.now()
        while (left_s := (due - self._clock.now()).total_seconds()) > 0:
            try:
                await asyncio.wait_for(self._wake.wait(), min(left_s, self._host_interval_s))
                return
            except TimeoutError:
                if not self._snapshot.offline and await observer.unreachable():
                    return


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
