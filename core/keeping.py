"""Keep the watch of one process: its memory, the recorder behind it, who leads among several, and whom to alert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from core.adapters.alert_senders import open_alert_senders
from core.adapters.alerts_file import read_alerts
from core.alerts.dispatcher import Dispatcher
from core.alerts.words import Origin
from core.errors import ConfigurationError
from core.history.leadership import Leadership
from core.history.recorder import Recorder
from core.memory import Changed, Memory, Outlets
from core.model.alert import AlertSettings, Channel, Delivery
from core.model.audit import AuditEvent
from core.model.history import Batch, Keeping
from core.model.incident import Incident
from core.observer import Observer, open_observer
from core.settings import Settings
from core.wiring import Wiring, holder_name

_FLUSH_S = 5.0
# A database that does not answer must not hold up the start; who probes is found out a little later then.
_PATIENCE_S = 2.0


class Watchkeeping:
    """What belongs to a process that watches all the time; `beside` runs as long as the watch does.

    Raises ConfigurationError for an alerts file that cannot be meant.
    """

    def __init__(self, wiring: Wiring, beside: Callable[[Observer], Awaitable[None]]) -> None:
        self._wiring = wiring
        self._beside = beside
        self._alerts = alerts_of(wiring.settings)
        self._recorder = Recorder(lambda: wiring.database, wiring.clock)
        self._leadership = Leadership(wiring.database.leases, holder_name(), wiring.clock)
        self._dispatcher: Dispatcher | None = None
        outlets = Outlets(
            keep=self._recorder.keep,
            tell=self._tell,
            keeping=self.keeping,
            leads=lambda: self._leadership.leads,
            until_lost=self._leadership.until_lost,
        )
        self.memory = Memory(wiring.settings, wiring.clock, history=wiring.database.history, outlets=outlets)

    def start(self) -> None:
        """Start to keep what is handed on."""
        self._recorder.start()

    def stop(self) -> None:
        """Keep what is left, if that is possible soon."""
        self._recorder.stop(_FLUSH_S)

    def keeping(self) -> Keeping:
        """Return how history is being kept, and who probes."""
        kept = self._recorder.keeping()
        return replace(kept, probing=self._leadership.leads, prober=self._leadership.leader)

    def keep_event(self, event: AuditEvent) -> None:
        """Have an audit event kept as soon as that is possible again."""
        self._recorder.keep(Batch(id=f"audit-{event.id}", events=(event,)))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Observer]:
        """Open the observer of this watch in the running loop, and what runs beside it."""
        async with open_observer(self._wiring, self.memory) as observer, self._leading(), self._alerting():
            task = asyncio.ensure_future(self._beside(observer))
            try:
                yield observer
            finally:
                await _ended(task)

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[None]:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leadership.begin(), _PATIENCE_S)
        task = asyncio.create_task(self._leadership.run())
        try:
            yield
        finally:
            await _ended(task)
            await self._leadership.release()

    @asynccontextmanager
    async def _alerting(self) -> AsyncIterator[None]:
        wiring = self._wiring
        origin = Origin(workspace=wiring.host.origin, dashboard_url=self._alerts.dashboard_url)
        async with open_alert_senders(wiring.network, lambda: origin) as senders:
            self._dispatcher = Dispatcher(
                self._alerts,
                store=wiring.database.deliveries,
                senders=senders,
                clock=wiring.clock,
                open_incidents=self._open_incidents,
                incident_of=wiring.database.history.incident,
            )
            task = asyncio.create_task(self._dispatcher.run())
            try:
                yield
            finally:
                await _ended(task)

    def _open_incidents(self) -> Sequence[Incident] | None:
        return self.memory.incidents if self._leadership.leads else None

    def _tell(self, changed: Changed) -> None:
        if self._dispatcher is not None:
            self._dispatcher.take(changed)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels that the alerts file names."""
        return self._alerts.channels

    def deliveries(self, limit: int) -> tuple[Delivery, ...]:
        """Return how the newest deliveries stand, newest first."""
        return self._dispatcher.deliveries(limit) if self._dispatcher is not None else ()

    async def test_channel(self, channel: str) -> Delivery:
        """Send a test to a channel; only inside the loop of the watch."""
        if self._dispatcher is None:
            raise ConfigurationError(
                "The watch is not running yet.", code="not_started", remedy="Try again in a moment."
            )
        return await self._dispatcher.test(channel)


def alerts_of(settings: Settings) -> AlertSettings:
    """Return who is told of incidents, nobody without a file; raises ConfigurationError."""
    if settings.alerts is None:
        return AlertSettings()
    return read_alerts(settings.alerts, settings.alerts_environment)


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
