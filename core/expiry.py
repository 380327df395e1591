"""End overrides in time, settle what was interrupted, and know which overrides last; beside the watch, in its loop."""

from __future__ import annotations

import asyncio
import logging

from core.change.overrides import due
from core.errors import StoreError
from core.observer import Observer
from core.ports import Clock
from core.switchboard import Switchboard

log = logging.getLogger(__name__)

# How late an override may end.
_EVERY_S = 2.0


class Expiry:
    """Look every few seconds; the observer shows which overrides last."""

    def __init__(self, switchboard: Switchboard, clock: Clock, every_s: float = _EVERY_S) -> None:
        self._switchboard = switchboard
        self._clock = clock
        self._every_s = every_s
        self._settled = False

    async def run(self, observer: Observer) -> None:
        """Look again and again; a database that is away is asked again later."""
        while True:
            try:
                await self.look(observer)
                if not self._settled:
                    await self._switchboard.settle(observer)
                    self._settled = True
                if observer.leads and due(observer.overrides, self._clock.now()):
                    await self._switchboard.revert_expired(observer)
                    await self.look(observer)
            except StoreError as exc:
                log.warning("overrides cannot be looked at: %s", exc.message)
            await asyncio.sleep(self._every_s)

    async def look(self, observer: Observer) -> None:
        """Read which overrides last; raises StoreError."""
        observer.overrides = await asyncio.to_thread(self._switchboard.overrides)
