"""The tables of the database as they are now; how they came to be is in `migrations`."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

# Columns of the seconds that a route spent in each health, in milliseconds.
STOOD = ("healthy_ms", "degraded_ms", "down_ms", "unknown_ms", "paused_ms")


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _small(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=nullable)


def _big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _named(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(128), primary_key=primary_key, nullable=nullable)


def _sums(name: str) -> sa.Table:
    """Return a table of buckets; without row ids SQLite keeps it sorted by its key and needs no index beside it."""
    return sa.Table(
        name,
        METADATA,
        _big("start"),
        _integer("route"),
        _integer("checks"),
        _integer("failures"),
        *(_integer(column) for column in STOOD),
        _big("tokens_in"),
        _big("tokens_out"),
        sa.Column("latency", sa.LargeBinary),
        sa.Column("ttft", sa.LargeBinary),
        sa.PrimaryKeyConstraint("route", "start"),
        sqlite_with_rowid=False,
    )


ROUTES = sa.Table(
    "routes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("route_id", sa.String(64), nullable=False, unique=True),
)
LABELS = sa.Table(
    "labels",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False, unique=True),
)
# Sorted by route and time: what is asked is always some routes' newest, and what is forgotten each route's oldest.
CHECKS = sa.Table(
    "checks",
    METADATA,
    _big("at"),
    _integer("route"),
    _integer("latency_us", nullable=True),
    _integer("ttft_us", nullable=True),
    _integer("tokens_in", nullable=True),
    _integer("tokens_out", nullable=True),
    _integer("answered", nullable=True),
    _small("depth"),
    _small("health"),
    _small("standing"),
    _small("rung"),
    _small("diagnosis"),
    _small("http_status", nullable=True),
    _small("simulated"),
    sa.PrimaryKeyConstraint("route", "at", "depth"),
    sqlite_with_rowid=False,
)
HOURS = _sums("hours")
DAYS = _sums("days")
# `summed_until`: every hour before it is in HOURS and DAYS; `raw_from`: checks before it have been forgotten.
MARKS = sa.Table("marks", METADATA, _named("name", primary_key=True), _big("value"))

STANDINGS = sa.Table(
    "standings",
    METADATA,
    sa.Column("route", sa.Integer, primary_key=True, autoincrement=False),
    _big("checked_at"),
    _big("kept_at"),
    _words("standing"),
    _words("result"),
)
TRANSITIONS = sa.Table(
    "transitions",
    METADATA,
    _named("id", primary_key=True),
    _big("at"),
    _named("agent"),
    _words("model"),
    _named("health"),
    _words("search"),
    _words("body"),
    sa.Index("transitions_by_time", "at", "id"),
)
INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    _named("id", primary_key=True),
    _big("started_at"),
    _big("ended_at", nullable=True),
    _big("moved_at"),
    _words("agents"),
    _words("models"),
    _named("health"),
    _words("search"),
    _words("body"),
    sa.Index("incidents_by_time", "started_at", "id"),
    sa.Index("incidents_by_end", "ended_at"),
)
OVERRIDES = sa.Table(
    "overrides",
    METADATA,
    _named("id", primary_key=True),
    _named("agent"),
    _words("target"),
    _words("slots"),
    _words("actor"),
    _words("reason"),
    _named("since"),
    _named("expires_at", nullable=True),
    _named("ended_at", nullable=True),
    sa.Column("asks", sa.Text, nullable=True),
)
AUDIT_EVENTS = sa.Table(
    "audit_events",
    METADATA,
    _named("id", primary_key=True),
    _big("sequence"),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    _words("actor"),
    _named("role"),
    _words("address"),
    _named("origin"),
    _named("action"),
    _words("target"),
    _named("outcome"),
    _words("reason"),
    _words("before"),
    _words("after"),
    _words("evidence"),
    sa.Index("audit_events_by_time", "at", "id"),
    sa.Index("audit_events_by_sequence", "sequence", unique=True),
)
# The newest number and hash once more: a chain alone does not show that its end is gone.
AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _big("sequence"),
    sa.Column("hash", sa.String(64), nullable=False),
)
TRUSTED_HOSTS = sa.Table(
    "trusted_hosts",
    METADATA,
    sa.Column("origin", sa.String(512), primary_key=True),
    sa.Column("private", sa.Boolean, nullable=False),
    _words("reason"),
    _words("actor"),
    sa.Column("at", sa.String(32), nullable=False),
)
LEASES = sa.Table(
    "leases",
    METADATA,
    _named("name", primary_key=True),
    _words("holder"),
    _big("since"),
    _big("ends_at"),
)
DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("notice_id", sa.String(512), primary_key=True),
    _big("at"),
    _named("state"),
    _words("body"),
    sa.Index("deliveries_by_time", "at", "notice_id"),
)
