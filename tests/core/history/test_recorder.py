"""Keeping in a thread of its own: nobody waits, a database that comes back catches up, and it is said how it goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from core.errors import StoreError
from core.history.backlog import Backlog
from core.history.recorder import Recorder, pause_s
from core.model.history import Batch, StoreSize
from core.ports.store import HistoryStore
from tests.core.health.checks import START
from tests.core.history.hands import a_batch
from tests.fakes.history_store import MemoryHistoryStore
from tests.fakes.network import FakeClock
from tests.fakes.waiting import eventually


class Shelf(MemoryHistoryStore):
    """A store that also counts what tidies it up, and can be slow, full or at fault."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.retained = 0
        self.measured = 0
        self.full = False
        self.fault_with = ""
        self.tidying_fails_with: Exception | None = None
        self.asked = 0

    def keep(self, batch: Batch) -> None:
        self.asked += 1
        assert self.gate.wait(20)
        if batch.id == self.fault_with:
            raise TypeError("a batch that cannot be written")
        if self.full:
            raise StoreError("The database has no room left.", code="store_full", remedy="Make room.")
        super().keep(batch)

    def retain(self, now: object) -> int:
        self.retained += 1
        if self.tidying_fails_with is not None:
            raise self.tidying_fails_with
        self.full = False
        return 0

    def size(self) -> StoreSize:
        self._answer()
        self.measured += 1
        return StoreSize(bytes=100 + self.measured, limit_bytes=1000)


class Place:
    """A database with nothing but a shelf."""

    place = "a shelf"
    durable = False

    def __init__(self, history: HistoryStore) -> None:
        self.history = history


Make = Callable[..., Recorder]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def recorder(shelf: Shelf, clock: FakeClock) -> Iterator[Recorder]:
    found = Recorder(lambda: Place(shelf), clock, backlog=Backlog(most_checks=50), first_pause_s=0.005)
    found.start()
    yield found
    shelf.gate.set()
    found.stop()


def ids(shelf: Shelf) -> list[str]:
    return [batch.id for batch in shelf.batches]


def test_what_is_handed_over_is_kept_in_order(recorder: Recorder, shelf: Shelf) -> None:
    for number in range(5):
        recorder.keep(a_batch(number))
    eventually(lambda: len(shelf.batches) == 5)
    assert ids(shelf) == [f"batch-{number}" for number in range(5)]
    eventually(lambda: recorder.keeping().waiting == 0)


def test_nobody_waits_for_a_slow_database(recorder: Recorder, shelf: Shelf) -> None:
    shelf.gate.clear()
    recorder.keep(a_batch(0))
    eventually(lambda: shelf.asked)
    recorder.keep(a_batch(1))
    recorder.keep(a_batch(2))
    # All three calls returned although not one batch is kept.
    assert (shelf.batches, recorder.keeping().waiting) == ([], 3)


def test_the_place_and_its_size_are_known_before_anything_is_kept(recorder: Recorder) -> None:
    kept = eventually(lambda: recorder.keeping() if recorder.keeping().size_bytes else None)
    assert kept is not None
    assert (kept.place, kept.durable, kept.size_bytes, kept.limit_bytes) == ("a shelf", False, 101, 1000)
    assert kept.problem is None


def test_a_database_that_is_down_at_the_start_is_said_at_once(shelf: Shelf, clock: FakeClock) -> None:
    shelf.refusing = True
    recorder = Recorder(lambda: Place(shelf), clock, first_pause_s=0.005)
    recorder.start()
    eventually(lambda: recorder.keeping().problem == "The database cannot be used.")
    assert (recorder.keeping().place, recorder.keeping().remedy) == ("a shelf", "Start it.")
    shelf.refusing = False
    eventually(lambda: recorder.keeping().problem is None)
    assert recorder.stop()


def test_a_place_that_cannot_even_be_opened_is_tried_again(shelf: Shelf, clock: FakeClock) -> None:
    tries: list[int] = []

    def opened() -> Place:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("The file cannot be opened.", code="store_unavailable", remedy="Make a folder.")
        return Place(shelf)

    recorder = Recorder(opened, clock, first_pause_s=0.005)
    recorder.keep(a_batch(0))
    recorder.start()
    eventually(lambda: ids(shelf) == ["batch-0"])
    assert recorder.stop()


def test_what_waited_is_caught_up_in_order_when_the_database_comes_back(recorder: Recorder, shelf: Shelf) -> None:
    shelf.refusing = True
    for number in range(6):
        recorder.keep(a_batch(number))
    eventually(lambda: recorder.keeping().problem)
    assert recorder.keeping().waiting == 6
    shelf.refusing = False
    eventually(lambda: len(shelf.batches) == 6)
    assert ids(shelf) == [f"batch-{number}" for number in range(6)]
    eventually(lambda: recorder.keeping().problem is None)
    assert recorder.keeping().dropped == 0


def test_checks_that_find_no_room_while_it_is_down_are_counted(recorder: Recorder, shelf: Shelf) -> None:
    shelf.refusing = True
    eventually(lambda: recorder.keeping().size_bytes)
    for number in range(8):
        recorder.keep(a_batch(number, checks=10))
    assert recorder.keeping().dropped == 30
    shelf.refusing = False
    eventually(lambda: ids(shelf) == ["batch-0", "batch-4", "batch-5", "batch-6", "batch-7"])


def test_going_down_and_coming_back_are_one_line_each(
    recorder: Recorder, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="core.history.recorder"):
        shelf.refusing = True
        recorder.keep(a_batch(0))
        tries = shelf.asked
        eventually(lambda: shelf.asked > tries + 3)
        shelf.refusing = False
        eventually(lambda: recorder.keeping().problem is None)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "history is not being kept: The database cannot be used.",
        "history is kept again, 0 batches left to catch up",
    ]


def test_a_full_database_is_made_room_in_before_the_next_try(recorder: Recorder, shelf: Shelf) -> None:
    shelf.full = True
    recorder.keep(a_batch(0))
    eventually(lambda: ids(shelf) == ["batch-0"])
    assert shelf.retained >= 1


def test_old_history_is_tidied_up_once_an_hour(recorder: Recorder, shelf: Shelf, clock: FakeClock) -> None:
    recorder.keep(a_batch(0))
    eventually(lambda: shelf.retained == 1)
    recorder.keep(a_batch(1))
    eventually(lambda: len(shelf.batches) == 2)
    clock.move(3599)
    recorder.keep(a_batch(2))
    eventually(lambda: len(shelf.batches) == 3)
    assert shelf.retained == 1
    clock.move(1)
    recorder.keep(a_batch(3))
    eventually(lambda: shelf.retained == 2)


@pytest.mark.parametrize(
    "failure", [TypeError("ours"), StoreError("The database cannot be used.", code="store_unavailable", remedy="")]
)
def test_what_is_kept_is_kept_even_when_tidying_up_fails(recorder: Recorder, shelf: Shelf, failure: Exception) -> None:
    shelf.tidying_fails_with = failure
    recorder.keep(a_batch(0))
    recorder.keep(a_batch(1))
    eventually(lambda: ids(shelf) == ["batch-0", "batch-1"])
    assert recorder.stop()
    assert (shelf.retained, recorder.keeping().problem) == (1, None)


def test_a_process_that_keeps_nothing_tidies_up_nothing(recorder: Recorder, shelf: Shelf) -> None:
    eventually(lambda: recorder.keeping().size_bytes)
    assert recorder.stop()
    assert shelf.retained == 0


def test_the_size_is_measured_anew_now_and_then(recorder: Recorder, shelf: Shelf, clock: FakeClock) -> None:
    eventually(lambda: shelf.measured == 1)
    clock.move(600)
    recorder.keep(a_batch(0))
    eventually(lambda: recorder.keeping().size_bytes == 102)


def test_a_batch_that_fails_for_a_fault_of_ours_does_not_hold_up_the_others(recorder: Recorder, shelf: Shelf) -> None:
    shelf.fault_with = "batch-0"
    recorder.keep(a_batch(0, checks=2))
    recorder.keep(a_batch(1))
    eventually(lambda: ids(shelf) == ["batch-1"])
    assert recorder.keeping().dropped == 2
    eventually(lambda: recorder.keeping().problem is None)


def test_stopping_keeps_what_is_left(shelf: Shelf, clock: FakeClock) -> None:
    recorder = Recorder(lambda: Place(shelf), clock)
    for number in range(3):
        recorder.keep(a_batch(number))
    recorder.start()
    assert recorder.stop()
    assert len(shelf.batches) == 3


def test_stopping_while_it_is_down_tries_once_more_and_ends(recorder: Recorder, shelf: Shelf) -> None:
    shelf.refusing = True
    recorder.keep(a_batch(0))
    eventually(lambda: recorder.keeping().problem)
    assert not recorder.stop(timeout_s=10)
    assert recorder.keeping().waiting == 1


def test_stopping_does_not_wait_for_the_next_try(shelf: Shelf, clock: FakeClock) -> None:
    shelf.refusing = True
    recorder = Recorder(lambda: Place(shelf), clock, first_pause_s=1000.0)
    recorder.keep(a_batch(0))
    recorder.start()
    eventually(lambda: recorder.keeping().problem)
    shelf.refusing = False
    assert recorder.stop(timeout_s=10)
    assert ids(shelf) == ["batch-0"]


def test_stopping_gives_up_on_a_database_that_hangs(recorder: Recorder, shelf: Shelf) -> None:
    shelf.gate.clear()
    recorder.keep(a_batch(0))
    assert not recorder.stop(timeout_s=0.05)


@pytest.mark.parametrize(("failures", "expected"), [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (100_000, 30.0)])
def test_each_failure_waits_twice_as_long_up_to_half_a_minute(failures: int, expected: float) -> None:
    assert pause_s(failures) == expected
