"""Connections to PostgreSQL that give up on a server that has gone silent; what else they are told is in `engines`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import sqlalchemy as sa
from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import ConnectionPoolEntry

Result = TypeVar("Result")

STATEMENT_TIMEOUT_MS = 30_000

# The server ends a statement by itself after its timeout. A server, or a proxy before it, that was frozen does not; and
# as long as its machine still acknowledges packets, neither TCP nor libpq ever notices.
_PATIENCE_S = STATEMENT_TIMEOUT_MS / 1000 + 5
_TIDYING_S = 3600.0
_WAIT_INTERVAL_S = 0.1


class SilentServerError(OperationalError):
    """The server did not answer in time."""


class BoundedConnection(Connection[TupleRow]):
    """A connection on which no statement is waited for longer than `patience_s`; it is closed then."""

    patience_s = _PATIENCE_S

    def wait(self, gen: PQGen[Result], interval: float = _WAIT_INTERVAL_S, timeout: float | None = None) -> Result:
        """Do what psycopg does, for a limited time."""
        patience_s = self.patience_s if timeout is None else min(timeout, self.patience_s)
        try:
            return super().wait(_within(gen, monotonic() + patience_s), interval)
        except SilentServerError:
            self.close()
            raise


def _within(steps: PQGen[Result], ends: float) -> PQGen[Result]:
    """Do the steps, but end when nothing has come until then; psycopg asks at each of its intervals."""
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready and monotonic() >= ends:
                raise SilentServerError("the server does not answer")
            wanted = steps.send(ready)
    except StopIteration as done:
        result: Result = done.value
        return result


def connect(_: Dialect, __: ConnectionPoolEntry, ___: list[str], keywords: dict[str, object]) -> BoundedConnection:
    """Open a connection in place of SQLAlchemy, which knows no other class of them."""
    given = {name: value for name, value in keywords.items() if isinstance(value, str | int)}
    context = keywords.get("context")
    return BoundedConnection.connect(
        make_conninfo("", **given), context=context if isinstance(context, AdaptersMap) else None
    )


@contextmanager
def unhurried(connection: sa.Connection) -> Iterator[None]:
    """Let statements take as long as tidying up takes; what fails meanwhile costs this connection."""
    raw: object = connection.connection.dbapi_connection
    if not isinstance(raw, BoundedConnection):
        yield
        return
    try:
        raw.patience_s = _TIDYING_S
        connection.exec_driver_sql("SET statement_timeout = 0")
        yield
        # Not RESET: that would be the server's own value.
        connection.exec_driver_sql(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
        raw.patience_s = _PATIENCE_S
    except sa.exc.SQLAlchemyError:
        connection.invalidate()
        raise
