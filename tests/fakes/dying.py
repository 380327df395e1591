"""Processes that die by kill -9 in the middle of their work, as often as somebody wants to see it.

Starting Python and importing the product takes a second. One process does that once and then copies itself for each
death.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection

import sqlalchemy as sa

Work = Callable[..., None]


def dies(work: Work, *given: object) -> bool:
    """Run work in a process of its own; say whether it was killed before its end.

    `work` is a function of a module, as it is found again by another process.
    """
    copying = _copying()
    copying.send((work, given))
    ended: int = copying.recv()
    assert ended in (0, -signal.SIGKILL), f"the process ended with {ended}; what it said is above"
    return ended != 0


def die_at_each(work: Work, place: str, statements: Iterable[int]) -> list[bool]:
    """Run work once per number, each time in a process that dies before that statement; say which ones died.

    `work` gets the place and the number.
    """
    return [dies(_work_until_statement, work, place, number) for number in statements]


def killed_at(step: int) -> Callable[[Work], Work]:
    """Return what puts a kill in front of functions: all calls of them are counted, and that one never happens."""
    left = [step]

    def dying(real: Work) -> Work:
        def touch(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return touch

    return dying


def _work_until_statement(work: Work, place: str, number: int) -> None:
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


@functools.cache
def _copying() -> Connection:
    """Return the line to the process that copies itself; it ends when this one does."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=_copy_for_each, args=(theirs,), daemon=True).start()
    return ours


def _copy_for_each(line: Connection) -> None:
    # What is received names its module, which is imported here once, before the copies are made.
    while True:
        work, given = line.recv()
        child = os.fork()
        if child == 0:
            _run(work, given)
        _, status = os.waitpid(child, 0)
        line.send(os.waitstatus_to_exitcode(status))


def _run(work: Work, given: tuple[object, ...]) -> None:
    try:
        work(*given)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
