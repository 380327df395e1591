"""Find transitions and incidents by what somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from core.adapters.database.documents import value_of
from core.adapters.database.search import pattern
from core.adapters.database.tables import INCIDENTS, TRANSITIONS
from core.adapters.database.times import milliseconds, milliseconds_up
from core.model.history import HistoryQuery
from core.model.incident import Incident
from core.model.standing import Transition

_Condition = sa.ColumnElement[bool]


def read_transitions(connection: sa.Connection, query: HistoryQuery) -> Sequence[Transition]:
    """Return the transitions that match, newest first."""
    columns = TRANSITIONS.c
    wanted: list[_Condition] = [columns.at >= milliseconds(query.since), columns.at < milliseconds_up(query.until)]
    if query.agents:
        wanted.append(columns.agent.in_([agent.value for agent in query.agents]))
    if query.models:
        wanted.append(columns.model.in_(query.models))
    wanted += _common(TRANSITIONS, query)
    found = sa.select(columns.body).where(*wanted).order_by(columns.at.desc(), columns.id.desc())
    bodies = connection.execute(found.limit(max(query.limit, 0))).scalars()
    return tuple(value_of(body, Transition) for body in bodies)


def read_incidents(connection: sa.Connection, query: HistoryQuery) -> Sequence[Incident]:
    """Return the incidents that lasted in this time and match, newest first."""
    columns = INCIDENTS.c
    wanted: list[_Condition] = [
        columns.started_at < milliseconds_up(query.until),
        sa.or_(columns.ended_at.is_(None), columns.ended_at >= milliseconds(query.since)),
    ]
    if query.agents:
        wanted.append(_holds(columns.agents, [agent.value for agent in query.agents]))
    if query.models:
        wanted.append(_holds(columns.models, query.models))
    wanted += _common(INCIDENTS, query)
    found = sa.select(columns.body).where(*wanted).order_by(columns.started_at.desc(), columns.id.desc())
    bodies = connection.execute(found.limit(max(query.limit, 0))).scalars()
    return tuple(value_of(body, Incident) for body in bodies)


def _common(table: sa.Table, query: HistoryQuery) -> list[_Condition]:
    wanted: list[_Condition] = []
    if query.healths:
        wanted.append(table.c.health.in_([health.value for health in query.healths]))
    if query.text.strip():
        wanted.append(table.c.search.like(pattern(query.text), escape="\\"))
    return wanted


def _holds(column: sa.ColumnElement[str], words: Sequence[str]) -> _Condition:
    """Say that one of the words is among those of a listed column; compared exactly, which LIKE does not in SQLite."""
    return sa.or_(*(_place(column, f"\n{word}\n") > 0 for word in words))


def _place(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[int]:
    # `instr` in SQLite and `strpos` in PostgreSQL are the same function under two names; `replace` both know.
    return sa.func.length(column) - sa.func.length(sa.func.replace(column, text, ""))
