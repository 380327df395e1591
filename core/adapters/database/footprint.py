"""Weigh a database against its limit, refuse to grow beyond it, and give back what was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.connections import unhurried
from core.adapters.database.engines import PAGE_BYTES, room_bytes
from core.adapters.database.places import Sqlite
from core.adapters.database.statements import is_postgres
from core.adapters.database.tables import (
    AUDIT_EVENTS,
    CHECKS,
    DAYS,
    HOURS,
    INCIDENTS,
    METADATA,
    STANDINGS,
    TRANSITIONS,
)
from core.errors import StoreError
from core.model.history import StoreSize

_COUNTED = (CHECKS, HOURS, DAYS, TRANSITIONS, INCIDENTS, AUDIT_EVENTS)

# PostgreSQL keeps the pages of deleted rows for new ones, so what is in use is reckoned from rows: bytes of one with
# its key and a fifth to spare, as measured with 1,000,000 of them.
_ROW_BYTES = {CHECKS.name: 170, HOURS.name: 190}

# SQLite gives pages back in steps of this many, each of a few milliseconds, and keeps a few for what comes next.
_STEP_PAGES = 1000
_SPARE_SHARE = 0.05

# PostgreSQL knows no limit, so files stop to grow this much earlier: more than two batches can bring.
_MARGIN_SHARE = 0.05
_LEAST_MARGIN_BYTES = 2 << 20


class Footprint:
    """What a database weighs."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def share(self) -> float:
        """Return which share of its limit is in use; 0 where there is no limit."""
        limit = self._access.limit_bytes
        if limit is None:
            return 0.0
        with self._access.reading() as connection:
            if not is_postgres(connection):
                used = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
                return used * PAGE_BYTES / room_bytes(limit)
            held = _relation_bytes(connection)
            for table in (CHECKS, HOURS):
                held[table.name] = min(held[table.name], _count(connection, table) * _ROW_BYTES[table.name])
        return sum(held.values()) / limit

    def rows_above(self, share: float) -> int:
        """Return about how many checks are in use above this share of the limit; 0 when there is room."""
        excess = self.share() - share
        return max(1, int(excess * (self._access.limit_bytes or 0) / _ROW_BYTES[CHECKS.name])) if excess > 0 else 0

    @contextmanager
    def within_limit(self, connection: sa.Connection, *, room_was_made: bool) -> Iterator[None]:
        """Let somebody write; raises StoreError, before or after, when that leads beyond the limit.

        PostgreSQL knows no limit, and a table that was emptied keeps its files for new rows. So near the limit what
        finds room in the files as they are may be written, and what makes one grow is refused until room was made.
        """
        limit = self._access.limit_bytes
        if limit is None or not is_postgres(connection):
            yield
            return
        before = _held_bytes(connection)
        # Files that a refused batch made grow stay so. Hence the second half of the margin: there nothing is tried.
        if before > limit - _margin_bytes(limit) // 2:
            raise self._full(limit)
        yield
        after = _held_bytes(connection)
        if before < after > limit - _margin_bytes(limit) and not room_was_made:
            raise self._full(limit)

    def _full(self, limit: int) -> StoreError:
        return StoreError(
            f"The database has reached its limit of {limit >> 20} MB ({self._access.place.words}).",
            code="store_full",
            remedy="Raise SWITCHYARD_HISTORY_MB, or lower SWITCHYARD_RAW_DAYS.",
        )

    def size(self) -> StoreSize:
        """Return bytes on the disk, and rows per table."""
        with self._access.reading() as connection:
            rows = {table.name: _count(connection, table) for table in _COUNTED}
            held = _held_bytes(connection) if is_postgres(connection) else self._file_bytes()
        return StoreSize(bytes=held, limit_bytes=self._access.limit_bytes or 0, rows=rows)

    def _file_bytes(self) -> int:
        place = self._access.place
        if not isinstance(place, Sqlite):
            return 0
        files = (place.path.with_name(place.path.name + end) for end in ("", "-wal", "-shm"))
        return sum(file.stat().st_size for file in files if file.exists())

    def tidy_up(self, gone: int) -> None:
        """Give back room after so many rows went."""
        if isinstance(self._access.place, Sqlite):
            self._give_back_pages()
        elif gone:
            self._vacuum()

    def _give_back_pages(self) -> None:
        with self._access.outside_transactions() as connection:
            while _pragma(connection, "freelist_count") > _SPARE_SHARE * _pragma(connection, "page_count"):
                _run(connection, f"PRAGMA incremental_vacuum({_STEP_PAGES})")
            _run(connection, "PRAGMA wal_checkpoint(TRUNCATE)")

    def _vacuum(self) -> None:
        limit = self._access.limit_bytes
        with self._access.outside_transactions() as connection, unhurried(connection):
            for table in (CHECKS, HOURS, TRANSITIONS, STANDINGS, INCIDENTS):
                connection.exec_driver_sql(f"VACUUM (ANALYZE) {table.name}")
            if limit is not None and _held_bytes(connection) > limit - _margin_bytes(limit) // 2:
                # The one way to make files smaller. It is rare, because nobody can read or write meanwhile and the
                # disk holds both copies for that long: the limit was lowered, or keys have spread over many pages.
                connection.exec_driver_sql(f"VACUUM FULL {CHECKS.name}")
                connection.exec_driver_sql(f"VACUUM FULL {HOURS.name}")


def _pragma(connection: sa.Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _run(connection: sa.Connection, pragma: str) -> None:
    # These work row by row and only as far as somebody asks, although their rows have no columns to be read.
    cursor = connection.connection.cursor()
    cursor.execute(pragma)
    cursor.fetchall()
    cursor.close()


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _margin_bytes(limit: int) -> int:
    return max(int(limit * _MARGIN_SHARE), _LEAST_MARGIN_BYTES)


def _held_bytes(connection: sa.Connection) -> int:
    return sum(_relation_bytes(connection).values())


def _relation_bytes(connection: sa.Connection) -> dict[str, int]:
    """Return what each table holds on the disk, its keys included."""
    sizes = (
        sa.func.coalesce(sa.func.pg_total_relation_size(sa.func.to_regclass(name)), 0).label(name)
        for name in METADATA.tables
    )
    row = connection.execute(sa.select(*sizes)).mappings().one()
    return {name: int(held) for name, held in row.items()}
