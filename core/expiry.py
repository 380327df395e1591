"""End overrides in time, settle what was interrupted, and know which overrides last; beside the watch, in its loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.change.overrides import due
from core.errors import StoreError
from core.model.change import WRITTEN
from core.observer import Observer
from core.ports import Clock
from core.switchboard import Switchboard

log = logging.getLogger(__name__)

# How late an override may end.
_EVERY_S = 2.0
# A process that died keeps its target for half a minute, and a deployment goes on without it: once is not enough.
SETTLE_S = 30.0
# What cannot be ended now is on record each time; these are the waits between the tries.
FIRST_RETRY_S, LAST_RETRY_S = 10.0, 300.0


def _tell_nobody() -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retry:
    at: float
    wait_s: float


class Expiry:
    """Look every few seconds; the observer shows which overrides last.

    `after` is told when something was put back, because what is shown of the agents is as old as the last sweep.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        clock: Clock,
        *,
        after: Callable[[], None] = _tell_nobody,
        every_s: float = _EVERY_S,
    ) -> None:
        self._switchboard = switchboard
        self._clock = clock
        self._after = after
        self._every_s = every_s
        self._settles_at: float | None = None
        self._retries: dict[str, _Retry] = {}

    async def run(self, observer: Observer) -> None:
        """Look again and again; a database that is away is asked again later."""
        while True:
            try:
                await self.step(observer)
            except StoreError as exc:
                log.warning("overrides cannot be looked at: %s", exc.message)
            except Exception:
                # This loop's own edge: a timer that stops would let every override stand for ever.
                log.exception("looking at overrides failed")
            await asyncio.sleep(self._every_s)

    async def step(self, observer: Observer) -> None:
        """Look once: settle first, so that nothing is written over what was interrupted; raises StoreError."""
        await self.look(observer)
        await self._settle(observer)
        waiting = {name for name, retry in self._retries.items() if retry.at > self._clock.monotonic()}
        over = {override.id for override in due(observer.overrides, self._clock.now())}
        if observer.leads and over - waiting:
            ended = await self._switchboard.revert_expired(observer, but=waiting)
            await self.look(observer)
            # What could not be ended has changed nothing, and is tried again for as long as that takes.
            if any(one.state in WRITTEN for one in ended):
                self._after()
            self._put_off(over - waiting, observer)

    async def look(self, observer: Observer) -> None:
        """Read which overrides last; raises StoreError."""
        observer.overrides = await asyncio.to_thread(self._switchboard.overrides)

    async def _settle(self, observer: Observer) -> None:
        now = self._clock.monotonic()
        if self._settles_at is None or now >= self._settles_at:
            if await self._switchboard.settle(observer):
                self._after()
            self._settles_at = now + SETTLE_S

    def _put_off(self, tried: set[str], observer: Observer) -> None:
        """Try again later what is still due, each time after a longer wait."""
        now = self._clock.monotonic()
        still = {override.id for override in due(observer.overrides, self._clock.now())}
        for name in tried & still:
            before = self._retries.get(name)
            wait_s = min(before.wait_s * 2, LAST_RETRY_S) if before else FIRST_RETRY_S
            self._retries[name] = _Retry(at=now + wait_s, wait_s=wait_s)
        self._retries = {name: retry for name, retry in self._retries.items() if name in still}
