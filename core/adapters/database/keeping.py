"""Put one batch into the tables; everything here runs inside one transaction, and doing it twice does it once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from core.adapters.database.audit import keep_events
from core.adapters.database.check_rows import label_of, row_of
from core.adapters.database.documents import text_of
from core.adapters.database.search import incident_words, transition_words
from core.adapters.database.statements import database_now_ms, insert_into, numbers_of
from core.adapters.database.summing import RAW_FROM, SUMMED_UNTIL, mark, sum_again
from core.adapters.database.tables import CHECKS, INCIDENTS, LABELS, ROUTES, STANDINGS, TRANSITIONS
from core.adapters.database.times import milliseconds
from core.model.audit import ChainHead
from core.model.history import Batch, KeptRoute
from core.model.incident import Incident
from core.model.standing import Transition

Row = dict[str, int | str | None]


def keep_batch(connection: sa.Connection, batch: Batch, interval_s: float) -> ChainHead | None:
    """Keep everything of a batch; return the new head of the audit if that moved."""
    names = {check.route_id for check in batch.checks} | {kept.standing.route_id for kept in batch.routes}
    numbers = numbers_of(connection, ROUTES, ROUTES.c.route_id, names)
    _keep_checks(connection, batch, numbers, interval_s)
    _keep_standings(connection, batch.routes, numbers)
    _replace(connection, TRANSITIONS, (_transition_row(transition) for transition in batch.transitions))
    _replace(connection, INCIDENTS, (_incident_row(incident) for incident in batch.incidents), unless_newer="moved_at")
    return keep_events(connection, batch.events)


def _keep_checks(connection: sa.Connection, batch: Batch, numbers: Mapping[str, int], interval_s: float) -> None:
    labels = numbers_of(connection, LABELS, LABELS.c.text, filter(None, map(label_of, batch.checks)))
    rows = [row_of(check, numbers[check.route_id], labels) for check in batch.checks]
    summed_until_ms = (mark(connection, SUMMED_UNTIL) or 0) * 1000
    # A check of an hour whose other checks are forgotten cannot be added to its sum any more.
    too_late_ms = min(mark(connection, RAW_FROM) or 0, summed_until_ms)
    kept = [(row, _number(row["route"]), _number(row["at"])) for row in rows if _number(row["at"]) >= too_late_ms]
    if not kept:
        return
    connection.execute(insert_into(connection, CHECKS).on_conflict_do_nothing(), [row for row, _, _ in kept])
    sum_again(connection, [(route, at) for _, route, at in kept if at < summed_until_ms], interval_s)


def _number(value: int | None) -> int:
    return value or 0


def _keep_standings(connection: sa.Connection, routes: Iterable[KeptRoute], numbers: Mapping[str, int]) -> None:
    rows = sorted((_standing_row(kept, numbers) for kept in routes), key=lambda row: str(row["route"]))
    if not rows:
        return
    now = connection.execute(sa.select(database_now_ms(connection))).scalar_one()
    _replace(connection, STANDINGS, ({**row, "kept_at": now} for row in rows), unless_newer="checked_at")


def _standing_row(kept: KeptRoute, numbers: Mapping[str, int]) -> Row:
    return {
        "route": numbers[kept.standing.route_id],
        "checked_at": milliseconds(kept.checked_at),
        "standing": text_of(replace(kept.standing, beats=())),
        "result": text_of(kept.result),
    }


def _transition_row(transition: Transition) -> Row:
    return {
        "id": transition.id,
        "at": milliseconds(transition.at),
        "agent": transition.route.agent.value,
        "model": transition.route.model,
        "health": transition.after.value,
        "search": transition_words(transition),
        "body": text_of(transition),
    }


def _incident_row(incident: Incident) -> Row:
    moved = incident.timeline[-1].at if incident.timeline else incident.started_at
    return {
        "id": incident.id,
        "started_at": milliseconds(incident.started_at),
        "ended_at": milliseconds(incident.ended_at) if incident.ended_at else None,
        "moved_at": milliseconds(max(moved, incident.ended_at or moved)),
        "agents": listed(agent.value for agent in incident.agents),
        "models": listed(route.model for route in incident.routes),
        "health": incident.health.value,
        "search": incident_words(incident),
        "body": text_of(incident),
    }


def listed(words: Iterable[str]) -> str:
    """Return words as one text in which each is found between line ends."""
    return "\n" + "".join(f"{word}\n" for word in dict.fromkeys(words))


def _replace(connection: sa.Connection, table: sa.Table, rows: Iterable[Row], *, unless_newer: str = "") -> None:
    """Keep rows instead of those of the same key, but never an older one instead of a newer one."""
    given = list(rows)
    if not given:
        return
    insert = insert_into(connection, table)
    key = [column.name for column in table.primary_key]
    values = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    newer = insert.excluded[unless_newer] >= table.c[unless_newer] if unless_newer else None
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=values, where=newer), given)
