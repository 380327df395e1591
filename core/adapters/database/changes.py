"""Keep changes in a database that survives the machine's loss of power; what they mean is left to core/change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.migrating import SCHEMA_VERSION
from core.adapters.database.places import place_of
from core.adapters.database.times import time_text
from core.model.agent import AgentId
from core.model.change import WRITTEN, ChangeRecord, ChangeState, Origin

_CHANGES = sa.table(
    "changes",
    *(
        sa.column(name)
        for name in (
            "change_id",
            "at",
            "actor",
            "agent",
            "target",
            "reason",
            "before",
            "after",
            "state",
            "origin",
            "detail",
            "expires_at",
            "before_revision",
            "after_revision",
            "backup",
            "rolls_back",
        )
    ),
)


class SqlChangeStore:
    """Fulfil the ChangeStore port on SQLite (a path), on any database place (a URL), or on one that is open already."""

    def __init__(self, where: str | Path | Access) -> None:
        """Open the database, creating or migrating it first when needed; raises StoreError.

        One that is open already is left to come and go.
        """
        if isinstance(where, Access):
            self._access = where
        else:
            self._access = Access(place_of(where))
            self._access.ready()

    def close(self) -> None:
        """Give back what the database driver holds."""
        self._access.close()

    def record(self, record: ChangeRecord) -> None:
        """Insert a record, or replace the one of the same change_id; it is on the disk when this returns."""
        row = _row(record)
        with self._access.writing(durable=True) as connection:
            same = _CHANGES.c.change_id == record.change_id
            if connection.execute(sa.update(_CHANGES).where(same).values(row)).rowcount == 0:
                connection.execute(sa.insert(_CHANGES).values(row))

    def get(self, change_id: str) -> ChangeRecord | None:
        """Return the record of this id, if there is one."""
        found = self._read(sa.select(_CHANGES).where(_CHANGES.c.change_id == change_id))
        return found[0] if found else None

    def latest(self, limit: int = 50, *, written: bool = False) -> Sequence[ChangeRecord]:
        """Return the newest records first; with `written` only those that touched their target or are about to."""
        newest = sa.select(_CHANGES).order_by(_CHANGES.c.at.desc(), _CHANGES.c.change_id.desc())
        if written:
            touched = _CHANGES.c.backup.is_not(None) | _CHANGES.c.state.in_([state.value for state in WRITTEN])
            newest = newest.where(touched)
        return self._read(newest.limit(max(limit, 0)))

    def _read(self, query: sa.Select[Any]) -> tuple[ChangeRecord, ...]:
        with self._access.reading() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())


def _row(record: ChangeRecord) -> dict[str, str | None]:
    return {
        "change_id": record.change_id,
        "at": time_text(record.at),
        "actor": record.actor,
        "agent": record.agent.value,
        "target": record.target,
        "reason": record.reason,
        "before": json.dumps(dict(record.before), ensure_ascii=False),
        "after": json.dumps(dict(record.after), ensure_ascii=False),
        "state": record.state.value,
        "origin": record.origin.value,
        "detail": record.detail,
        "expires_at": time_text(record.expires_at) if record.expires_at else None,
        "before_revision": record.before_revision,
        "after_revision": record.after_revision,
        "backup": record.backup,
        "rolls_back": record.rolls_back,
    }


def _record(row: Mapping[Any, Any]) -> ChangeRecord:
    expires = row["expires_at"]
    return ChangeRecord(
        change_id=row["change_id"],
        at=datetime.fromisoformat(row["at"]),
        actor=row["actor"],
        agent=AgentId(row["agent"]),
        target=row["target"],
        reason=row["reason"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
        state=ChangeState(row["state"]),
        origin=Origin(row["origin"]),
        detail=row["detail"],
        expires_at=datetime.fromisoformat(expires) if expires else None,
        before_revision=row["before_revision"],
        after_revision=row["after_revision"],
        backup=row["backup"],
        rolls_back=row["rolls_back"],
    )


__all__ = ["SCHEMA_VERSION", "SqlChangeStore"]
