"""An audit in memory, chained as in a database; a test may have its rows changed past it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from core.history.chain import chained
from core.model.audit import AuditEvent, AuditLink, ChainHead


def unchanged(link: AuditLink) -> AuditLink:
    """Leave a link as it is."""
    return link


class MemoryAudit:
    """Fulfil the AuditStore port; `changed` is what somebody with a database client makes of each row."""

    def __init__(
        self, events: Sequence[AuditEvent] = (), changed: Callable[[AuditLink], AuditLink] = unchanged
    ) -> None:
        self._links = list(chained(reversed(events), None))
        self._changed = changed

    def append(self, event: AuditEvent) -> None:
        if all(link.id != event.id for link in self._links):
            self._links += chained([event], self.head())

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEvent]:
        found = [link.event for link in self.links() if link.event is not None]
        return [
            event
            for event in sorted(found, key=lambda event: (event.at, event.id), reverse=True)
            if (since is None or event.at >= since) and (until is None or event.at < until)
        ][:limit]

    def links(self, after: AuditLink | None = None, limit: int = 1000) -> Sequence[AuditLink]:
        rows = [self._changed(link) for link in self._links]
        return [link for link in rows if after is None or link.sequence > after.sequence][:limit]

    def link(self, sequence: int) -> AuditLink | None:
        return next((link for link in self.links(limit=1_000_000) if link.sequence == sequence), None)

    def head(self) -> ChainHead | None:
        return self._links[-1].head if self._links else None
