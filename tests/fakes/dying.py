"""Processes that die by kill -9 at an exact statement to the database, as often as somebody wants to see it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable

import sqlalchemy as sa

Work = Callable[[str, int], None]


def die_at_each(work: Work, place: str, statements: Iterable[int]) -> list[bool]:
    """Run work once per number, each time in a process that dies before that statement; say which ones died.

    `work` is a function of a module, as it is found again by another process; it gets the place and the number.
    """
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    numbers = list(statements)
    process = context.Process(target=_run_all, args=(work, place, numbers, queue))
    process.start()
    process.join(60)
    assert process.exitcode == 0, f"the process that lets others die ended with {process.exitcode}"
    return [queue.get() for _ in numbers]


def _run_all(work: Work, place: str, numbers: list[int], queue: multiprocessing.SimpleQueue[bool]) -> None:
    for number in numbers:
        child = os.fork()
        if child == 0:
            _run_one(work, place, number)
        _, status = os.waitpid(child, 0)
        queue.put(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)


def _run_one(work: Work, place: str, number: int) -> None:
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    # The end of the transaction is a moment like any other, but no statement.
    sa.event.listen(sa.Engine, "commit", count)
    work(place, number)
    os._exit(0)
