"""The databases that every store has to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite, open_database
from core.model.secret import Secret
from tests.fakes.postgres import shared_postgres

INTERVAL_S = 300.0


def opened(place: DatabasePlace) -> Database:
    """Return a database as the dashboard opens it."""
    return open_database(place, limit_bytes=64 << 20, raw_days=7, hourly_days=90, interval_s=INTERVAL_S)


def place_named(name: str, folder: Path) -> DatabasePlace:
    """Return a new, empty place of this kind."""
    if name == "sqlite":
        return Sqlite(path=folder / "state" / "switchyard.db")
    return PostgresUrl(url=Secret(shared_postgres().database()))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> DatabasePlace:
    return place_named(request.param, tmp_path)


@pytest.fixture
def database(place: DatabasePlace) -> Iterator[Database]:
    found = opened(place)
    yield found
    found.close()
