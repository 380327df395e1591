"""Overrides in SQL: what somebody makes an agent run for a while."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import OVERRIDES
from core.adapters.database.times import time_text
from core.model.agent import AgentId
from core.model.override import Override


class SqlOverrideStore:
    """Fulfil the OverrideStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def put(self, override: Override) -> None:
        """Keep an override, or how it stands now; it is on the disk when this returns."""
        row = _row(override)
        with self._access.writing(durable=True) as connection:
            insert = insert_into(connection, OVERRIDES).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=row))

    def get(self, override_id: str) -> Override | None:
        """Return an override by its id."""
        found = self._read(sa.select(OVERRIDES).where(OVERRIDES.c.id == override_id))
        return found[0] if found else None

    def active(self) -> Sequence[Override]:
        """Return the overrides that were not ended yet, oldest first; those whose time is over too."""
        query = sa.select(OVERRIDES).where(OVERRIDES.c.ended_at.is_(None))
        return self._read(query.order_by(OVERRIDES.c.since, OVERRIDES.c.id))

    def _read(self, query: sa.Select[tuple[str, ...]]) -> tuple[Override, ...]:
        with self._access.reading() as connection:
            return tuple(_override(row) for row in connection.execute(query).mappings())


def _row(override: Override) -> dict[str, str | None]:
    return {
        "id": override.id,
        "agent": override.agent.value,
        "target": override.target,
        "slots": json.dumps(dict(override.slots)),
        "actor": override.actor,
        "reason": override.reason,
        "since": time_text(override.since),
        "expires_at": time_text(override.expires_at) if override.expires_at else None,
        "ended_at": time_text(override.ended_at) if override.ended_at else None,
        "asks": override.asks,
    }


def _override(row: sa.RowMapping) -> Override:
    expires, ended = row["expires_at"], row["ended_at"]
    return Override(
        id=row["id"],
        agent=AgentId(row["agent"]),
        target=row["target"],
        slots=json.loads(row["slots"]),
        actor=row["actor"],
        reason=row["reason"],
        since=datetime.fromisoformat(row["since"]),
        expires_at=datetime.fromisoformat(expires) if expires else None,
        ended_at=datetime.fromisoformat(ended) if ended else None,
        asks=row["asks"],
    )
