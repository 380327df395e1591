"""The chain of audit events, on SQLite and on a real PostgreSQL: whoever writes past the product is noticed."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database import Database, DatabasePlace, Sqlite
from core.history.audit_trail import verify_all, verify_recent
from core.model.audit import AuditEvent, Breach
from core.model.history import Batch
from tests.contract.conftest import opened
from tests.contract.test_coordination_stores import AT, EVENT, run
from tests.core.adapters.database.test_crashes import reopened, text_of
from tests.fakes.dying import die_at_each


def event(number: int, **fields: str) -> AuditEvent:
    return replace(EVENT, id=f"a{number}", at=AT + timedelta(minutes=number), reason=f"reason {number}", **fields)


def filled(database: Database, count: int = 6) -> Database:
    for number in range(1, count + 1):
        database.audit.append(event(number))
    return database


def past_the_product(place: DatabasePlace, *statements: str) -> None:
    """Do to the table what its owner can, who takes the triggers away first."""
    if isinstance(place, Sqlite):
        triggers = ("DROP TRIGGER audit_events_stay_on_update", "DROP TRIGGER audit_events_stay_on_delete")
    else:
        triggers = ("DROP TRIGGER audit_events_stay ON audit_events",)
    for statement in (*triggers, *statements):
        run(place, statement)


def test_role_and_address_come_back_with_an_event(database: Database) -> None:
    who = event(1, role="operator", address="192.0.2.7")
    database.audit.append(who)
    assert list(database.audit.events()) == [who]


def test_events_are_chained_in_the_order_in_which_they_came(database: Database) -> None:
    for number in (3, 1, 2):
        database.audit.append(event(number))
    database.history.keep(Batch(id="b", events=(event(5), event(1), event(4), event(5))))
    links = database.audit.links()
    assert [(link.sequence, link.id) for link in links] == [(1, "a3"), (2, "a1"), (3, "a2"), (4, "a5"), (5, "a4")]
    assert database.audit.head() == links[-1].head
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count, verdict.head) == (True, 5, links[-1].head)


def test_the_same_event_again_leaves_the_chain_as_it_is(database: Database) -> None:
    head = filled(database, 2).audit.head()
    database.audit.append(replace(event(1), outcome="something else"))
    database.history.keep(Batch(id="b", events=(event(2), event(1))))
    assert database.audit.head() == head
    assert len(database.audit.links()) == 2


def test_each_new_head_is_in_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "core.adapters.database.audit"):
        filled(database, 2)
        database.audit.append(event(1))
        database.history.keep(Batch(id="b", events=(event(3),)))
    heads = [str(link.head) for link in database.audit.links()]
    assert [record.getMessage().rsplit(" ", 1)[1] for record in caplog.records] == heads


def test_links_are_read_in_steps(database: Database) -> None:
    filled(database, 5)
    first = database.audit.links(limit=2)
    second = database.audit.links(first[-1], limit=2)
    assert [link.sequence for link in (*first, *second, *database.audit.links(second[-1]))] == [1, 2, 3, 4, 5]
    assert database.audit.link(3) == second[0]
    assert database.audit.link(9) is None


def test_an_empty_audit_is_intact(database: Database) -> None:
    assert (database.audit.head(), database.audit.links()) == (None, ())
    assert verify_all(database.audit).is_intact


@pytest.mark.parametrize(
    ("statements", "breach", "at"),
    [
        pytest.param(["UPDATE audit_events SET actor = 'nobody' WHERE sequence = 3"], Breach.EDITED, 3, id="edited"),
        pytest.param(["UPDATE audit_events SET outcome = 'applied ' WHERE sequence = 3"], Breach.EDITED, 3, id="blank"),
        pytest.param(["UPDATE audit_events SET before = '{' WHERE sequence = 3"], Breach.EDITED, 3, id="unreadable"),
        pytest.param(["UPDATE audit_events SET after = '[1]' WHERE sequence = 3"], Breach.EDITED, 3, id="no-object"),
        pytest.param(["DELETE FROM audit_events WHERE sequence = 3"], Breach.REMOVED, 3, id="removed"),
        pytest.param(["DELETE FROM audit_events WHERE sequence = 1"], Breach.REMOVED, 1, id="first-removed"),
        pytest.param(["DELETE FROM audit_events WHERE sequence > 4"], Breach.REMOVED, 5, id="end-removed"),
        pytest.param(["DELETE FROM audit_events"], Breach.REMOVED, 1, id="all-removed"),
        pytest.param(
            [
                "DELETE FROM audit_events WHERE sequence = 3",
                "UPDATE audit_events SET sequence = 3 WHERE sequence = 4",
            ],
            Breach.EDITED,
            3,
            id="renumbered",
        ),
        pytest.param(
            [
                "UPDATE audit_events SET sequence = 99 WHERE sequence = 3",
                "UPDATE audit_events SET sequence = 3 WHERE sequence = 4",
                "UPDATE audit_events SET sequence = 4 WHERE sequence = 99",
            ],
            Breach.EDITED,
            3,
            id="reordered",
        ),
        pytest.param(
            [
                "INSERT INTO audit_events SELECT 'x', 7, previous, hash, at, actor, role, address, origin, action,"
                " target, outcome, reason, before, after, evidence FROM audit_events WHERE sequence = 6"
            ],
            Breach.EDITED,
            7,
            id="added-at-the-end",
        ),
        pytest.param(
            [
                "DROP INDEX audit_events_by_sequence",
                "INSERT INTO audit_events SELECT 'x', sequence, previous, hash, at, actor, role, address, origin,"
                " action, target, outcome, reason, before, after, evidence FROM audit_events WHERE sequence = 3",
            ],
            Breach.INSERTED,
            3,
            id="doubled",
        ),
        pytest.param(["UPDATE audit_head SET hash = 'x'"], Breach.REWRITTEN, 6, id="another-head"),
    ],
)
def test_what_is_done_past_the_product_is_noticed(
    database: Database, place: DatabasePlace, statements: list[str], breach: Breach, at: int
) -> None:
    filled(database)
    past_the_product(place, *statements)
    verdict = verify_all(database.audit)
    assert (verdict.breach, verdict.at) == (breach, at)
    assert verify_recent(database.audit).breach is breach


def test_one_row_that_is_no_event_any_more_hides_no_other(database: Database, place: DatabasePlace) -> None:
    filled(database, 3)
    past_the_product(place, "UPDATE audit_events SET before = '{' WHERE sequence = 2")
    assert [one.id for one in database.audit.events()] == ["a3", "a1"]


def test_a_number_cannot_be_given_twice(database: Database, place: DatabasePlace) -> None:
    filled(database, 2)
    with pytest.raises(Exception, match=r"(?i)unique"):
        past_the_product(place, "UPDATE audit_events SET sequence = 1")


def test_removed_newest_events_stay_missing_when_the_next_one_comes(database: Database, place: DatabasePlace) -> None:
    filled(database)
    past_the_product(place, "DELETE FROM audit_events WHERE sequence > 4")
    database.audit.append(event(7))
    assert database.audit.links()[-1].sequence == 7
    verdict = verify_all(database.audit)
    assert (verdict.breach, verdict.at) == (Breach.REMOVED, 5)


def test_a_head_that_was_taken_away_stops_nobody_from_recording(database: Database, place: DatabasePlace) -> None:
    filled(database)
    run(place, "DELETE FROM audit_head")
    database.audit.append(event(7))
    assert verify_all(database.audit).is_intact
    assert database.audit.head() == database.audit.links()[-1].head


def test_an_end_removed_with_its_head_shows_against_what_somebody_noted(
    database: Database, place: DatabasePlace
) -> None:
    filled(database)
    noted, fourth = database.audit.head(), database.audit.link(4)
    assert noted is not None and fourth is not None
    past_the_product(
        place,
        "DELETE FROM audit_events WHERE sequence > 4",
        f"UPDATE audit_head SET sequence = 4, hash = '{fourth.hash}'",
    )
    assert verify_all(database.audit).is_intact
    assert verify_all(database.audit, known=[noted]).breach is Breach.REMOVED


def test_the_newest_events_are_checked_without_reading_the_others(database: Database, place: DatabasePlace) -> None:
    filled(database)
    verdict = verify_recent(database.audit, limit=2)
    assert (verdict.is_intact, verdict.first, verdict.count) == (True, 5, 2)
    past_the_product(place, "UPDATE audit_events SET actor = 'nobody' WHERE sequence = 2")
    assert verify_recent(database.audit, limit=2).is_intact
    assert verify_recent(database.audit, limit=5).breach is Breach.EDITED


def test_text_that_no_database_takes_is_recorded_as_near_as_it_gets(database: Database) -> None:
    database.audit.append(event(1, target="file:\0hermes\ud800", actor="eve\x1b[31m"))
    (kept,) = database.audit.events()
    assert (kept.target, kept.actor) == ("file:\ufffdhermes?", "eve\x1b[31m")
    assert verify_all(database.audit).is_intact


def test_what_looks_like_a_token_is_not_recorded(database: Database) -> None:
    token = "dapi" + "0123456789abcdef" * 2
    spoken = replace(event(1), reason=f"use {token}", after={"primary": f"Bearer {token}"}, evidence=(token,))
    database.audit.append(spoken)
    assert token not in repr(database.audit.links())
    assert verify_all(database.audit).is_intact


def test_retention_never_takes_an_audit_event(database: Database) -> None:
    filled(database)
    database.history.retain(AT + timedelta(days=4000))
    assert verify_all(database.audit).count == 6


# Several at once.


def append_many(place: str, name: str, barrier: threading.Barrier) -> None:
    database = reopened(place)
    barrier.wait(30)
    for number in range(20):
        if number % 4:
            database.audit.append(event(number, actor=name, origin="page"))
        database.audit.append(replace(event(number), id=f"{name}-{number}"))
        database.history.keep(
            Batch(id=f"{name}-{number}", events=(replace(event(number), id=f"{name}-{number}-late"),))
        )
    database.close()


def test_processes_that_append_at_once_leave_one_whole_chain(database: Database, place: DatabasePlace) -> None:
    database.ready()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    others = [context.Process(target=append_many, args=(text_of(place), name, barrier)) for name in ("one", "two")]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    ids = {link.id for link in database.audit.links()}
    assert {f"{name}-{number}{end}" for name in ("one", "two") for number in range(20) for end in ("", "-late")} <= ids
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count) == (True, 2 * 2 * 20 + 15)


def test_threads_that_append_at_once_leave_one_whole_chain(database: Database, place: DatabasePlace) -> None:
    database.ready()

    def append(name: int) -> Callable[[], None]:
        def work() -> None:
            mine = opened(place)
            for number in range(10):
                mine.audit.append(replace(event(number), id=f"{name}-{number}"))
            mine.close()

        return work

    threads = [threading.Thread(target=append(name)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count) == (True, 40)


def append_one(place: str, number: int) -> None:
    reopened(place).audit.append(event(number))


def test_an_append_killed_anywhere_is_whole_or_not_there_and_the_chain_goes_on(
    database: Database, place: DatabasePlace
) -> None:
    database.audit.append(event(0))
    tried = range(1, 16)
    died = die_at_each(append_one, text_of(place), tried)
    assert died.count(True) > 4
    assert not all(died)
    kept = {link.id for link in database.audit.links()}
    assert {f"a{number}" for number, dead in zip(tried, died, strict=True) if not dead} <= kept
    database.audit.append(event(99))
    verdict = verify_all(database.audit)
    assert (verdict.is_intact, verdict.count) == (True, len(kept) + 1)
