"""What waits while nothing can be kept: everything that happened, and as many checks as there is room for."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.access.authority import actor_for_command_line
from core.audit import sweep_event
from core.history.backlog import Backlog
from core.model.history import Batch
from core.model.probe import Diagnosis
from tests.core.health.checks import at, result, route
from tests.core.history.hands import a_batch, a_journal


def with_incident(number: int) -> Batch:
    """Return a batch in which a route went down."""
    journal = a_journal()
    journal.take(result(float(number), Diagnosis.MODEL_ABSENT))
    return replace(journal.end_round(None).batch, id=f"batch-{number}")


def drained(backlog: Backlog) -> list[Batch]:
    """Return all batches in the order in which they would be kept."""
    found = []
    while (batch := backlog.first) is not None:
        found.append(batch)
        backlog.remove(batch)
    return found


def test_batches_are_kept_in_the_order_in_which_they_came() -> None:
    backlog = Backlog()
    for number in range(4):
        backlog.add(a_batch(number))
    assert len(backlog) == 4
    assert [batch.id for batch in drained(backlog)] == ["batch-0", "batch-1", "batch-2", "batch-3"]


def test_the_oldest_checks_go_first_and_are_counted() -> None:
    backlog = Backlog(most_checks=5)
    for number in range(4):
        backlog.add(a_batch(number, checks=2))
    kept = drained(backlog)
    assert (backlog.dropped, [len(batch.checks) for batch in kept]) == (4, [2, 2])
    assert [batch.id for batch in kept] == ["batch-0", "batch-3"]


def test_the_first_batch_may_be_under_way_and_stays_as_it_is() -> None:
    backlog = Backlog(most_checks=1)
    first = a_batch(0, checks=3)
    backlog.add(first)
    backlog.add(a_batch(1))
    backlog.add(a_batch(2))
    assert backlog.first is first


def test_there_are_never_more_batches_with_checks_than_allowed() -> None:
    backlog = Backlog(most_batches=3)
    for number in range(20):
        backlog.add(a_batch(number))
    assert [batch.id for batch in drained(backlog)] == ["batch-0", "batch-18", "batch-19"]
    assert backlog.dropped == 17


def test_what_happened_waits_even_without_its_checks() -> None:
    backlog = Backlog(most_checks=1)
    given_batches = [with_incident(number) for number in range(5)]
    for batch in given_batches:
        backlog.add(batch)
    kept = drained(backlog)
    assert [batch.transitions for batch in kept] == [batch.transitions for batch in given_batches]
    assert [batch.incidents for batch in kept] == [batch.incidents for batch in given_batches]
    assert [len(batch.checks) for batch in kept] == [1, 0, 0, 0, 1]


def test_how_a_route_stands_waits_only_once_and_in_its_newest_form() -> None:
    backlog = Backlog()
    journal = a_journal()
    for number, of in enumerate((route("fallback"), route(), route(), route())):
        journal.take(result(10.0 * number, of=of))
        backlog.add(journal.end_round(None).batch)
    first, *waiting, newest = drained(backlog)
    assert [kept.standing.route.slot for kept in first.routes] == ["fallback"]
    assert [batch.routes for batch in waiting] == [(), ()]
    assert [kept.result.checked_at.second for kept in newest.routes] == [30]


def test_another_batch_than_the_first_cannot_be_removed() -> None:
    backlog = Backlog()
    backlog.add(a_batch(0))
    backlog.remove(a_batch(1))
    assert len(backlog) == 1


def test_a_batch_that_nobody_can_keep_is_counted() -> None:
    backlog = Backlog()
    batch = a_batch(0, checks=3)
    backlog.add(batch)
    backlog.give_up(batch)
    assert (len(backlog), backlog.dropped) == (0, 3)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=30), st.integers(1, 6))
def test_every_check_is_kept_or_counted_and_what_waits_is_bounded(events: list[tuple[bool, int]], most: int) -> None:
    backlog, added, kept = Backlog(most_checks=most, most_batches=4), 0, 0
    for number, (is_taken, checks) in enumerate(events):
        first = backlog.first
        if is_taken and first is not None:
            kept += len(first.checks)
            backlog.remove(first)
            continue
        backlog.add(a_batch(number, checks=checks))
        added += checks
    waiting = drained(backlog)
    assert kept + backlog.dropped + sum(len(batch.checks) for batch in waiting) == added
    # The one under way and the newest are never touched.
    assert sum(len(batch.checks) for batch in waiting[1:-1]) <= most


def test_audit_events_wait_however_many_checks_there_are() -> None:
    event = sweep_event(actor=actor_for_command_line("ada", inside_databricks_apps=False), at=at(0))
    backlog = Backlog(most_batches=2)
    backlog.add(a_batch(0))
    backlog.add(Batch(id="alone", events=(event,)))
    backlog.add(replace(a_batch(1), events=(event,)))
    for number in range(2, 9):
        backlog.add(a_batch(number))
    assert backlog.dropped > 0
    assert [batch.id for batch in drained(backlog) if batch.events] == ["alone", "batch-1"]
