"""Count requests and tokens, per sweep and per UTC day, and say when the day's budget is used up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from core.catalog.spellings import model_id
from core.errors import StoreError
from core.model.probe import Tokens
from core.model.usage import Price, Usage
from core.ports import Clock

log = logging.getLogger(__name__)


class UsageStore(Protocol):
    def add(self, counted: Usage) -> Usage:
        """Add to what is kept of that day and return the day's whole; raises StoreError when that is not possible."""
        ...


class Meter:
    """The count of one process; what was counted is added to the store, which other processes add to as well."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: UsageStore | None = None,
        daily_tokens: int = 0,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._daily_tokens = daily_tokens
        self.prices = {model_id(model): price for model, price in (prices or {}).items()}
        self._kept = Usage(day=self._today())
        self._requests = 0
        self._models: dict[str, list[int]] = {}
        self._tokens = 0

    def _today(self) -> date:
        return self._clock.now().date()

    def count(self, model: str, tokens: Tokens) -> None:
        """Count one request and the tokens it cost."""
        self._requests += 1
        sent, received = tokens.input or 0, tokens.output or 0
        if sent or received:
            counts = self._models.setdefault(model_id(model), [0, 0])
            counts[0] += sent
            counts[1] += received
            self._tokens += sent + received

    @property
    def today(self) -> Usage:
        """Return the day's usage so far."""
        return self._kept.plus(self._uncounted()) if self._kept.day == self._today() else self._uncounted()

    def _uncounted(self) -> Usage:
        models = {model: (counts[0], counts[1]) for model, counts in self._models.items()}
        return Usage(day=self._today(), requests=self._requests, models=models)

    async def settle(self) -> None:
        """Add what was counted since the last time to the store, and take up what others added to it."""
        counted = self._uncounted()
        self._requests, self._models, self._tokens = 0, {}, 0
        self._kept = self._kept.plus(counted)
        if self._store is None:
            return
        try:
            self._kept = await asyncio.to_thread(self._store.add, counted)
        except StoreError as exc:
            # Counting goes on in memory: a full disk must not stop the watch.
            log.warning("usage not kept: %s", exc.message)

    def exhausted(self) -> str | None:
        """Return in one sentence that the day's budget is used up, None while it is not."""
        if not self._daily_tokens:
            return None
        kept = self._kept.total_tokens if self._kept.day == self._today() else 0
        used = kept + self._tokens
        if used < self._daily_tokens:
            return None
        return (
            f"Today's budget of {self._daily_tokens:,} tokens is used up ({used:,} used, UTC day): "
            "hosts are still checked, models are not asked until midnight UTC."
        )
