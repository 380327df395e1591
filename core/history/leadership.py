"""Decide which of several processes on one database probes: the lease's holder, and every one when it is down.

What follows from it, to probe or to follow, is the monitor's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from core.errors import StoreError
from core.ports import Clock
from core.ports.store import Lease, LeaseStore

log = logging.getLogger(__name__)

LEASE = "monitor"

_TTL_S = 20.0
_EVERY_S = 5.0
# A lease counts as ended this share of its time early: requests that are under way need a moment to end.
_MARGIN = 0.1
_POLL_S = 0.5
# Live results come first: a start does not wait longer than this to learn who probes.
_FIRST_ANSWER_S = 2.0
_RELEASE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenure:
    """What is known of the lease, in seconds of this process' own clock.

    `held_until` is when ours ends at the latest, None while it is not ours. `other` is who else holds it.
    `answered_at` is when the database last said anything about it, `refused` that it cannot at the moment.
    """

    held_until: float | None = None
    other: str = ""
    answered_at: float | None = None
    refused: bool = False


def answered(lease: Lease, holder: str, asked_at: float, ttl_s: float) -> Tenure:
    """Return what an answer means; ours is counted from when we asked, so that it never ends later than there."""
    if lease.holder != holder:
        return Tenure(other=lease.holder, answered_at=asked_at)
    return Tenure(held_until=asked_at + min(lease.left_s, ttl_s) - _MARGIN * ttl_s, answered_at=asked_at)


def leads(tenure: Tenure, now: float, ttl_s: float) -> bool:
    """Say whether this process probes: with the lease, or when nobody can know who has it.

    Another's lease is waited out before a database that is down makes us probe, because it may be down for us alone.
    """
    if tenure.held_until is not None and now < tenure.held_until:
        return True
    return tenure.refused and (tenure.answered_at is None or now >= tenure.answered_at + ttl_s - _MARGIN * ttl_s)


class Leadership:
    """Hold on to the lease, or wait for it; `leads` is a look at the clock and never blocks."""

    def __init__(
        self,
        leases: LeaseStore,
        holder: str,
        clock: Clock,
        *,
        ttl_s: float = _TTL_S,
        every_s: float = _EVERY_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._leases = leases
        self._holder = holder
        self._clock = clock
        self._ttl_s = ttl_s
        self._every_s = every_s
        self._sleep = sleep
        self._tenure = Tenure()
        self._said = ""

    @property
    def leads(self) -> bool:
        """Say whether this process probes at this moment."""
        return leads(self._tenure, self._clock.monotonic(), self._ttl_s)

    @property
    def leader(self) -> str:
        """Name who probes, for people; empty while nobody knows."""
        if not self.leads:
            return self._tenure.other
        held_until = self._tenure.held_until
        is_held = held_until is not None and self._clock.monotonic() < held_until
        return self._holder if is_held else f"{self._holder}, because the database cannot say who else does"

    async def begin(self) -> None:
        """Ask once, before anything is probed."""
        await self._ask(patience_s=_FIRST_ANSWER_S)

    async def run(self) -> None:
        """Keep asking, until cancelled."""
        while True:
            await self._sleep(self._every_s)
            await self._ask(patience_s=self._ttl_s)

    async def until_lost(self) -> None:
        """Return when this process may no longer probe, also while the database leaves a question unanswered."""
        while self.leads:
            await self._sleep(_POLL_S)

    async def release(self) -> None:
        """Stop probing and give the lease back, if that is possible soon; it ends by itself otherwise."""
        was_held = self._tenure.held_until is not None
        self._tenure = Tenure(answered_at=self._clock.monotonic())
        if not was_held:
            return
        try:
            giving = asyncio.to_thread(self._leases.release, LEASE, self._holder)
            await asyncio.wait_for(giving, _RELEASE_S)
        except (StoreError, TimeoutError) as exc:
            log.info("the lease is left to end by itself: %s", exc)

    async def _ask(self, *, patience_s: float) -> None:
        """Ask for the lease; while there is no answer, not even an error, our right to probe ends with our lease."""
        asked_at = self._clock.monotonic()
        taking = asyncio.to_thread(self._leases.take, LEASE, self._holder, self._ttl_s)
        try:
            lease = await asyncio.wait_for(taking, patience_s)
        except (StoreError, TimeoutError):
            self._tenure = replace(self._tenure, refused=True)
        else:
            self._tenure = answered(lease, self._holder, asked_at, self._ttl_s)
        self._say()

    def _say(self) -> None:
        now = f"probing here, as {self.leader}" if self.leads else f"not probing here but at {self.leader or 'nobody'}"
        if now != self._said:
            log.info("%s", now)
            self._said = now


__all__ = ["LEASE", "Leadership", "Tenure", "answered", "leads"]
