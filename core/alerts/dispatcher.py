"""See that every due notice reaches its channel, beside the monitor and never in its way.

What is due is decided in `decide`, what a failed try means in `outcome`. A notice is sent at least once: after a crash
in the moment of sending it comes again, under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.alerts.decide import due, probe_of_channel
from core.alerts.ledger import Ledger
from core.alerts.outcome import after, closed, delivery_of
from core.alerts.sending import Attempt, Sender
from core.errors import ConfigurationError
from core.model.alert import AlertSettings, Channel, ChannelKind, Delivery, DeliveryState, Notice, NoticeKind
from core.model.incident import Incident
from core.ports import Clock
from core.ports.store import DeliveryStore

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 15.0
_LEARN_EVERY_S = 60.0
_ABANDONED_AFTER_S = 30.0
_ENDED_REMEMBERED = timedelta(days=2)
_OWN_FAULT = Attempt(sent=False, detail="Switchyard itself failed to send this; its log says why.")


class Dispatcher:
    """Send what is due and keep how it went.

    `open_incidents` returns the incidents that last, or None while another process is in charge of this database;
    `incident_of` reads one incident from the store. Everything but `deliveries` belongs to one event loop.
    """

    def __init__(
        self,
        settings: AlertSettings,
        *,
        store: DeliveryStore,
        senders: Mapping[ChannelKind, Sender],
        clock: Clock,
        open_incidents: Callable[[], Sequence[Incident] | None],
        incident_of: Callable[[str], Incident | None],
    ) -> None:
        self._settings = settings
        self._senders = senders
        self._clock = clock
        self._open_incidents = open_incidents
        self._incident_of = incident_of
        self._ledger = Ledger(store, clock)
        self._wake = asyncio.Event()
        self._incidents: dict[str, Incident] = {}
        self._looked_up: set[str] = set()
        self._ours: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._learned_at: float | None = None
        self._in_charge = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels that the alerts file names."""
        return self._settings.channels

    def deliveries(self, limit: int = 50) -> tuple[Delivery, ...]:
        """Return how the newest deliveries stand, newest first; from any thread."""
        return tuple(sorted(self._ledger.standing.values(), key=lambda item: item.at, reverse=True)[:limit])

    def take(self, changed: Sequence[tuple[NoticeKind, Incident]]) -> None:
        """Note incidents that opened, worsened or were resolved; returns at once."""
        self._incidents |= {incident.id: incident for _, incident in changed}
        if changed:
            self._wake.set()

    async def test(self, channel: str) -> Delivery:
        """Send a test message to a channel, once, and return how it went."""
        if self._channel(channel) is None:
            raise ConfigurationError(
                f"There is no alert channel named {channel!r}.",
                code="unknown_channel",
                remedy="Name one of: " + ", ".join(item.name for item in self.channels) + ".",
            )
        notice = probe_of_channel(channel, self._clock.now())
        delivery = after(delivery_of(notice), await self._try(notice), self._clock.now())
        self._ledger.put(delivery)
        self._wake.set()
        return delivery

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self.look()
                except Exception:
                    # The loop's own edge: a fault of ours with one incident must not silence all later alerts.
                    log.exception("looking for due alerts failed")
                await self._wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            self._ledger.close()

    async def look(self) -> None:
        """Find what is due once, and start to send it; `settle` waits for the sending."""
        lasting = self._open_incidents()
        came_in_charge, self._in_charge = lasting is not None and not self._in_charge, lasting is not None
        if came_in_charge or self._is_time_to_learn():
            self._learned_at = self._clock.monotonic()
            await self._ledger.learn()
            await self._learn_of_ends(lasting or ())
        if lasting is not None:
            self._incidents |= {incident.id: incident for incident in lasting}
            await self._accept(lasting)
        self._forget_old_ends()
        for channel in {item.channel for item in self._ripe()}:
            self._start(f"channel {channel}", lambda name=channel: self._send_all(name))
        if self._ledger.unsaved:
            self._start("ledger", self._ledger.save)

    async def settle(self) -> None:
        """Wait until everything that is being sent or kept now is done."""
        await asyncio.gather(*self._tasks.values())
