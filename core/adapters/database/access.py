"""Reach a database that may come and go: migrate it before its first use, say in one error why it cannot be used."""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from filelock import Timeout
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.adapters.database.engines import DURABLE, WRITES, make_engine, write_ahead_bytes
from core.adapters.database.migrating import bring_up_to_date
from core.adapters.database.places import DatabasePlace, Sqlite
from core.errors import StoreError, SwitchyardError

# So long after a failed connection nobody tries again: a page must not wait for a server that others just waited for.
_REST_S = 2.0
_DISK_FULL = "53100"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Access:
    """Give out connections in transactions; every failure comes out as a StoreError."""

    def __init__(
        self,
        place: DatabasePlace,
        *,
        limit_bytes: int | None = None,
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self.limit_bytes = limit_bytes
        self._engine = make_engine(place, limit_bytes=limit_bytes, now=now)
        self._one_state = {} if isinstance(place, Sqlite) else {"isolation_level": "REPEATABLE READ"}
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._current = False
        self._failed: tuple[float, StoreError] | None = None

    def close(self) -> None:
        """Give back what the database driver holds."""
        self._engine.dispose()

    def ready(self) -> None:
        """Connect, and migrate when needed, now instead of at the first use; raises StoreError."""
        with self._translated("opened"):
            self._make_current()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that sees one state of the database."""
        with self._translated("read"):
            self._make_current()
            with self._engine.connect().execution_options(**self._one_state) as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that is kept at the end; `durable` ones are on the disk then."""
        with self._translated("written"):
            self._make_current()
            self._keep_log_small()
            options = {WRITES: True, DURABLE: durable}
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection

    @contextmanager
    def outside_transactions(self) -> Iterator[sa.Connection]:
        """Give a connection for what cannot be in a transaction: giving pages back, rewriting a table."""
        with self._translated("tidied up"):
            self._make_current()
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection

    def _keep_log_small(self) -> None:
        """Empty SQLite's write-ahead log when it has grown: readers at the wrong moments can keep it from ending."""
        if self.limit_bytes is None or not isinstance(self.place, Sqlite):
            return
        log = self.place.path.with_name(self.place.path.name + "-wal")
        room = write_ahead_bytes(self.limit_bytes)
        if _size_of(log) <= room // 2:
            return
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        if _size_of(log) > room * 3 // 4:
            raise self._full()

    def _make_current(self) -> None:
        with self._lock:
            if self._failed and self._monotonic() < self._failed[0]:
                raise StoreError(self._failed[1].message, code=self._failed[1].code, remedy=self._failed[1].remedy)
            self._failed = None
            if not self._current:
                bring_up_to_date(self._engine, self.place)
                self._current = True

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError, Timeout, ValueError, KeyError) as exc:
            raise self._noted(self._error(verb, exc), exc) from exc
        except SwitchyardError as exc:
            # Only minting a password asks the workspace.
            raise self._noted(StoreError(exc.message, code=exc.code, remedy=exc.remedy), exc) from exc

    def _noted(self, error: StoreError, cause: Exception) -> StoreError:
        # Whatever failed, the database may be another one now: an emptied disk, a restored copy.
        self._current = False
        unreachable = isinstance(cause, DBAPIError) and cause.statement is None
        if not isinstance(self.place, Sqlite) and (unreachable or isinstance(cause, SwitchyardError)):
            self._failed = (self._monotonic() + _REST_S, error)
        return error

    def _error(self, verb: str, cause: Exception) -> StoreError:
        if _is_full(cause):
            return self._full()
        return StoreError(
            f"The database cannot be {verb} ({self.place.words}).",
            code="store_unavailable",
            remedy=self.place.remedy,
        )

    def _full(self) -> StoreError:
        return StoreError(
            f"The database has no room left ({self.place.words}).",
            code="store_full",
            remedy="Make room on its disk, or raise SWITCHYARD_HISTORY_MB.",
        )


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _is_full(cause: BaseException) -> bool:
    original = cause.orig if isinstance(cause, DBAPIError) else cause
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorname", "") in ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
    if isinstance(original, OSError):
        return original.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return getattr(original, "sqlstate", None) == _DISK_FULL
