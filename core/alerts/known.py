"""Remember the incidents that messages are about: those that last, and those that ended while somebody may not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from core.alerts.ledger import Ledger
from core.model.alert import NoticeKind
from core.model.incident import Incident

# Longer than any quiet hours can hold back the news of an end.
_ENDED_FOR = timedelta(days=2)


class KnownIncidents:
    """The newest that is known of each incident; `read` gets one from the store and may raise StoreError."""

    def __init__(self, read: Callable[[str], Incident | None]) -> None:
        self._read = read
        self._incidents: dict[str, Incident] = {}
        self._settled: set[str] = set()

    def note(self, incidents: Iterable[Incident]) -> None:
        """Take over what the monitor knows; an incident that has ended does not begin again."""
        for incident in incidents:
            known = self._incidents.get(incident.id)
            if incident.ended_at or not (known and known.ended_at):
                self._incidents[incident.id] = incident

    def ended(self) -> list[Incident]:
        """Return those that are over."""
        return [incident for incident in self._incidents.values() if incident.ended_at]

    def forget(self, now: datetime) -> None:
        """Let go of what ended long ago."""
        old = [item.id for item in self.ended() if item.ended_at and now - item.ended_at >= _ENDED_FOR]
        for incident_id in old:
            del self._incidents[incident_id]
        self._settled.update(old)

    async def find(self, incident_id: str, ledger: Ledger) -> Incident | None:
        """Return an incident, from the store when it is not known yet."""
        if incident_id not in self._incidents:
            found = await ledger.ask(partial(self._read, incident_id))
            self.note([found] if found else [])
        return self._incidents.get(incident_id)

    async def learn_of_ends(self, ledger: Ledger, lasting: Sequence[Incident]) -> None:
        """Look up incidents that people were told of and that ended while nobody here was looking."""
        deliveries = ledger.standing.values()
        told = {item.incident_id for item in deliveries if item.incident_id}
        told_of_end = {item.incident_id for item in deliveries if item.kind is NoticeKind.RESOLVED}
        known = {item.id for item in (*self.ended(), *lasting)}
        for incident_id in sorted(told - told_of_end - known - self._settled):
            found = await ledger.ask(partial(self._read, incident_id))
            self.note([found] if found and found.ended_at else [])
