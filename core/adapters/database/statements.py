"""What SQLite and PostgreSQL say differently, in one place: upserts, clocks, locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Insert = postgresql.Insert | sqlite.Insert

# Any number will do, as long as it is not the one of the migrations.
_HISTORY_LOCK = 0x5357_4443_4852_4402
_AUDIT_LOCK = 0x5357_4443_4852_4403


def insert_into(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return an insert that can say what to do about a row that is there already."""
    return postgresql.insert(table) if is_postgres(connection) else sqlite.insert(table)


def is_postgres(connection: sa.Connection) -> bool:
    """Say which of the two databases this is."""
    return connection.dialect.name == "postgresql"


def database_now_ms(connection: sa.Connection) -> sa.ColumnElement[int]:
    """Return the database's own clock, in milliseconds since 1970."""
    if is_postgres(connection):
        return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)
    return sa.cast((sa.func.julianday("now") - 2440587.5) * 86_400_000.0, sa.BigInteger)


def one_writer(connection: sa.Connection) -> None:
    """Let no other process write history until this transaction ends; in SQLite none can anyway."""
    if is_postgres(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_HISTORY_LOCK)))


def one_auditor(connection: sa.Connection) -> None:
    """Let no other process append audit events until this transaction ends, so that two never follow the same one."""
    if is_postgres(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_AUDIT_LOCK)))


def numbers_of(
    connection: sa.Connection, table: sa.Table, column: sa.Column[str], names: Iterable[str]
) -> Mapping[str, int]:
    """Return the number of each of these names, giving numbers to new ones."""
    wanted = sorted(set(names))
    found = _numbers(connection, table, column, wanted)
    missing = [name for name in wanted if name not in found]
    if not missing:
        return found
    insert = insert_into(connection, table).on_conflict_do_nothing()
    connection.execute(insert, [{column.name: name} for name in missing])
    return {**found, **_numbers(connection, table, column, missing)}


def _numbers(
    connection: sa.Connection, table: sa.Table, column: sa.Column[str], names: Sequence[str]
) -> dict[str, int]:
    query = sa.select(column, table.c.id).where(column.in_(names))
    return {name: number for name, number in connection.execute(query)}
