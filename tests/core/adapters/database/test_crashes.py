"""kill -9 at any statement of a migration, of keeping a batch and of retention: nothing is half done afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite, place_of
from core.health.buckets import bucket_checks, merge_buckets
from core.history.audit_trail import verify_all
from core.model.check import Check, route_id
from core.model.history import Batch, Bucket, Resolution
from core.model.secret import Secret
from tests.contract.conftest import INTERVAL_S, opened
from tests.core.adapters.database.test_schema import RECORD, as_of_the_first_release, as_of_the_third_version
from tests.fakes.dying import die_at_each
from tests.fakes.history_values import START, a_check, a_kept_route, a_route, a_transition, an_incident

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ROUTES = (0, 1, 2)
IDS = [route_id(a_route(number)) for number in ROUTES]


def text_of(place: DatabasePlace) -> str:
    if isinstance(place, Sqlite):
        return str(place.path)
    assert isinstance(place, PostgresUrl)
    return place.url.reveal()


def reopened(text: str) -> Database:
    return opened(place_of(Secret(text)))


def assert_sound(place: DatabasePlace) -> None:
    if isinstance(place, Sqlite):
        connection = sqlite3.connect(place.path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


def migrate(place: str, _: int) -> None:
    reopened(place).ready()


def keep(place: str, number: int) -> None:
    reopened(place).history.keep(a_round(number))


def retain(place: str, _: int) -> None:
    reopened(place).history.retain(START + 20 * DAY)


def a_round(number: int) -> Batch:
    """Return the round of this number: checks and standings of all routes, a transition and an incident."""
    at = START + number * 5 * MINUTE
    return Batch(
        id=f"b{number}",
        checks=tuple(a_check(route, at) for route in ROUTES),
        routes=tuple(a_kept_route(route, at) for route in ROUTES),
        transitions=(a_transition(0, at),),
        incidents=(replace(an_incident(0, at), id=f"inc-{number}"),),
    )


def test_a_migration_killed_anywhere_is_done_by_the_next_start(place: DatabasePlace) -> None:
    as_of_the_first_release(place)
    died = die_at_each(migrate, text_of(place), (1, 3, 6, 9, 14, 20, 26, 32, 38, 44))
    assert died.count(True) > 5
    database = opened(place)
    assert list(database.changes.latest()) == [RECORD]
    database.history.keep(a_round(1))
    assert len(database.history.routes()) == len(ROUTES)
    database.close()
    assert_sound(place)


def test_chaining_former_audit_events_killed_anywhere_is_done_by_the_next_start(place: DatabasePlace) -> None:
    as_of_the_third_version(place, 20)
    died = die_at_each(migrate, text_of(place), range(2, 50, 4))
    assert died.count(True) > 4
    database = opened(place)
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count) == (True, 20)
    database.close()
    assert_sound(place)


def test_a_new_database_whose_first_start_is_killed_anywhere_is_made_by_the_next(place: DatabasePlace) -> None:
    assert any(die_at_each(migrate, text_of(place), (2, 5, 11, 19, 27, 35)))
    database = opened(place)
    assert list(database.audit.events()) == []
    database.close()
    assert_sound(place)


def test_a_batch_killed_anywhere_is_kept_whole_or_not_at_all(place: DatabasePlace) -> None:
    database = opened(place)
    database.history.keep(a_round(0))
    tried = range(1, 22)
    died = die_at_each(keep, text_of(place), tried)
    assert died[:8] == [True] * 8
    kept = {check.checked_at for check in database.history.beats(IDS, 1000)[IDS[0]]}
    for number, dead in zip(tried, died, strict=True):
        round_ = a_round(number)
        parts = [
            *(check in database.history.beats(IDS, 1000)[check.route_id] for check in round_.checks),
            database.history.incident(f"inc-{number}") is not None,
        ]
        assert all(parts) or not any(parts)
        assert dead or all(parts)
    assert START in kept
    database.history.keep(a_round(1))
    assert database.history.incident("inc-1") is not None
    database.close()
    assert_sound(place)


def _expected(checks: Sequence[Check], resolution: Resolution) -> list[Bucket]:
    found: list[Bucket] = []
    for number in ROUTES:
        own = [check for check in checks if check.route_id == IDS[number]]
        hours = bucket_checks(own, resolution=Resolution.HOUR, interval_s=INTERVAL_S, until=START + 30 * DAY)
        found += merge_buckets(hours, resolution)
    return sorted(found, key=lambda bucket: (bucket.start, bucket.route_id))


@pytest.mark.parametrize("resolution", [Resolution.HOUR, Resolution.DAY])
def test_retention_killed_anywhere_loses_no_hour_and_counts_none_twice(
    place: DatabasePlace, resolution: Resolution
) -> None:
    checks = [a_check(number, START + index * 17 * MINUTE) for index in range(60) for number in ROUTES]
    database = opened(place)
    database.history.keep(Batch(id="b", checks=tuple(checks)))
    died = die_at_each(retain, text_of(place), range(2, 170, 9))
    assert died.count(True) > 5
    database.history.retain(START + 20 * DAY)
    assert database.history.size().rows["checks"] == 0
    found = database.history.buckets(IDS, START - DAY, START + 30 * DAY, resolution)
    assert sorted(found, key=lambda bucket: (bucket.start, bucket.route_id)) == _expected(checks, resolution)
    database.close()
    assert_sound(place)
