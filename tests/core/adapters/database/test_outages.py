"""A PostgreSQL that goes away, comes back or falls silent while it is in use: nothing is lost and nobody is stuck."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
import sqlalchemy as sa

from core.adapters.database import Database, PostgresUrl
from core.adapters.database.access import Access
from core.adapters.database.connections import BoundedConnection
from core.errors import StoreError
from core.model.check import route_id
from core.model.history import Batch
from core.model.secret import Secret
from tests.contract.conftest import opened
from tests.contract.test_coordination_stores import EVENT
from tests.fakes.history_values import START, a_check, a_kept_route, a_route
from tests.fakes.postgres import Postgres, shared_postgres
from tests.fakes.waiting import eventually

OUTAGES = 2
AUDITORS = 4
LONGEST_S = 10.0


@pytest.fixture
def server() -> Iterator[Postgres]:
    """Return a server of this test's own, which it may stop."""
    found = Postgres()
    yield found
    found.close()


class Caller(threading.Thread):
    """Somebody who calls again and again, and notes what became of each call and how long the longest took."""

    def __init__(self, call: Callable[[int], object], stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._stopping = stopping
        self.done: list[int] = []
        self.refused: list[int] = []
        self.longest_s = 0.0
        self.fault: BaseException | None = None

    def run(self) -> None:
        number = 0
        try:
            while not self._stopping.is_set():
                number += 1
                began = monotonic()
                try:
                    self._call(number)
                    self.done.append(number)
                except StoreError:
                    self.refused.append(number)
                    # A caller waits before it tries again; this one hardly.
                    self._stopping.wait(0.02)
                self.longest_s = max(self.longest_s, monotonic() - began)
        except BaseException as fault:
            self.fault = fault


def all_go_on(callers: list[Caller], seen: Callable[[Caller], int]) -> bool:
    """Wait until each caller has seen one more."""
    before = {caller: seen(caller) for caller in callers}
    return eventually(lambda: all(seen(caller) > before[caller] or caller.fault for caller in callers))


def keep(database: Database, number: int) -> None:
    at = START + number * timedelta(minutes=5)
    database.history.keep(Batch(id=f"b{number}", checks=(a_check(0, at),), routes=(a_kept_route(0, at),)))


def test_stopped_and_started_under_load_it_keeps_all_it_confirmed_and_nobody_is_stuck(server: Postgres) -> None:
    database = opened(PostgresUrl(url=Secret(server.database())))
    database.ready()
    stopping = threading.Event()

    def auditor(name: int) -> Caller:
        return Caller(lambda number: database.audit.append(replace(EVENT, id=f"{name}-{number}")), stopping)

    auditors = [auditor(name) for name in range(AUDITORS)]
    recorder = Caller(lambda number: keep(database, number), stopping)
    others = [
        Caller(lambda _: database.history.routes(), stopping),
        Caller(lambda _: database.audit.events(limit=5), stopping),
        Caller(lambda _: database.leases.take("probing", "me", 20.0), stopping),
    ]
    callers = [*auditors, recorder, *others]
    for caller in callers:
        caller.start()
    for _ in range(OUTAGES):
        all_go_on(callers, lambda caller: len(caller.done))
        server.stop()
        all_go_on(callers, lambda caller: len(caller.refused))
        server.start()
    all_go_on(callers, lambda caller: len(caller.done))
    stopping.set()
    for caller in callers:
        caller.join(LONGEST_S)
    assert [caller.fault for caller in callers] == [None] * len(callers)
    assert not any(caller.is_alive() for caller in callers)
    assert max(caller.longest_s for caller in callers) < LONGEST_S

    kept = {event.id for event in database.audit.events(limit=1_000_000)}
    confirmed = {f"{name}-{number}" for name, caller in enumerate(auditors) for number in caller.done}
    assert confirmed <= kept
    # A commit whose answer was lost is there although its caller was told otherwise; no more than one each.
    assert len(kept - confirmed) <= AUDITORS * OUTAGES
    beats = database.history.beats([route_id(a_route(0))], 1_000_000)[route_id(a_route(0))]
    assert {START + number * timedelta(minutes=5) for number in recorder.done} <= {beat.checked_at for beat in beats}
    database.close()


def test_what_was_refused_while_it_was_away_is_kept_when_it_is_told_again(server: Postgres) -> None:
    database = opened(PostgresUrl(url=Secret(server.database())))
    database.ready()
    server.stop()
    with pytest.raises(StoreError) as caught:
        database.audit.append(EVENT)
    assert caught.value.code == "store_unavailable"
    server.start()

    def told_again() -> bool:
        try:
            database.audit.append(EVENT)
        except StoreError:
            return False
        return True

    eventually(told_again)
    assert list(database.audit.events()) == [EVENT]
    database.close()


def test_one_that_is_away_at_the_start_is_migrated_when_it_comes(server: Postgres) -> None:
    url = server.database()
    server.stop()
    database = opened(PostgresUrl(url=Secret(url)))
    with pytest.raises(StoreError):
        database.ready()
    server.start()

    def is_there() -> bool:
        try:
            database.ready()
        except StoreError:
            return False
        return True

    eventually(is_there)
    keep(database, 1)
    database.close()


def test_a_server_that_falls_silent_in_a_statement_is_given_up_and_tried_anew() -> None:
    access = Access(PostgresUrl(url=Secret(shared_postgres().database())))
    access.ready()
    began = monotonic()
    backend = 0
    with pytest.raises(StoreError) as caught, access.reading() as connection:
        raw: object = connection.connection.dbapi_connection
        assert isinstance(raw, BoundedConnection)
        backend = raw.info.backend_pid
        raw.patience_s = 0.5
        # Its socket stays open and is even acknowledged by the kernel, but nobody is there any more.
        os.kill(backend, signal.SIGSTOP)
        connection.execute(sa.text("SELECT 1"))
    os.kill(backend, signal.SIGCONT)
    assert caught.value.code == "store_unavailable"
    assert monotonic() - began < 5
    with access.reading() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
    access.close()


def test_tidying_up_may_take_long_and_afterwards_statements_may_not() -> None:
    database = opened(PostgresUrl(url=Secret(shared_postgres().database())))
    keep(database, 1)
    database.history.retain(START + timedelta(days=30))
    assert database.history.size().rows["checks"] == 0
    access = database.history._access
    with access.outside_transactions() as connection:
        raw: object = connection.connection.dbapi_connection
        assert isinstance(raw, BoundedConnection)
        assert raw.patience_s == BoundedConnection.patience_s
        assert connection.execute(sa.text("SHOW statement_timeout")).scalar_one() == "30s"
    database.close()
