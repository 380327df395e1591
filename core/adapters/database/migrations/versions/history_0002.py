"""Keep checks, hours, days, standings, transitions, incidents, overrides, audit events, leases and deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SMALL = ("depth", "health", "standing", "rung", "diagnosis")
_MEASURED = ("latency_us", "ttft_us", "tokens_in", "tokens_out", "answered")
_TABLES = (
    "deliveries leases audit_events overrides incidents transitions standings marks days hours checks labels routes"
).split()


def upgrade() -> None:
    """Create the tables of history."""
    _create_names()
    _create_checks()
    _create_sums("hours")
    _create_sums("days")
    _create_standings()
    _create_events()
    _create_overrides()
    _create_audit()
    _create_coordination()


def downgrade() -> None:
    """Remove them."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TABLE audit_events")
        op.execute("DROP FUNCTION audit_events_stay()")
    for table in _TABLES:
        op.execute(f"DROP TABLE IF EXISTS {table}")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _name(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(128), nullable=nullable)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(128), primary_key=True)


def _big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _small(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=nullable)


def _create_names() -> None:
    op.create_table(
        "routes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("route_id", sa.String(64), nullable=False, unique=True),
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False, unique=True),
    )
    op.create_table("marks", _key("name"), _big("value"))


def _create_checks() -> None:
    op.create_table(
        "checks",
        _big("at"),
        _integer("route"),
        *(_integer(name, nullable=True) for name in _MEASURED),
        *(_small(name) for name in _SMALL),
        _small("http_status", nullable=True),
        _small("simulated"),
        sa.PrimaryKeyConstraint("route", "at", "depth"),
        sqlite_with_rowid=False,
    )


def _create_sums(table: str) -> None:
    op.create_table(
        table,
        _big("start"),
        _integer("route"),
        _integer("checks"),
        _integer("failures"),
        *(_integer(f"{health}_ms") for health in ("healthy", "degraded", "down", "unknown", "paused")),
        _big("tokens_in"),
        _big("tokens_out"),
        sa.Column("latency", sa.LargeBinary),
        sa.Column("ttft", sa.LargeBinary),
        sa.PrimaryKeyConstraint("route", "start"),
        sqlite_with_rowid=False,
    )


def _create_standings() -> None:
    op.create_table(
        "standings",
        sa.Column("route", sa.Integer, primary_key=True, autoincrement=False),
        _big("checked_at"),
        _big("kept_at"),
        _text("standing"),
        _text("result"),
    )


def _create_events() -> None:
    op.create_table(
        "transitions",
        _key("id"),
        _big("at"),
        _name("agent"),
        _text("model"),
        _name("health"),
        _text("search"),
        _text("body"),
    )
    op.create_index("transitions_by_time", "transitions", ["at", "id"])
    op.create_table(
        "incidents",
        _key("id"),
        _big("started_at"),
        _big("ended_at", nullable=True),
        _big("moved_at"),
        _text("agents"),
        _text("models"),
        _name("health"),
        _text("search"),
        _text("body"),
    )
    op.create_index("incidents_by_time", "incidents", ["started_at", "id"])
    op.create_index("incidents_by_end", "incidents", ["ended_at"])


def _create_overrides() -> None:
    op.create_table(
        "overrides",
        _key("id"),
        _name("agent"),
        _text("target"),
        _text("slots"),
        _text("actor"),
        _text("reason"),
        _name("since"),
        _name("expires_at", nullable=True),
        _name("ended_at", nullable=True),
    )


def _create_audit() -> None:
    op.create_table(
        "audit_events",
        _key("id"),
        sa.Column("at", sa.String(32), nullable=False),
        _text("actor"),
        _name("origin"),
        _name("action"),
        _text("target"),
        _name("outcome"),
        _text("reason"),
        _text("before"),
        _text("after"),
        _text("evidence"),
    )
    op.create_index("audit_events_by_time", "audit_events", ["at", "id"])
    # Whoever reaches the database with our own rights still cannot rewrite what was recorded.
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_stay_on_{verb.lower()} BEFORE {verb} ON audit_events "
                "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit events are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()"
    )


def _create_coordination() -> None:
    op.create_table("leases", _key("name"), _text("holder"), _big("since"), _big("ends_at"))
    op.create_table(
        "deliveries",
        sa.Column("notice_id", sa.String(512), primary_key=True),
        _big("at"),
        _name("state"),
        _text("body"),
    )
    op.create_index("deliveries_by_time", "deliveries", ["at", "notice_id"])
