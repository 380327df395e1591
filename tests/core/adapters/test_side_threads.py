"""Work in threads ends in order, all of it or what was done in time, and a thread that hangs keeps nobody."""

from __future__ import annotations

import threading
from time import monotonic

from core.adapters.side_threads import in_threads


def test_results_come_in_the_order_of_the_items_whoever_is_first() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return number * 10

    assert in_threads(work, range(3), at_once=2, deadline_s=10) == [0, 10, 20]


def test_no_more_at_once_than_allowed() -> None:
    lock, together, most = threading.Lock(), 0, 0
    meet = threading.Barrier(2)

    def work(_: int) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        meet.wait(10)
        with lock:
            together -= 1

    in_threads(work, range(6), at_once=2, deadline_s=10)
    assert most == 2


def test_what_hangs_is_left_out_when_time_is_over() -> None:
    never = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            never.wait(30)
        return number

    began = monotonic()
    assert in_threads(work, range(4), at_once=4, deadline_s=0.2) == [0, 2, 3]
    assert monotonic() - began < 10
    never.set()


def test_nothing_to_do_is_done_at_once() -> None:
    assert in_threads(str, [], at_once=4, deadline_s=10) == []
