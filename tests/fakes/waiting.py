"""Wait for what another thread is about to bring about, with a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

_PAUSE = threading.Event()


def eventually(look: Callable[[], T], *, timeout_s: float = 20.0) -> T:
    """Return the first true thing that `look` gives; fail when there is none in time."""
    deadline = monotonic() + timeout_s
    while not (seen := look()):
        assert monotonic() < deadline, f"not in {timeout_s:g} s: {seen!r}"
        _PAUSE.wait(0.005)
    return seen
