"""Keep how every delivery stands: in memory at once, in the store as soon as it takes it; deciding is left to others.

A store that is down or slow delays no alert: its calls run one at a time in a thread of their own, and who needs an
answer of it waits for a short time only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from core.errors import StoreError
from core.model.alert import Delivery, DeliveryState
from core.ports import Clock
from core.ports.store import DeliveryStore

log = logging.getLogger(__name__)

T = TypeVar("T")

REMEMBERED = 1000
_PATIENCE_S = 2.0
_PAUSE_AFTER_FAILURE_S = 30.0


class Ledger:
    """All deliveries that matter now; `standing` is replaced, never changed, so that any thread may read it."""

    def __init__(self, store: DeliveryStore, clock: Clock, *, patience_s: float = _PATIENCE_S) -> None:
        self._store = store
        self._clock = clock
        self._patience_s = patience_s
        self._standing: Mapping[str, Delivery] = {}
        self._unsaved: dict[str, Delivery] = {}
        self._failed_at: float | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switchyard-alerts")

    @property
    def standing(self) -> Mapping[str, Delivery]:
        """Return the deliveries by notice."""
        return self._standing

    @property
    def unsaved(self) -> int:
        """Return how many deliveries the store has not taken yet."""
        return len(self._unsaved)

    def put(self, delivery: Delivery) -> None:
        """Note how a delivery stands now; `save` brings it to the store."""
        self._unsaved[delivery.notice_id] = delivery
        self._replace({**self._standing, delivery.notice_id: delivery})

    async def save(self) -> None:
        """Bring to the store what it has not taken yet; what it refuses now is tried the next time."""
        for notice_id, delivery in list(self._unsaved.items()):
            if not await self._finish(partial(self._store.put, delivery)):
                return
            if self._unsaved.get(notice_id) is delivery:
                del self._unsaved[notice_id]

    async def learn(self) -> None:
        """Take over what the store knows, of an earlier run or of another process."""
        kept = await self.ask(partial(self._store.latest, REMEMBERED))
        if kept:
            newer = {item.notice_id: item for item in kept if item.notice_id not in self._unsaved}
            self._replace({**self._standing, **newer})

    async def find(self, notice_id: str) -> Delivery | None:
        """Return a delivery, from the store too when it is not among the remembered ones."""
        if found := self._standing.get(notice_id):
            return found
        kept = await self.ask(partial(self._store.get, notice_id))
        if kept:
            self._replace({**self._standing, notice_id: kept})
        return kept

    async def ask(self, question: Callable[[], T]) -> T | None:
        """Ask the database something; None when it does not answer soon, and for a while after it did not."""
        if self._failed_at is not None and self._clock.monotonic() - self._failed_at < _PAUSE_AFTER_FAILURE_S:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                result = await asyncio.get_running_loop().run_in_executor(self._executor, question)
        except (StoreError, TimeoutError) as exc:
            self._note_failure(exc)
            return None
        self._failed_at = None
        return result

    def close(self) -> None:
        """Let the thread go without waiting for it."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _finish(self, work: Callable[[], None]) -> bool:
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except StoreError as exc:
            self._note_failure(exc)
            return False
        self._failed_at = None
        return True

    def _note_failure(self, exc: Exception) -> None:
        if self._failed_at is None:
            log.warning("deliveries of alerts are not being kept: %s", exc or type(exc).__name__)
        self._failed_at = self._clock.monotonic()

    def _replace(self, standing: Mapping[str, Delivery]) -> None:
        """Forget the oldest of what is over; what is under way or not kept yet is never forgotten."""
        if len(standing) > REMEMBERED:
            newest = sorted(standing.values(), key=lambda item: item.at)[-REMEMBERED:]
            wanted = {item.notice_id for item in newest} | self._unsaved.keys()
            standing = {
                notice_id: item
                for notice_id, item in standing.items()
                if notice_id in wanted or item.state is DeliveryState.WAITING
            }
        self._standing = standing
