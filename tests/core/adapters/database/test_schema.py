"""The schema: made in one go, the same as the code believes, and grown from every former version."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite
from core.adapters.database.migrations.versions import changes_0001
from core.adapters.database.places import parsed_url
from core.adapters.database.tables import METADATA
from core.errors import StoreError
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeState, Origin
from tests.contract.conftest import opened

RECORD = ChangeRecord(
    change_id="c1",
    at=datetime(2030, 1, 2, tzinfo=UTC),
    actor="ada",
    agent=AgentId.HERMES,
    target="file:hermes",
    reason="kept by the former release",
    before={},
    after={},
    state=ChangeState.APPLIED,
    origin=Origin.PAGE,
)


def _engine(place: DatabasePlace) -> sa.Engine:
    if isinstance(place, Sqlite):
        return sa.create_engine(f"sqlite:///{place.path}")
    assert isinstance(place, PostgresUrl)
    return sa.create_engine(parsed_url(place.url))


def test_the_migrations_make_the_tables_that_the_code_knows(database: Database, place: DatabasePlace) -> None:
    database.ready()
    engine = _engine(place)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
    engine.dispose()
    # Changes have a table of their own, described where they are kept.
    assert [found for found in differences if found[1].name not in ("changes", "changes_by_time")] == []


def as_of_the_first_release(place: DatabasePlace) -> None:
    """Make the database that the first release left behind, with one change in it."""
    if isinstance(place, Sqlite):
        place.path.parent.mkdir()
    engine = _engine(place)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            changes_0001.upgrade()
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(
            sa.text(
                "INSERT INTO changes"
                " (change_id, at, actor, agent, target, reason, before, after, state, origin, detail) VALUES ("
                "'c1', '2030-01-02T00:00:00.000000+00:00', 'ada', 'hermes', 'file:hermes',"
                " 'kept by the former release', '{}', '{}', 'applied', 'page', '')"
            )
        )
    engine.dispose()


def test_a_database_of_the_first_release_keeps_its_changes(place: DatabasePlace) -> None:
    as_of_the_first_release(place)
    database = opened(place)
    assert list(database.changes.latest()) == [RECORD]
    assert list(database.history.routes()) == []
    database.close()


def test_a_file_of_the_first_release_learns_to_shrink(tmp_path: Path) -> None:
    place = Sqlite(path=tmp_path / "state" / "switchyard.db")
    as_of_the_first_release(place)
    opened(place).ready()
    connection = sqlite3.connect(place.path)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_migration_that_is_cut_off_leaves_the_former_schema(place: DatabasePlace) -> None:
    as_of_the_first_release(place)
    engine = _engine(place)
    with engine.begin() as connection:
        # The last table that the migration makes is in its way.
        connection.execute(sa.text("CREATE TABLE deliveries (id INTEGER)"))
    database = opened(place)
    with pytest.raises(StoreError):
        database.ready()
    with engine.begin() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_version", "changes", "deliveries"}
        connection.execute(sa.text("DROP TABLE deliveries"))
    engine.dispose()
    assert list(database.changes.latest()) == [RECORD]
    database.close()
