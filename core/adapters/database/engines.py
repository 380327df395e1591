"""Connect to each kind of place: what every new connection is told, and when it must not be used any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from core.adapters.database.connections import STATEMENT_TIMEOUT_MS, BoundedConnection, connect
from core.adapters.database.places import DatabasePlace, LakebasePlace, PostgresUrl, Sqlite, parsed_url

PAGE_BYTES = 4096
_BUSY_TIMEOUT_MS = 5000
_CONNECT_TIMEOUT_S = 5
_LOCK_TIMEOUT_MS = 5_000
_POOL = 5
_KEPT_FREE_BYTES = 1 << 20

# A connection whose password ends sooner is closed before it is used, so that none lives longer than its token.
_TOKEN_MARGIN = timedelta(minutes=5)
_EXPIRES = "switchyard_expires_at"

# What a transaction asks of its connection, as execution options of SQLAlchemy.
WRITES = "switchyard_writes"
DURABLE = "switchyard_durable"


def make_engine(place: DatabasePlace, *, limit_bytes: int | None, now: Callable[[], datetime]) -> sa.Engine:
    """Return an engine for the place; nothing is connected yet."""
    match place:
        case Sqlite(path=path):
            return _sqlite_engine(path, limit_bytes)
        case PostgresUrl(url=url):
            return _postgres_engine(parsed_url(url), connect)
        case LakebasePlace():
            return _lakebase_engine(place, now)


def room_bytes(limit_bytes: int, *, durable: bool = False) -> int:
    """Return how large a SQLite file may grow, so that it and its write-ahead log stay below the limit together."""
    # History fills its file up to here and no further, so that an audit event always finds room.
    return limit_bytes - write_ahead_bytes(limit_bytes) - (0 if durable else _KEPT_FREE_BYTES)


def write_ahead_bytes(limit_bytes: int) -> int:
    """Return how much of a SQLite file's limit is set aside for its write-ahead log."""
    return max(4 << 20, min(limit_bytes // 4, 64 << 20))


def _sqlite_engine(path: Path, limit_bytes: int | None) -> sa.Engine:
    # Connections are short-lived: opening SQLite costs under a millisecond, and nothing is left open at exit or fork.
    engine = sa.create_engine(URL.create("sqlite+pysqlite", database=str(path)), poolclass=NullPool)
    sa.event.listen(engine, "connect", lambda raw, _: _prepare_sqlite(raw, limit_bytes))
    sa.event.listen(engine, "begin", lambda connection: _begin_sqlite(connection, limit_bytes))
    return engine


def _prepare_sqlite(raw: DBAPIConnection, limit_bytes: int | None) -> None:
    # Python's driver would begin transactions too late: never before a SELECT or before DDL.
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA cache_size=-16000")
    if limit_bytes is not None:
        ahead = write_ahead_bytes(limit_bytes)
        cursor.execute(f"PRAGMA journal_size_limit={ahead // 4}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={min(1000, ahead // 4 // PAGE_BYTES)}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection, limit_bytes: int | None) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    durable = bool(options.get(DURABLE))
    # In WAL, FULL puts every commit on the disk; NORMAL may lose the last ones when the power fails, never the file.
    # Audit and changes pay for that. A lost round of checks is asked again minutes later, so checks do not.
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
    if limit_bytes is not None:
        pages = room_bytes(limit_bytes, durable=durable) // PAGE_BYTES
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    # A write lock taken at once waits its turn; upgrading a read lock later would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")


def _postgres_engine(url: URL, connector: Callable[..., BoundedConnection]) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=_POOL,
        max_overflow=_POOL,
        pool_timeout=_CONNECT_TIMEOUT_S,
        pool_recycle=1800,
        pool_pre_ping=True,
        # A server that vanished without a word is noticed in seconds, not in the kernel's quarter of an hour.
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 10_000,
            "application_name": "switchyard",
        },
    )
    sa.event.listen(engine, "do_connect", connector)
    sa.event.listen(engine, "connect", lambda raw, _: _prepare_postgres(raw))
    return engine


def _prepare_postgres(raw: DBAPIConnection) -> None:
    # By SET and not at connect: poolers between us and the server refuse options in the startup packet.
    cursor = raw.cursor()
    cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
    cursor.execute(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}")
    cursor.execute("SET timezone = 'UTC'")
    cursor.close()
    raw.commit()


def _lakebase_engine(place: LakebasePlace, now: Callable[[], datetime]) -> sa.Engine:
    given = place.settings
    url = URL.create(
        "postgresql+psycopg",
        username=given.user,
        host=given.host,
        port=given.port,
        database=given.database,
        query={"sslmode": given.sslmode},
    )

    def connect_anew(
        dialect: Dialect, entry: ConnectionPoolEntry, arguments: list[str], keywords: dict[str, object]
    ) -> BoundedConnection:
        minted = place.passwords.mint()
        entry.info[_EXPIRES] = minted.expires_at
        return connect(dialect, entry, arguments, {**keywords, "password": minted.password.reveal()})

    def check_out(_: DBAPIConnection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info[_EXPIRES] - now() <= _TOKEN_MARGIN:
            raise DisconnectionError("the token of this connection ends")

    engine = _postgres_engine(url, connect_anew)
    sa.event.listen(engine, "checkout", check_out)
    return engine
