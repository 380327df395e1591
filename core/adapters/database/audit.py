"""Audit events in SQL: kept for good, each chained to the one before it, on the disk before anything goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.statements import insert_into, one_auditor
from core.adapters.database.tables import AUDIT_EVENTS, AUDIT_HEAD
from core.adapters.database.times import time_text
from core.catalog.redact import redact
from core.history.chain import chained
from core.model.audit import AuditEvent, AuditLink, ChainHead

# There is one row of it.
_ONLY = 1

_log = logging.getLogger(__name__)


class SqlAuditStore:
    """Fulfil the AuditStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def append(self, event: AuditEvent) -> None:
        """Keep an event; it is on the disk when this returns. The same id again changes nothing."""
        with self._access.writing(durable=True) as connection:
            head = keep_events(connection, (event,))
        tell_head(head)

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEvent]:
        """Return the newest events first; a row that somebody made no event any more shows in `links` only."""
        columns = AUDIT_EVENTS.c
        query = sa.select(AUDIT_EVENTS).order_by(columns.at.desc(), columns.id.desc()).limit(max(limit, 0))
        if since is not None:
            query = query.where(columns.at >= time_text(since))
        if until is not None:
            query = query.where(columns.at < time_text(until))
        with self._access.reading() as connection:
            links = map(_link, connection.execute(query).mappings())
            return tuple(link.event for link in links if link.event is not None)

    def links(self, after: AuditLink | None = None, limit: int = 1000) -> Sequence[AuditLink]:
        """Return events as they are kept, in the order of their numbers, those that come after this one."""
        columns = AUDIT_EVENTS.c
        query = sa.select(AUDIT_EVENTS).order_by(columns.sequence, columns.id).limit(max(limit, 0))
        if after is not None:
            # Numbers are unique as long as nobody has had their index removed.
            same = sa.and_(columns.sequence == after.sequence, columns.id > after.id)
            query = query.where(sa.or_(columns.sequence > after.sequence, same))
        with self._access.reading() as connection:
            return tuple(_link(row) for row in connection.execute(query).mappings())

    def link(self, sequence: int) -> AuditLink | None:
        """Return the event of this number as it is kept."""
        query = sa.select(AUDIT_EVENTS).where(AUDIT_EVENTS.c.sequence == sequence).limit(1)
        with self._access.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else _link(row)

    def head(self) -> ChainHead | None:
        """Return the newest number and hash as they are noted beside the events, None before the first."""
        with self._access.reading() as connection:
            return _noted(connection)


def keep_events(connection: sa.Connection, events: Sequence[AuditEvent]) -> ChainHead | None:
    """Chain events to those in the table, within somebody's transaction; return the new head if there is one."""
    if not events:
        return None
    one_auditor(connection)
    query = sa.select(AUDIT_EVENTS.c.id).where(AUDIT_EVENTS.c.id.in_([event.id for event in events]))
    known = set(connection.execute(query).scalars())
    first = {event.id: event for event in reversed(events)}
    new = [event for event in events if event.id not in known and first[event.id] is event]
    links = chained(map(_storable, new), _newest(connection))
    if not links:
        return None
    connection.execute(sa.insert(AUDIT_EVENTS), [_row(link) for link in links])
    head = links[-1].head
    note = insert_into(connection, AUDIT_HEAD).values(id=_ONLY, sequence=head.sequence, hash=head.hash)
    moved = {"sequence": note.excluded.sequence, "hash": note.excluded.hash}
    connection.execute(note.on_conflict_do_update(index_elements=["id"], set_=moved))
    return head


def tell_head(head: ChainHead | None) -> None:
    """Put a head that is kept into the log: that is out of reach of whoever can write the database alone."""
    if head is not None:
        _log.info("the head of the audit is %s", head)


def _newest(connection: sa.Connection) -> ChainHead | None:
    """Return what the next event follows.

    The noted head comes before the newest event itself: when newest ones were removed, the gap stays to be seen.
    """
    columns = AUDIT_EVENTS.c
    query = sa.select(columns.sequence, columns.hash).order_by(columns.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    noted = _noted(connection)
    if row is None or (noted is not None and noted.sequence >= row.sequence):
        return noted
    return ChainHead(sequence=row.sequence, hash=row.hash)


def _noted(connection: sa.Connection) -> ChainHead | None:
    row = connection.execute(sa.select(AUDIT_HEAD.c.sequence, AUDIT_HEAD.c.hash)).one_or_none()
    return None if row is None else ChainHead(sequence=row.sequence, hash=row.hash)


def _storable(event: AuditEvent) -> AuditEvent:
    """Return the event with texts that every database keeps as they are, and without anything like a credential."""
    return replace(
        event,
        actor=_text(event.actor),
        address=_text(event.address),
        target=_text(event.target),
        reason=_text(event.reason),
        before=_values(event.before),
        after=_values(event.after),
        evidence=tuple(map(_text, event.evidence)),
    )


def _text(text: str) -> str:
    """A NUL and half a character have no place in a database; they may come from whoever was refused."""
    return redact(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _values(values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {_text(name): None if value is None else _text(value) for name, value in values.items()}


def _row(link: AuditLink) -> dict[str, str | int]:
    event = link.event
    if event is None:
        raise ValueError("there is no event in this link")
    return {
        "id": event.id,
        "sequence": link.sequence,
        "previous": link.previous,
        "hash": link.hash,
        "at": time_text(event.at),
        "actor": event.actor,
        "role": event.role,
        "address": event.address,
        "origin": event.origin,
        "action": event.action,
        "target": event.target,
        "outcome": event.outcome,
        "reason": event.reason,
        "before": json.dumps(dict(event.before)),
        "after": json.dumps(dict(event.after)),
        "evidence": json.dumps(event.evidence),
    }


def _link(row: sa.RowMapping) -> AuditLink:
    try:
        event = _event(row)
    except (ValueError, TypeError, AttributeError):
        # Only somebody with a database client leaves such a row; the chain has to say so, and not fail.
        event = None
    return AuditLink(id=row["id"], sequence=row["sequence"], previous=row["previous"], hash=row["hash"], event=event)


def _event(row: sa.RowMapping) -> AuditEvent:
    return AuditEvent(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        actor=row["actor"],
        role=row["role"],
        address=row["address"],
        origin=row["origin"],
        action=row["action"],
        target=row["target"],
        outcome=row["outcome"],
        reason=row["reason"],
        before=dict(json.loads(row["before"])),
        after=dict(json.loads(row["after"])),
        evidence=tuple(json.loads(row["evidence"])),
    )
