"""Work that may hang, done on a thread of its own, so that whoever waits for it can stop waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def beside(work: Callable[[], Result], *, name: str) -> Future[Result]:
    """Start work on a daemon thread, so that neither its caller nor the end of the process has to wait for it."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as exc:
            # Not judged here, only carried over to whoever waits.
            done.set_exception(exc)

    threading.Thread(target=run, name=name, daemon=True).start()
    return done
