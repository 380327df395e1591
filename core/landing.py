"""Publish results as they land, each folded into what is remembered of its route; what is asked is left to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from core.model.check import without_token
from core.model.probe import Health, ProbeResult
from core.model.route import Route
from core.model.snapshot import Progress, Snapshot

Publish = Callable[[Snapshot], None]
Key = tuple[str, str, str]

# Watching pages refresh once a second, and nobody sees less than this.
_PUBLISH_EVERY_S = 0.1
# An outage is told so long after it was found, while the sweep that found it may hang elsewhere.
_HAND_ON_S = 2.0


class Ledger(Protocol):
    """What results are folded into."""

    def take(self, result: ProbeResult) -> ProbeResult:
        """Fold one result; return what is shown for its route now."""
        ...

    def picture(self, seen: Snapshot) -> Snapshot:
        """Return the picture with how routes stand now."""
        ...

    @property
    def has_news(self) -> bool:
        """Say whether the word of a route has changed since things were handed on last."""
        ...

    def hand_on(self) -> None:
        """Fold what has landed so far into incidents, and tell who wants to know."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The routes of one round: all that are shown, and those of them that are asked and that are paused."""

    shown: Sequence[Route]
    routes: Sequence[Route]
    paused: frozenset[Key] = frozenset()
    # A few routes that are asked again are no sweep, and pages do not speak of them.
    quiet: bool = False
    # What is shown besides, as it is.
    beside: tuple[ProbeResult, ...] = ()


class Landing:
    """Put results as they land in place of the former ones of the same slot and identity.

    The first one is published at once, those that come right after it together: a picture for each of 480 results
    would cost as much as judging them.
    """

    def __init__(self, seen: Snapshot, asked: Asked, publish: Publish, ledger: Ledger) -> None:
        self._seen = seen
        self._asked = asked
        self._keys = [key_of_route(route) for route in asked.shown]
        shown = {without_token(route) for route in asked.shown}
        # A verdict on another model or address says nothing about what the slot is set to now.
        former = ((key_of_route(result.route), result) for result in seen.results if result.route in shown)
        self._results = {key: self._as_paused(key, result) for key, result in former}
        self._publish = publish
        self._ledger = ledger
        self._done = 0
        self.pending: asyncio.TimerHandle | None = None
        self._handing_on: asyncio.TimerHandle | None = None
        self._published_at = 0.0

    def __enter__(self) -> Self:
        self._publish_now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in (self.pending, self._handing_on):
            if timer is not None:
                timer.cancel()

    @property
    def results(self) -> tuple[ProbeResult, ...]:
        """Return what is shown for each route now, in the order of the routes."""
        own = tuple(self._results[key] for key in self._keys if key in self._results)
        return own + self._asked.beside

    def take(self, result: ProbeResult) -> None:
        """Add one result, and publish it now or with those that follow at once."""
        self._done += 1
        key = key_of_route(result.route)
        self._results[key] = self._ledger.take(self._as_paused(key, result))
        loop = asyncio.get_running_loop()
        if self._handing_on is None and self._ledger.has_news:
            self._handing_on = loop.call_later(_HAND_ON_S, self._hand_on)
        if self.pending is None:
            pause_s = max(0.0, self._published_at + _PUBLISH_EVERY_S - loop.time())
            self.pending = loop.call_later(pause_s, self._publish_now)

    def _as_paused(self, key: Key, result: ProbeResult) -> ProbeResult:
        """A paused agent's route says how it would do, but its word is Paused; what was not asked stays unknown."""
        if key not in self._asked.paused or result.health is Health.UNKNOWN:
            return result
        return replace(result, health=Health.PAUSED)

    def _hand_on(self) -> None:
        self._handing_on = None
        self._ledger.hand_on()
        if self.pending is None:
            self._publish_now()

    def _publish_now(self) -> None:
        self.pending = None
        self._published_at = asyncio.get_running_loop().time()
        progress = Progress(done=self._done, total=len(self._asked.routes), running=True)
        if self._asked.quiet:
            progress = self._seen.progress
        self._publish(self._ledger.picture(replace(self._seen, results=self.results, progress=progress)))


def key_of_route(route: Route) -> Key:
    """Return what a newer verdict replaces: the same slot of the same agent, asked as the same identity."""
    return (route.agent, route.slot, route.identity)
