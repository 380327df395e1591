"""See that every due notice reaches its channel, beside the monitor and never in its way.

What is due is decided in `decide`, what a failed try means in `outcome`. A notice is sent at least once: after a crash
in the moment of sending it comes again, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta

from core.alerts.decide import due, probe_of_channel
from core.alerts.known import KnownIncidents
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
_ABANDONED_AFTER = timedelta(seconds=30)
_OWN_FAULT = Attempt(sent=False, detail="Switchyard itself failed to send this; its log says why.")
_KEEPING = "keeping"


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
        self._known = KnownIncidents(incident_of)
        self._ledger = Ledger(store, clock)
        self._wake = asyncio.Event()
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
        self._known.note(incident for _, incident in changed)
        if changed:
            self._wake.set()

    async def test(self, channel: str) -> Delivery:
        """Send a test message to a channel, once, and return how it went."""
        if (wanted := self._channel(channel)) is None:
            raise ConfigurationError(
                f"There is no alert channel named {channel!r}.",
                code="unknown_channel",
                remedy="Name one of: " + ", ".join(item.name for item in self.channels) + ".",
            )
        notice = probe_of_channel(channel, self._clock.now())
        delivery = after(delivery_of(notice), await self._attempt(wanted, notice), self._clock.now())
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
        came_in_charge = lasting is not None and not self._in_charge
        self._in_charge = lasting is not None
        if came_in_charge or self._is_time_to_learn():
            self._learned_at = self._clock.monotonic()
            await self._ledger.learn()
            if lasting is not None:
                await self._known.learn_of_ends(self._ledger, lasting)
        self._known.forget(self._clock.now())
        if lasting is not None:
            self._known.note(lasting)
            await self._accept_due(lasting)
        for channel in {item.channel for item in self._ripe()}:
            self._start(f"channel {channel}", self._send_ripe(channel))
        if self._ledger.unsaved:
            self._start(_KEEPING, self._ledger.save())

    async def settle(self) -> None:
        """Wait until everything that is being sent or kept now is done."""
        await asyncio.gather(*self._tasks.values())

    async def _wait(self) -> None:
        now = self._clock.now()
        times = [item.next_at for item in self._waiting() if item.next_at and item.notice_id in self._ours]
        left_s = min([_LOOK_EVERY_S, *((at - now).total_seconds() for at in times)])
        # A second at least: what is being sent just now still counts as due. And no `wait_for`, which on Python 3.11
        # loses the cancellation that ends us when it comes together with a wake.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(left_s, 1.0)):
                await self._wake.wait()

    def _is_time_to_learn(self) -> bool:
        return self._learned_at is None or self._clock.monotonic() - self._learned_at >= _LEARN_EVERY_S

    async def _accept_due(self, lasting: Sequence[Incident]) -> None:
        incidents = [*lasting, *self._known.ended()]
        for notice in due(incidents, self._ledger.standing.values(), self._settings, self._clock.now()):
            if await self._ledger.find(notice.id) is None:
                self._ours.add(notice.id)
                self._ledger.put(delivery_of(notice))

    def _waiting(self) -> list[Delivery]:
        return [item for item in self._ledger.standing.values() if item.state is DeliveryState.WAITING]

    def _ripe(self) -> list[Delivery]:
        """Return what is to be tried now, oldest first."""
        return sorted((item for item in self._waiting() if self._is_ripe(item)), key=lambda item: item.at)

    def _is_ripe(self, delivery: Delivery) -> bool:
        """What another process left lying is ours after a while, if we are the ones in charge now."""
        late = self._clock.now() - (delivery.next_at or delivery.at)
        if delivery.notice_id not in self._ours and self._in_charge and late >= _ABANDONED_AFTER:
            self._ours.add(delivery.notice_id)
        return delivery.notice_id in self._ours and late >= timedelta(0)

    def _start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Run work beside the loop, one at a time per name: messages of a channel keep their order."""
        running = self._tasks.get(name)
        if running and not running.done():
            work.close()
            return
        self._tasks[name] = asyncio.get_running_loop().create_task(work, name=f"alerts, {name}")

    async def _send_ripe(self, channel: str) -> None:
        for delivery in self._ripe():
            if delivery.channel == channel:
                self._ledger.put(await self._tried(delivery))
        self._wake.set()

    async def _tried(self, delivery: Delivery) -> Delivery:
        """Return how a delivery stands after one more try, or that it is given up without one."""
        now = self._clock.now()
        if (channel := self._channel(delivery.channel)) is None:
            return closed(delivery, "There is no channel of this name any more.")
        if self._is_overtaken(delivery):
            return closed(delivery, "A newer message about the same incident took its place.")
        incident = await self._known.find(delivery.incident_id or "", self._ledger)
        if incident is None:
            return after(delivery, Attempt(sent=False, detail="Its incident could not be read."), now)
        if incident.ended_at and delivery.kind is not NoticeKind.RESOLVED:
            return closed(delivery, "The incident was over before this could be sent.")
        notice = Notice(
            id=delivery.notice_id,
            kind=delivery.kind,
            channel=delivery.channel,
            rule=delivery.rule,
            at=delivery.at,
            incident=incident,
        )
        return after(delivery, await self._attempt(channel, notice), self._clock.now())

    def _is_overtaken(self, delivery: Delivery) -> bool:
        return any(
            other.at > delivery.at and (other.incident_id, other.channel) == (delivery.incident_id, delivery.channel)
            for other in self._ledger.standing.values()
        )

    async def _attempt(self, channel: Channel, notice: Notice) -> Attempt:
        try:
            return await self._senders[channel.kind].send(channel, notice, self._clock.now())
        except Exception:
            # The sending's own edge: a fault of ours is a failed try like any other, and must show as one.
            log.exception("sending alert %s failed", notice.id)
            return _OWN_FAULT

    def _channel(self, name: str) -> Channel | None:
        return next((channel for channel in self.channels if channel.name == name), None)
