"""What is known of people is asked once in five minutes, and sooner again only where it could not be asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from core.model.access import Membership
from core.model.secret import Secret
from core.people import KEPT_S, RETRY_S, KnownPeople

ADMIN = Membership(groups=frozenset({"admins"}))
FAILED = Membership(problem="the workspace cannot be reached.")


class SetClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2030, 1, 2, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class Directory:
    """A workspace that says what it is told to, and notes who asked."""

    def __init__(self, *answers: Membership) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.open = threading.Event()
        self.open.set()

    def look_up(self, email: str, token: Secret | None, targets: Sequence[str]) -> Membership:
        self.asked.append((email, tuple(targets)))
        self.open.wait(10)
        if not self.answers:
            raise RuntimeError("asked too often")
        return self.answers.pop(0)


def test_a_person_is_asked_for_once_in_five_minutes() -> None:
    clock, directory = SetClock(), Directory(ADMIN, Membership(groups=frozenset()))
    people = KnownPeople(directory, clock=clock)

    assert people.of("ada@example.com", None, []) == ADMIN
    clock.seconds = KEPT_S - 1
    assert people.of(" ADA@example.com", None, []) == ADMIN
    clock.seconds = KEPT_S
    assert people.of("ada@example.com", None, []).groups == frozenset()
    assert len(directory.asked) == 2


def test_what_could_not_be_asked_is_asked_again_soon() -> None:
    clock, directory = SetClock(), Directory(FAILED, ADMIN)
    people = KnownPeople(directory, clock=clock)

    assert people.of("ada@example.com", None, []) == FAILED
    clock.seconds = RETRY_S - 1
    assert people.of("ada@example.com", None, []) == FAILED
    clock.seconds = RETRY_S
    assert people.of("ada@example.com", None, []) == ADMIN


def test_people_do_not_inherit_from_each_other() -> None:
    directory = Directory(ADMIN, Membership(groups=frozenset()))
    people = KnownPeople(directory, clock=SetClock())

    assert people.of("ada@example.com", None, []) == ADMIN
    assert people.of("vic@example.com", None, []).groups == frozenset()


def test_new_targets_are_asked_about() -> None:
    directory = Directory(ADMIN, ADMIN)
    people = KnownPeople(directory, clock=SetClock())

    people.of("ada@example.com", None, [])
    people.of("ada@example.com", None, ["app:coda"])

    assert [targets for _, targets in directory.asked] == [(), ("app:coda",)]


def test_a_slow_workspace_holds_no_page_up_and_gives_nothing_meanwhile() -> None:
    directory = Directory(ADMIN)
    directory.open.clear()
    people = KnownPeople(directory, clock=SetClock())

    waiting = people.of("ada@example.com", None, [], patience_s=0)

    assert waiting.groups is None and "being looked up" in waiting.problem
    directory.open.set()
    assert people.of("ada@example.com", None, [], patience_s=10) == ADMIN
    assert len(directory.asked) == 1


def test_a_look_up_that_breaks_gives_nothing() -> None:
    found = KnownPeople(Directory(), clock=SetClock()).of("ada@example.com", None, [])

    assert found.groups is None and found.problem
