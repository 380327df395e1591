"""Hours and days as rows of the database and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from core.adapters.database.histograms import pack, unpack
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import STOOD
from core.model.history import Bucket, Resolution

SumRow = tuple[int, int, int, int, int, int, int, int, int, bytes | None, bytes | None, int, int]


def put_buckets(
    connection: sa.Connection, table: sa.Table, buckets: Iterable[Bucket], numbers: Mapping[str, int]
) -> None:
    """Keep buckets, each instead of the one of its route and time that is there."""
    rows = [_row(bucket, numbers[bucket.route_id]) for bucket in buckets]
    if not rows:
        return
    insert = insert_into(connection, table)
    replaced = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    connection.execute(insert.on_conflict_do_update(index_elements=["route", "start"], set_=replaced), rows)


def read_buckets(
    connection: sa.Connection, table: sa.Table, routes: Mapping[int, str], since_s: float, until_s: float
) -> Iterator[Bucket]:
    """Yield the buckets of these routes that begin in this time, by time and route."""
    columns = table.c
    query: sa.Select[*SumRow] = (
        sa.select(
            columns.route,
            columns.start,
            columns.checks,
            columns.failures,
            *(columns[name] for name in STOOD),
            columns.latency,
            columns.ttft,
            columns.tokens_in,
            columns.tokens_out,
        )
        .where(columns.route.in_(list(routes)), columns.start >= since_s, columns.start < until_s)
        .order_by(columns.start, columns.route)
    )
    resolution = Resolution.HOUR if table.name == "hours" else Resolution.DAY
    return _buckets(connection.execute(query).all(), routes, resolution)


def _buckets(rows: Iterable[sa.Row[*SumRow]], routes: Mapping[int, str], resolution: Resolution) -> Iterator[Bucket]:
    starts: dict[int, datetime] = {}
    for route, start, checks, failures, healthy, degraded, down, unknown, paused, latency, ttft, read, said in rows:
        yield Bucket(
            route_id=routes[route],
            start=starts.get(start) or starts.setdefault(start, datetime.fromtimestamp(start, UTC)),
            resolution=resolution,
            checks=checks,
            failures=failures,
            healthy_s=healthy / 1000,
            degraded_s=degraded / 1000,
            down_s=down / 1000,
            unknown_s=unknown / 1000,
            paused_s=paused / 1000,
            latency=unpack(latency),
            ttft=unpack(ttft),
            tokens_in=read,
            tokens_out=said,
        )


def _row(bucket: Bucket, route: int) -> dict[str, int | bytes | None]:
    stood = (bucket.healthy_s, bucket.degraded_s, bucket.down_s, bucket.unknown_s, bucket.paused_s)
    return {
        "start": int(bucket.start.timestamp()),
        "route": route,
        "checks": bucket.checks,
        "failures": bucket.failures,
        **{name: round(seconds * 1000) for name, seconds in zip(STOOD, stood, strict=True)},
        "latency": pack(bucket.latency),
        "ttft": pack(bucket.ttft),
        "tokens_in": bucket.tokens_in,
        "tokens_out": bucket.tokens_out,
    }
