"""Do the same work on many things at once, in threads that nobody has to wait for when time is over."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Iterable[T], *, at_once: int, deadline_s: float) -> list[R]:
    """Return what was done in time, in the order of the items; `work` must not raise.

    The threads end with the process, so that a call that hangs keeps neither the caller nor the exit.
    """
    waiting = queue.SimpleQueue[tuple[int, T]]()
    done = queue.SimpleQueue[tuple[int, R]]()
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            try:
                number, item = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((number, work(item)))

    count = 0
    for number, item in enumerate(items):
        waiting.put((number, item))
        count = number + 1
    for _ in range(min(at_once, count)):
        threading.Thread(target=go_on, name="switchyard-apps", daemon=True).start()
    ends = time.monotonic() + deadline_s
    found: dict[int, R] = {}
    while len(found) < count:
        try:
            number, result = done.get(timeout=max(0.0, ends - time.monotonic()))
        except queue.Empty:
            break
        found[number] = result
    over.set()
    return [found[number] for number in sorted(found)]
