"""What every store of leases, audit events, deliveries and overrides does, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.adapters.database import Database, DatabasePlace, PostgresUrl, Sqlite
from core.adapters.database.places import parsed_url
from core.errors import StoreError
from core.model.agent import AgentId
from core.model.alert import Delivery, DeliveryState, NoticeKind
from core.model.audit import AuditEvent
from core.model.history import Batch
from core.model.override import Override
from tests.contract.conftest import opened

AT = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
EVENT = AuditEvent(
    id="a1",
    at=AT,
    actor="ada",
    origin="page",
    action="change.apply",
    target="file:hermes",
    outcome="applied",
    reason="primary is down – № 7 '; DROP TABLE audit_events",
    before={"primary": "old", "fallback": None},
    after={"primary": "new"},
    evidence=("c1", "r1"),
)
DELIVERY = Delivery(
    notice_id="opened:inc-1:ops:all:0",
    kind=NoticeKind.OPENED,
    channel="ops",
    rule="all",
    incident_id="inc-1",
    at=AT,
    state=DeliveryState.WAITING,
    attempts=1,
    next_at=AT + timedelta(seconds=10),
    detail="HTTP 503",
)
OVERRIDE = Override(
    id="c1",
    agent=AgentId.HERMES,
    target="file:hermes",
    slots={"primary": "example-model-1", "fallback": None},
    actor="ada",
    reason="two hours until the grant is there",
    since=AT,
    expires_at=AT + timedelta(hours=2),
    asks="The base was changed meanwhile.",
)


def run(place: DatabasePlace, statement: str) -> None:
    """Run a statement past the stores, as somebody with a database client could."""
    if isinstance(place, Sqlite):
        engine = sa.create_engine(f"sqlite:///{place.path}")
    else:
        assert isinstance(place, PostgresUrl)
        engine = sa.create_engine(parsed_url(place.url))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def test_a_free_lease_is_taken_and_others_are_told_who_holds_it(database: Database) -> None:
    mine = database.leases.take("probing", "one", 20)
    theirs = database.leases.take("probing", "two", 20)
    assert (mine.holder, theirs.holder, theirs.name) == ("one", "one", "probing")
    assert 15 < theirs.left_s <= mine.left_s <= 20
    assert theirs.since == mine.since
    assert abs(mine.since - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_holder_renews_it_and_keeps_its_since(database: Database, place: DatabasePlace) -> None:
    first = database.leases.take("probing", "one", 20)
    run(place, "UPDATE leases SET ends_at = ends_at - 15000, since = since - 15000")
    again = database.leases.take("probing", "one", 20)
    assert again.left_s > 15
    assert first.since - again.since == timedelta(seconds=15)


def test_an_ended_lease_moves(database: Database, place: DatabasePlace) -> None:
    database.leases.take("probing", "one", 20)
    run(place, "UPDATE leases SET ends_at = ends_at - 21000, since = since - 21000")
    assert database.leases.take("probing", "two", 20).holder == "two"
    assert database.leases.take("probing", "one", 20).holder == "two"


def test_a_released_lease_is_free_at_once_but_only_its_holder_can_release_it(database: Database) -> None:
    database.leases.take("probing", "one", 20)
    database.leases.release("probing", "two")
    assert database.leases.take("probing", "two", 20).holder == "one"
    database.leases.release("probing", "one")
    assert database.leases.take("probing", "two", 20).holder == "two"


def test_leases_of_different_names_do_not_know_each_other(database: Database) -> None:
    database.leases.take("probing", "one", 20)
    assert database.leases.take("retention", "two", 20).holder == "two"


def test_many_who_ask_at_once_agree_on_one_holder(database: Database, place: DatabasePlace) -> None:
    database.ready()
    holders: list[str] = []
    start = threading.Barrier(8)

    def ask(name: str) -> None:
        mine = opened(place)
        start.wait()
        holders.append(mine.leases.take("probing", name, 20).holder)
        mine.close()

    threads = [threading.Thread(target=ask, args=(f"process-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(holders) == 8
    assert len(set(holders)) == 1


def test_an_audit_event_comes_back_as_it_was(database: Database) -> None:
    database.audit.append(EVENT)
    assert list(database.audit.events()) == [EVENT]


def test_an_audit_event_that_had_to_wait_is_kept_with_a_batch_and_only_once(database: Database) -> None:
    for _ in range(2):
        database.history.keep(Batch(id="b", events=(EVENT, replace(EVENT, id="a2"))))
    database.audit.append(EVENT)
    assert list(database.audit.events()) == [replace(EVENT, id="a2"), EVENT]


def test_an_audit_event_is_never_replaced(database: Database) -> None:
    database.audit.append(EVENT)
    database.audit.append(replace(EVENT, outcome="something else"))
    assert list(database.audit.events()) == [EVENT]


@pytest.mark.parametrize("statement", ["DELETE FROM audit_events", "UPDATE audit_events SET actor = 'nobody'"])
def test_the_database_itself_keeps_audit_events(database: Database, place: DatabasePlace, statement: str) -> None:
    database.audit.append(EVENT)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        run(place, statement)
    assert list(database.audit.events()) == [EVENT]


def test_audit_events_come_newest_first_within_the_window(database: Database) -> None:
    events = [replace(EVENT, id=f"a{number}", at=AT + timedelta(hours=number)) for number in range(5)]
    for event in (events[2], events[0], events[4], events[1], events[3]):
        database.audit.append(event)
    assert list(database.audit.events()) == events[::-1]
    assert list(database.audit.events(limit=2)) == events[:2:-1]
    assert list(database.audit.events(since=events[1].at, until=events[3].at)) == [events[2], events[1]]
    assert list(database.audit.events(limit=0)) == []


def test_a_delivery_comes_back_as_it_stands(database: Database) -> None:
    database.deliveries.put(DELIVERY)
    assert database.deliveries.get(DELIVERY.notice_id) == DELIVERY
    sent = replace(DELIVERY, state=DeliveryState.SENT, attempts=2, next_at=None, detail="")
    database.deliveries.put(sent)
    assert database.deliveries.get(DELIVERY.notice_id) == sent
    assert list(database.deliveries.latest()) == [sent]


def test_deliveries_come_newest_first(database: Database) -> None:
    made = [replace(DELIVERY, notice_id=f"n{number}", at=AT + timedelta(seconds=number)) for number in range(4)]
    for delivery in (made[1], made[3], made[0], made[2]):
        database.deliveries.put(delivery)
    assert list(database.deliveries.latest(3)) == made[:0:-1]
    assert database.deliveries.get("nowhere") is None


def test_settled_deliveries_are_forgotten_after_the_days_of_hours(database: Database) -> None:
    settled = replace(DELIVERY, notice_id="sent", state=DeliveryState.SENT)
    recent = replace(settled, notice_id="recent", at=AT + timedelta(days=80))
    for delivery in (DELIVERY, settled, recent):
        database.deliveries.put(delivery)
    database.history.retain(AT + timedelta(days=100))
    assert list(database.deliveries.latest()) == [recent, DELIVERY]


def test_an_override_comes_back_until_it_is_ended(database: Database) -> None:
    later = replace(OVERRIDE, id="c2", since=AT + timedelta(hours=1), expires_at=None)
    database.overrides.put(later)
    database.overrides.put(OVERRIDE)
    assert list(database.overrides.active()) == [OVERRIDE, later]
    ended = replace(OVERRIDE, ended_at=AT + timedelta(minutes=5))
    database.overrides.put(ended)
    assert list(database.overrides.active()) == [later]
    assert database.overrides.get("c1") == ended
    assert database.overrides.get("c9") is None


def test_a_record_of_another_version_is_a_store_error(database: Database, place: DatabasePlace) -> None:
    database.deliveries.put(DELIVERY)
    run(place, 'UPDATE deliveries SET body = \'{"state": "of a later version"}\'')
    with pytest.raises(StoreError):
        database.deliveries.latest()
