"""Bring a database to the present schema, exactly once however many processes start together."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock

from core.adapters.database.engines import DURABLE, WRITES
from core.adapters.database.places import DatabasePlace, Sqlite
from core.errors import StoreError

SCHEMA_VERSION = "0005"
_LOCK_TIMEOUT_S = 30.0
_MIGRATIONS = Path(__file__).parent / "migrations"
_INCREMENTAL = 2

# Any number will do, as long as no other program on the same server uses it.
_ADVISORY_LOCK = 0x5357_4443_4852_4401


def bring_up_to_date(engine: sa.Engine, place: DatabasePlace) -> None:
    """Create or migrate the database when needed; raises StoreError for one of a newer version.

    A migration is one transaction: whoever dies in it leaves the former schema behind.
    """
    if isinstance(place, Sqlite):
        _create_private(place.path)
    if _version(engine) == SCHEMA_VERSION:
        return
    if isinstance(place, Sqlite):
        with FileLock(place.path.with_name(place.path.name + ".lock"), timeout=_LOCK_TIMEOUT_S, mode=0o600):
            if _version(engine) != SCHEMA_VERSION:
                _lay_out_file(engine)
                _upgrade(engine)
    else:
        _upgrade(engine)


def _create_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return version


def _lay_out_file(engine: sa.Engine) -> None:
    """Let a file give back pages in small steps; one that was laid out otherwise is written anew, while it is small."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        if cursor.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
            cursor.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
            cursor.execute("VACUUM")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()
    finally:
        raw.close()


def _upgrade(engine: sa.Engine) -> None:
    # Alembic takes longer to import than everything else here, and is needed once per schema version only.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with engine.connect().execution_options(**{WRITES: True, DURABLE: True}) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as exc:
        raise StoreError(
            "The database was made by a newer version of Switchyard.",
            code="store_newer",
            remedy="Update Switchyard, or set SWITCHYARD_STATE_DIR or SWITCHYARD_DATABASE_URL to another place.",
        ) from exc
