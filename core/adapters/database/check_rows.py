"""Checks as rows of the database and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import sqlalchemy as sa

from core.adapters.database.codes import (
    DEPTH_NUMBER,
    DEPTHS,
    DIAGNOSES,
    DIAGNOSIS_NUMBER,
    HEALTH_NUMBER,
    HEALTHS,
    RUNG_NUMBER,
    RUNGS,
)
from core.adapters.database.tables import CHECKS, LABELS
from core.adapters.database.times import milliseconds, moment_of
from core.model.check import Check
from core.model.probe import Tokens

CheckRow = tuple[
    int, int, int, int, int, int, int, int | None, int | None, int | None, int | None, int | None, str | None, int
]

# What PostgreSQL's integers hold; no probe takes half an hour, and no model reads as many tokens.
_LARGEST = 2**31 - 1
_LONGEST_LABEL = 200


def as_kept(check: Check) -> Check:
    """Return a check with the precision that is kept of it: its time in ms, what it measured in µs."""
    return replace(
        check,
        checked_at=moment_of(milliseconds(check.checked_at)),
        latency_ms=_measured(_microseconds(check.latency_ms)),
        ttft_ms=_measured(_microseconds(check.ttft_ms)),
        tokens=_tokens(_bounded(check.tokens.input), _bounded(check.tokens.output)),
        answered_model=label_of(check),
    )


def label_of(check: Check) -> str | None:
    """Return the answering model's name as it is kept, None where there is none."""
    if not check.answered_model:
        return None
    return check.answered_model.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_LABEL] or None


def row_of(check: Check, route: int, labels: Mapping[str, int]) -> dict[str, int | None]:
    """Return the row of a check."""
    return {
        "at": milliseconds(check.checked_at),
        "route": route,
        "latency_us": _microseconds(check.latency_ms),
        "ttft_us": _microseconds(check.ttft_ms),
        "tokens_in": _bounded(check.tokens.input),
        "tokens_out": _bounded(check.tokens.output),
        "answered": labels.get(label_of(check) or ""),
        "depth": DEPTH_NUMBER[check.depth],
        "health": HEALTH_NUMBER[check.health],
        "standing": HEALTH_NUMBER[check.standing],
        "rung": RUNG_NUMBER[check.rung],
        "diagnosis": DIAGNOSIS_NUMBER[check.diagnosis],
        "http_status": check.http_status,
        "simulated": int(check.simulated),
    }


def selected(source: sa.FromClause = CHECKS) -> sa.Select[*CheckRow]:
    """Return a query for checks that only lacks its conditions; `source` has the columns of the table of checks."""
    columns = source.c
    return sa.select(
        columns.route,
        columns.at,
        columns.depth,
        columns.health,
        columns.standing,
        columns.rung,
        columns.diagnosis,
        columns.http_status,
        columns.latency_us,
        columns.ttft_us,
        columns.tokens_in,
        columns.tokens_out,
        LABELS.c.text,
        columns.simulated,
    ).select_from(source.outerjoin(LABELS, LABELS.c.id == columns.answered))


def checks_of(rows: Iterable[sa.Row[*CheckRow]], route_ids: Mapping[int, str]) -> Iterator[Check]:
    """Yield the checks of rows as `selected` asks for them; `route_ids` names their routes."""
    for (
        route,
        at,
        depth,
        health,
        standing,
        rung,
        diagnosis,
        status,
        latency,
        ttft,
        read,
        said,
        label,
        simulated,
    ) in rows:
        yield Check(
            route_id=route_ids[route],
            checked_at=datetime.fromtimestamp(at / 1000, UTC),
            depth=DEPTHS[depth],
            health=HEALTHS[health],
            standing=HEALTHS[standing],
            rung=RUNGS[rung],
            diagnosis=DIAGNOSES[diagnosis],
            http_status=status,
            latency_ms=None if latency is None else latency / 1000,
            ttft_ms=None if ttft is None else ttft / 1000,
            tokens=_tokens(read, said),
            answered_model=label,
            simulated=bool(simulated),
        )


@lru_cache(maxsize=4096)
def _tokens(read: int | None, said: int | None) -> Tokens:
    return Tokens(input=read, output=said)


def _bounded(count: int | None) -> int | None:
    return None if count is None else max(0, min(count, _LARGEST))


def _microseconds(ms: float | None) -> int | None:
    return None if ms is None else max(0, min(round(ms * 1000), _LARGEST))


def _measured(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
