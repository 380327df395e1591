"""Audit events in SQL: kept for good and on the disk before anything goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import AUDIT_EVENTS
from core.adapters.database.times import time_text
from core.model.audit import AuditEvent


class SqlAuditStore:
    """Fulfil the AuditStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def append(self, event: AuditEvent) -> None:
        """Keep an event; it is on the disk when this returns. The same id again changes nothing."""
        with self._access.writing(durable=True) as connection:
            keep_events(connection, (event,))

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEvent]:
        """Return the newest events first."""
        columns = AUDIT_EVENTS.c
        query = sa.select(AUDIT_EVENTS).order_by(columns.at.desc(), columns.id.desc()).limit(max(limit, 0))
        if since is not None:
            query = query.where(columns.at >= time_text(since))
        if until is not None:
            query = query.where(columns.at < time_text(until))
        with self._access.reading() as connection:
            return tuple(_event(row) for row in connection.execute(query).mappings())


def keep_events(connection: sa.Connection, events: Sequence[AuditEvent]) -> None:
    """Put events into the table, within somebody's transaction."""
    if events:
        connection.execute(insert_into(connection, AUDIT_EVENTS).on_conflict_do_nothing(), [*map(_row, events)])


def _row(event: AuditEvent) -> dict[str, str]:
    return {
        "id": event.id,
        "at": time_text(event.at),
        "actor": event.actor,
        "origin": event.origin,
        "action": event.action,
        "target": event.target,
        "outcome": event.outcome,
        "reason": event.reason,
        "before": json.dumps(dict(event.before)),
        "after": json.dumps(dict(event.after)),
        "evidence": json.dumps(event.evidence),
    }


def _event(row: sa.RowMapping) -> AuditEvent:
    return AuditEvent(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        actor=row["actor"],
        origin=row["origin"],
        action=row["action"],
        target=row["target"],
        outcome=row["outcome"],
        reason=row["reason"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
        evidence=tuple(json.loads(row["evidence"])),
    )
