"""Journals and batches to test with."""

from __future__ import annotations

from core.history.journal import Journal
from core.model.check import route_id
from core.model.history import Batch
from core.model.probe import ProbeResult
from core.model.standing import KEPT_BEATS, HealthRules
from core.ports.store import HistoryStore
from tests.core.health.checks import START, check, result
from tests.fakes.network import FakeClock

RULES = HealthRules()


def a_journal(clock: FakeClock | None = None, *, simulated: bool = False) -> Journal:
    return Journal(RULES, simulated, clock or FakeClock(START))


def journal_from(store: HistoryStore, clock: FakeClock | None = None) -> Journal:
    """Return a journal as a start finds it: filled from what is kept."""
    journal = a_journal(clock)
    kept = store.routes()
    beats = store.beats([one.standing.route_id for one in kept], KEPT_BEATS)
    journal.load(kept, beats, store.open_incidents())
    return journal


def id_of(found: ProbeResult) -> str:
    return route_id(found.route)


def a_batch(number: int, *, checks: int = 1) -> Batch:
    """Return a batch with so many checks of their own, and one changed route."""
    journal = a_journal()
    journal.take(result(float(number)))
    seconds = [number + place / 1000 for place in range(checks)]
    return Batch(
        id=f"batch-{number}",
        checks=tuple(check(at) for at in seconds),
        routes=journal.end_round(None).batch.routes,
    )
