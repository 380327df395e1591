"""No room: the limit that somebody set, and a disk that is full."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.adapters.database import Database, DatabasePlace, Sqlite, open_database
from core.errors import StoreError
from core.model.check import route_id
from core.model.history import Batch, Resolution
from tests.contract.conftest import INTERVAL_S, opened
from tests.contract.test_coordination_stores import EVENT
from tests.fakes.history_values import START, a_check, a_route, an_incident

# Half of it is set aside for the write-ahead log of a file.
LIMIT = 8 << 20
ROUNDS = 36
ROUTES = 200
STEPS = 10
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
IDS = [route_id(a_route(number)) for number in range(ROUTES)]
FIRST = tuple(a_check(number) for number in range(ROUTES))
ROOT = Path(__file__).resolve().parents[4]


def limited(place: DatabasePlace, limit_bytes: int = LIMIT) -> Database:
    return open_database(place, limit_bytes=limit_bytes, raw_days=365, hourly_days=365, interval_s=INTERVAL_S)


def fill(database: Database, number: int) -> None:
    """Keep what many routes leave in an hour."""
    begin = START + number * STEPS * 5 * MINUTE
    checks = tuple(replace(first, checked_at=begin + index * 5 * MINUTE) for index in range(STEPS) for first in FIRST)
    database.history.keep(Batch(id=f"b{number}", checks=checks))


def newest(number: int) -> tuple[object, ...]:
    return (a_check(0, START + ((number + 1) * STEPS - 1) * 5 * MINUTE),)


def test_the_limit_is_never_exceeded_while_history_goes_on(place: DatabasePlace) -> None:
    database = limited(place)
    for number in range(ROUNDS):
        fill(database, number)
        assert database.history.size().bytes <= LIMIT
        if number % 10 == 9:
            database.history.retain(START + (number + 1) * STEPS * 5 * MINUTE)
            assert database.history.size().bytes <= LIMIT
    assert database.history.beats(IDS[:1], 1) == {IDS[0]: newest(ROUNDS - 1)}
    assert 0 < database.history.size().rows["checks"] < ROUNDS * STEPS * ROUTES
    days = database.history.buckets(IDS[:1], START - DAY, START + 365 * DAY, Resolution.DAY)
    assert sum(day.checks for day in days) == ROUNDS * STEPS
    database.close()


def test_without_retention_the_oldest_checks_make_room_by_themselves(place: DatabasePlace) -> None:
    database = limited(place)
    for number in range(ROUNDS):
        fill(database, number)
    size = database.history.size()
    assert size.bytes <= LIMIT and 0 < size.rows["checks"] < ROUNDS * STEPS * ROUTES
    assert database.history.beats(IDS[:1], 1) == {IDS[0]: newest(ROUNDS - 1)}
    database.close()


def test_an_audit_event_finds_room_when_history_has_none(tmp_path: Path) -> None:
    database = limited(Sqlite(path=tmp_path / "full.db"), LIMIT)
    # Incidents are never forgotten, so they fill whatever they are given.
    with pytest.raises(StoreError) as caught:
        for number in range(200):
            incident = replace(an_incident(number), message="x" * 100_000)
            database.history.keep(Batch(id=f"b{number}", incidents=(incident,)))
    assert caught.value.code == "store_full"
    database.audit.append(EVENT)
    assert list(database.audit.events()) == [EVENT]
    database.close()


def test_a_limit_that_was_lowered_is_kept_after_the_next_retention(place: DatabasePlace) -> None:
    generous = limited(place, 64 << 20)
    for number in range(ROUNDS):
        fill(generous, number)
    generous.close()
    strict = limited(place)
    strict.history.retain(START + ROUNDS * STEPS * 5 * MINUTE)
    size = strict.history.size()
    assert size.bytes <= LIMIT and 0 < size.rows["checks"] < ROUNDS * STEPS * ROUTES
    fill(strict, ROUNDS)
    strict.close()


_FILLING = """
import sys
from pathlib import Path
from core.adapters.database import Sqlite
from core.errors import StoreError
from tests.contract.conftest import opened
from tests.core.adapters.database.test_limits import fill
database = opened(Sqlite(path=Path(sys.argv[1])))
kept = 0
try:
    for number in range(1000):
        fill(database, number)
        kept += 1
except StoreError as error:
    print(kept, error.code)
"""


def test_a_full_disk_is_reported_and_corrupts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "switchyard.db"
    ended = subprocess.run(
        [sys.executable, "-c", _FILLING, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    kept, code = ended.stdout.split()
    assert code == "store_full"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    database = opened(Sqlite(path=path))
    assert database.history.beats(IDS[:1], 1) == {IDS[0]: newest(int(kept) - 1)}
    fill(database, int(kept))
    assert database.history.beats(IDS[:1], 1) == {IDS[0]: newest(int(kept))}
    database.close()
