"""The hosts that admins trust with tokens, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import TRUSTED_HOSTS
from core.adapters.database.times import time_text
from core.model.trust import TrustedHost


class SqlTrustStore:
    """Fulfil the TrustStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def put(self, host: TrustedHost) -> None:
        """Keep a host, in place of what was kept of its origin; it is on the disk when this returns."""
        row = {
            "origin": host.origin,
            "private": host.private,
            "reason": host.reason,
            "actor": host.actor,
            "at": time_text(host.at),
        }
        with self._access.writing(durable=True) as connection:
            insert = insert_into(connection, TRUSTED_HOSTS).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["origin"], set_=row))

    def remove(self, origin: str) -> None:
        """Forget a host; it is off the disk when this returns."""
        with self._access.writing(durable=True) as connection:
            connection.execute(sa.delete(TRUSTED_HOSTS).where(TRUSTED_HOSTS.c.origin == origin))

    def all(self) -> Sequence[TrustedHost]:
        """Return every host that is trusted, by its origin."""
        with self._access.reading() as connection:
            rows = connection.execute(sa.select(TRUSTED_HOSTS).order_by(TRUSTED_HOSTS.c.origin)).mappings()
            return tuple(TrustedHost(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows)
