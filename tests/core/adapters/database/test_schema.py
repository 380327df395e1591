"""The schema: made in one go, the same as the code believes, and grown from every former version."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite
from core.adapters.database.migrations.versions import asks_0003, chain_0004, changes_0001, history_0002
from core.adapters.database.places import parsed_url
from core.adapters.database.tables import METADATA
from core.adapters.database.times import time_text
from core.errors import StoreError
from core.history.audit_trail import verify_all
from core.model.agent import AgentId
from core.model.audit import AuditEvent
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


def as_of_the_third_version(place: DatabasePlace, events: int) -> None:
    """Make the database of before the chain, with audit events that came in another order than they happened."""
    if isinstance(place, Sqlite):
        place.path.parent.mkdir()
    engine = _engine(place)
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            for version in (changes_0001, history_0002, asks_0003):
                version.upgrade()
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0003')"))
        insert = sa.text(
            "INSERT INTO audit_events VALUES (:id, :at, 'ada', 'page', 'change.apply', 'file:hermes', 'applied',"
            " 'kept – by № 3', :before, :after, '[\"c1\"]')"
        )
        rows = [
            {
                "id": f"a{number:04}",
                "at": time_text(RECORD.at + timedelta(minutes=number // 2)),
                "before": '{"primary": null}',
                "after": '{"primary": "new"}',
            }
            for number in reversed(range(events))
        ]
        if rows:
            connection.execute(insert, rows)
    engine.dispose()


def test_audit_events_of_before_the_chain_are_chained_as_they_happened(place: DatabasePlace) -> None:
    as_of_the_third_version(place, 1203)
    database = opened(place)
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count, verdict.head) == (True, 1203, database.audit.head())
    links = database.audit.links(limit=2000)
    assert [link.id for link in links] == [f"a{number:04}" for number in range(1203)]
    assert links[4].event == AuditEvent(
        id="a0004",
        at=RECORD.at + timedelta(minutes=2),
        actor="ada",
        origin="page",
        action="change.apply",
        target="file:hermes",
        outcome="applied",
        reason="kept – by № 3",
        before={"primary": None},
        after={"primary": "new"},
        evidence=("c1",),
    )
    database.audit.append(replace(links[4].event, id="new", role="admin"))
    assert verify_all(database.audit).count == 1204
    database.close()


@pytest.mark.parametrize("events", [0, 2])
def test_events_stay_append_only_through_the_migration_and_back(place: DatabasePlace, events: int) -> None:
    as_of_the_third_version(place, events)
    engine = _engine(place)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        for step in (chain_0004.upgrade, chain_0004.downgrade, chain_0004.upgrade):
            step()
        connection.execute(sa.text("INSERT INTO audit_events VALUES ('x', 9" + ", ''" * 14 + ")"))
    for statement in ("DELETE FROM audit_events", "UPDATE audit_events SET actor = 'nobody'"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text(statement))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM audit_events")).scalar_one() == events + 1
    engine.dispose()


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
