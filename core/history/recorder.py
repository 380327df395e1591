"""Keep what rounds leave behind in a thread of its own, so that nobody waits for a database.

What waits while it is down, and what goes when there is too much of it, is left to `backlog`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from core.errors import StoreError
from core.history.backlog import Backlog
from core.model.history import Batch, Keeping
from core.ports import Clock
from core.ports.store import HistoryStore

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_RETAIN_EVERY_S = 3600.0
# What fails this often for a fault of ours will fail again; what came after it must not wait for it for ever.
_OWN_FAULTS = 3
_FULL = "store_full"
_MEASURE_EVERY_S = 600.0
_OWN_FAULT = StoreError(
    "History cannot be kept for a fault inside Switchyard.",
    code="internal_error",
    remedy="See the log of this process, and report it.",
)


class HistoryDatabase(Protocol):
    """What the recorder needs of a database."""

    @property
    def history(self) -> HistoryStore:
        """Return where checks are kept."""
        ...

    @property
    def place(self) -> str:
        """Name the place for people."""
        ...

    @property
    def durable(self) -> bool:
        """Say whether what is kept there outlasts the container."""
        ...


class Recorder:
    """Take batches from any thread and keep them in order; every method but `stop` returns at once."""

    def __init__(
        self,
        database: Callable[[], HistoryDatabase],
        clock: Clock,
        *,
        backlog: Backlog | None = None,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._open = database
        self._clock = clock
        self._first_pause_s = first_pause_s
        self._backlog = Backlog() if backlog is None else backlog
        self._changed = threading.Condition()
        self._stopping = False
        self._is_open = False
        self._state = Keeping()
        self._failures = 0
        self._own_faults = 0
        self._is_full = False
        self._retained_at: float | None = None
        self._measured_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="switchyard-recorder", daemon=True)

    def start(self) -> None:
        """Start keeping."""
        self._thread.start()

    def keep(self, batch: Batch) -> None:
        """Have a batch kept as soon as that is possible."""
        with self._changed:
            self._backlog.add(batch)
            self._changed.notify_all()

    def keeping(self) -> Keeping:
        """Return how keeping goes; one batch that is just being kept is not waiting."""
        with self._changed:
            left = len(self._backlog)
            waiting = left if left > 1 or self._state.problem else 0
            return replace(self._state, waiting=waiting, dropped=self._backlog.dropped)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Try once more to keep what waits, and end; return whether everything was kept in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        with self._changed:
            return not self._backlog and not self._thread.is_alive()

    def _run(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Do what is to do next; return False when nothing is left to do."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open or self._backlog or self._stopping)
            batch, stopping = self._backlog.first, self._stopping
        if batch is None and stopping:
            return False
        try:
            database = self._open()
            self._keep_one(database, batch)
        except StoreError as exc:
            self._is_full = exc.code == _FULL
            self._failed(exc)
        except Exception:
            # The thread's own edge: what we cannot write for a fault of ours must not end all keeping.
            log.exception("a fault while keeping history")
            self._own_faults += 1
            self._failed(_OWN_FAULT)
            self._give_up(batch)
        else:
            if batch is not None:
                self._tidy(database)
            return True
        return not stopping and self._paused()

    def _keep_one(self, database: HistoryDatabase, batch: Batch | None) -> None:
        with self._changed:
            self._state = replace(self._state, place=database.place, durable=database.durable)
        if self._is_full:
            # Below a limit of size only forgetting makes room.
            database.history.retain(self._clock.now())
        if batch is None:
            self._measure(database)
        else:
            database.history.keep(batch)
        self._succeeded(batch)

    def _succeeded(self, batch: Batch | None) -> None:
        with self._changed:
            if batch is not None:
                self._backlog.remove(batch)
            if self._state.problem is not None:
                log.info("history is kept again, %d batches left to catch up", len(self._backlog))
            self._state = replace(self._state, problem=None, remedy="")
            self._is_open, self._is_full, self._failures, self._own_faults = True, False, 0, 0

    def _failed(self, error: StoreError) -> None:
        with self._changed:
            if self._state.problem != error.message:
                log.warning("history is not being kept: %s", error.message)
            self._state = replace(self._state, problem=error.message, remedy=error.remedy)
            self._failures += 1

    def _give_up(self, batch: Batch | None) -> None:
        with self._changed:
            if batch is not None and self._own_faults >= _OWN_FAULTS:
                log.error("batch %s cannot be kept", batch.id)
                self._backlog.give_up(batch)
                self._own_faults = 0

    def _paused(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, pause_s(self._failures, self._first_pause_s))
        return True

    def _tidy(self, database: HistoryDatabase) -> None:
        """Forget what is old, and measure, now and then; only where something is kept, so that one process does it."""
        try:
            if self._is_due(self._retained_at, _RETAIN_EVERY_S):
                self._retained_at = self._clock.monotonic()
                database.history.retain(self._clock.now())
            if self._is_due(self._measured_at, _MEASURE_EVERY_S):
                self._measure(database)
        except StoreError as exc:
            log.warning("old history could not be tidied up: %s", exc.message)
        except Exception:
            # The thread's own edge, as above.
            log.exception("a fault while tidying up history")

    def _is_due(self, last: float | None, every_s: float) -> bool:
        return last is None or self._clock.monotonic() - last >= every_s

    def _measure(self, database: HistoryDatabase) -> None:
        self._measured_at = self._clock.monotonic()
        size = database.history.size()
        with self._changed:
            self._state = replace(self._state, size_bytes=size.bytes, limit_bytes=size.limit_bytes)


def pause_s(failures: int, first_s: float = _FIRST_PAUSE_S) -> float:
    """Return how long to wait after so many failures in a row: twice as long each time, up to half a minute."""
    return float(min(first_s * 2 ** min(max(0, failures - 1), 16), _LONGEST_PAUSE_S))
