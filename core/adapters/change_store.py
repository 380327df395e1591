"""Keep changes in a database that survives the machine's loss of power; what they mean is left to core/change."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.errors import StoreError
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeState, Origin

SCHEMA_VERSION = "0001"
_BUSY_TIMEOUT_MS = 5000
_LOCK_TIMEOUT_S = 30.0
_MIGRATIONS = Path(__file__).parent / "migrations"

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
    """Fulfil the ChangeStore port on SQLite (a path) or any database that SQLAlchemy reaches (a URL)."""

    def __init__(self, url_or_path: str | Path) -> None:
        """Open the database, creating or migrating it first when needed; raises StoreError."""
        with _translated("opened"):
            url = _url(url_or_path)
            self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
            if self._file is not None:
                _create_private(self._file)
            self._engine = _engine(url)
            if self._version() != SCHEMA_VERSION:
                self._migrate()

    def close(self) -> None:
        """Give back what the database driver holds."""
        self._engine.dispose()

    def record(self, record: ChangeRecord) -> None:
        """Insert a record, or replace the one of the same change_id; it is on the disk when this returns."""
        row = _row(record)
        with _translated("written"), self._engine.begin() as connection:
            same = _CHANGES.c.change_id == record.change_id
            # The update comes first, so that SQLite takes its write lock at once instead of upgrading a read lock.
            if connection.execute(sa.update(_CHANGES).where(same).values(row)).rowcount == 0:
                connection.execute(sa.insert(_CHANGES).values(row))

    def get(self, change_id: str) -> ChangeRecord | None:
        """Return the record of this id, if there is one."""
        found = self._read(sa.select(_CHANGES).where(_CHANGES.c.change_id == change_id))
        return found[0] if found else None

    def latest(self, limit: int = 50) -> Sequence[ChangeRecord]:
        """Return the newest records first."""
        newest = sa.select(_CHANGES).order_by(_CHANGES.c.at.desc(), _CHANGES.c.change_id.desc())
        return self._read(newest.limit(max(limit, 0)))

    def _read(self, query: sa.Select[Any]) -> tuple[ChangeRecord, ...]:
        with _translated("read"), self._engine.connect() as connection:
            return tuple(_record(row) for row in connection.execute(query).mappings())

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def _migrate(self) -> None:
        lock = self._file.with_name(self._file.name + ".lock") if self._file is not None else None
        if lock is None:
            self._upgrade()
            return
        with FileLock(lock, timeout=_LOCK_TIMEOUT_S, mode=0o600):
            if self._version() != SCHEMA_VERSION:
                self._upgrade()

    def _upgrade(self) -> None:
        # Alembic takes longer to import than everything else here, and is needed once per schema version only.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        if self._file is not None:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        try:
            with self._engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as exc:
            raise StoreError(
                "The changes database was made by a newer version of Switchyard.",
                code="store_newer",
                remedy="Update Switchyard, or set SWITCHYARD_STATE_DIR to another folder.",
            ) from exc


def _url(url_or_path: str | Path) -> URL:
    if isinstance(url_or_path, str) and "://" in url_or_path:
        return make_url(url_or_path)
    return URL.create("sqlite+pysqlite", database=str(url_or_path))


def _engine(url: URL) -> sa.Engine:
    # Connections are short-lived: opening SQLite costs under a millisecond, and nothing is left open at exit or fork.
    engine = sa.create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    # WAL's usual NORMAL may lose the last commits on power failure; an intent must be there before a file is written.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _create_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


@contextmanager
def _translated(verb: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, Timeout, ValueError, KeyError) as exc:
        raise StoreError(
            f"The changes database cannot be {verb}.",
            code="store_unavailable",
            remedy="Check that the folder of SWITCHYARD_STATE_DIR exists, has room and belongs to this user.",
        ) from exc


def _row(record: ChangeRecord) -> dict[str, str | None]:
    return {
        "change_id": record.change_id,
        "at": _time_text(record.at),
        "actor": record.actor,
        "agent": record.agent.value,
        "target": record.target,
        "reason": record.reason,
        "before": json.dumps(dict(record.before), ensure_ascii=False),
        "after": json.dumps(dict(record.after), ensure_ascii=False),
        "state": record.state.value,
        "origin": record.origin.value,
        "detail": record.detail,
        "expires_at": _time_text(record.expires_at) if record.expires_at else None,
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


def _time_text(moment: datetime) -> str:
    """Return a text that sorts like the time: always UTC, always with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
