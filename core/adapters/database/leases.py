"""Leases in SQL: one statement takes or renews, so that two can never both have it; time is the database's own."""

from __future__ import annotations

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.statements import database_now_ms, insert_into
from core.adapters.database.tables import LEASES
from core.adapters.database.times import moment_of
from core.ports.store import Lease


class SqlLeaseStore:
    """Fulfil the LeaseStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def take(self, name: str, holder: str, ttl_s: float) -> Lease:
        """Take or renew the lease when it is free, ended or ours; return who holds it now."""
        with self._access.writing() as connection:
            now = database_now_ms(connection)
            ends = now + int(ttl_s * 1000)
            insert = insert_into(connection, LEASES).from_select(
                ["name", "holder", "since", "ends_at"], sa.select(sa.literal(name), sa.literal(holder), now, ends)
            )
            ours = LEASES.c.holder == insert.excluded.holder
            since = sa.case((ours, LEASES.c.since), else_=insert.excluded.since)
            take = insert.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": insert.excluded.holder, "since": since, "ends_at": insert.excluded.ends_at},
                where=sa.or_(ours, LEASES.c.ends_at <= now),
            )
            connection.execute(take)
            left = (LEASES.c.ends_at - database_now_ms(connection)).label("left")
            row = connection.execute(sa.select(LEASES, left).where(LEASES.c.name == name)).one()
        return Lease(name=name, holder=row.holder, left_s=max(row.left / 1000, 0.0), since=moment_of(row.since))

    def release(self, name: str, holder: str) -> None:
        """Give the lease back if it is ours."""
        with self._access.writing() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == holder))
