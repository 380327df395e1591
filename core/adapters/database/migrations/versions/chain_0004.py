"""Chain audit events, and say of each in which role and from which address somebody acted."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from core.history.chain import chained
from core.model.audit import AuditEvent, AuditLink, ChainHead

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STEP = 500
_FORMER = ("id", "at", "actor", "origin", "action", "target", "outcome", "reason", "before", "after", "evidence")
_FORMER_EVENTS = sa.table("audit_events_0003", *(sa.column(name, sa.Text) for name in _FORMER))
_EVENTS = sa.table(
    "audit_events",
    sa.column("sequence", sa.BigInteger),
    *(sa.column(name, sa.Text) for name in (*_FORMER, "previous", "hash", "role", "address")),
)


def upgrade() -> None:
    """Move the events into a table with the chain, in the order in which they happened."""
    _set_aside()
    _create_events()
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = _move_events()
    if head is not None:
        note = sa.table("audit_head", sa.column("id"), sa.column("sequence"), sa.column("hash"))
        op.get_bind().execute(sa.insert(note).values(id=1, sequence=head.sequence, hash=head.hash))
    op.drop_table("audit_events_0003")
    _have_them_stay()


def downgrade() -> None:
    """Forget the chain; the events stay."""
    _let_them_go()
    op.drop_table("audit_head")
    op.drop_index("audit_events_by_sequence", table_name="audit_events")
    for column in ("sequence", "previous", "hash", "role", "address"):
        op.execute(f"ALTER TABLE audit_events DROP COLUMN {column}")
    _have_them_stay()


def _set_aside() -> None:
    """Keep the former table under another name, without what forbids that and with no name that is needed again."""
    _let_them_go()
    op.drop_index("audit_events_by_time", table_name="audit_events")
    op.rename_table("audit_events", "audit_events_0003")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX audit_events_pkey RENAME TO audit_events_0003_pkey")


def _create_events() -> None:
    def text(name: str) -> sa.Column[str]:
        return sa.Column(name, sa.Text, nullable=False)

    def name(name: str, length: int = 128) -> sa.Column[str]:
        return sa.Column(name, sa.String(length), nullable=False)

    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        name("previous", 64),
        name("hash", 64),
        name("at", 32),
        text("actor"),
        name("role"),
        text("address"),
        name("origin"),
        name("action"),
        text("target"),
        name("outcome"),
        text("reason"),
        text("before"),
        text("after"),
        text("evidence"),
    )
    op.create_index("audit_events_by_time", "audit_events", ["at", "id"])
    op.create_index("audit_events_by_sequence", "audit_events", ["sequence"], unique=True)


def _move_events() -> ChainHead | None:
    bind, head = op.get_bind(), None
    former = _FORMER_EVENTS.c
    query = sa.select(_FORMER_EVENTS).order_by(former.at, former.id).limit(_STEP)
    rows = bind.execute(query).mappings().all()
    while rows:
        links = chained([_event(row) for row in rows], head)
        bind.execute(
            sa.insert(_EVENTS),
            [{**row, **_chain_columns(link)} for row, link in zip(rows, links, strict=True)],
        )
        head, newest = links[-1].head, rows[-1]
        later = sa.or_(former.at > newest["at"], sa.and_(former.at == newest["at"], former.id > newest["id"]))
        rows = bind.execute(query.where(later)).mappings().all()
    return head


def _chain_columns(link: AuditLink) -> dict[str, str | int]:
    return {"sequence": link.sequence, "previous": link.previous, "hash": link.hash, "role": "", "address": ""}


def _event(row: sa.RowMapping) -> AuditEvent:
    return AuditEvent(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        actor=row["actor"],
        origin=row["origin"],
        action=row["action"],
        target=row["target"],
        outcome=row["outcome"],
        reason=row["reason"],
        before=json.loads(row["before"]),
        after=json.loads(row["after"]),
        evidence=tuple(json.loads(row["evidence"])),
    )


def _let_them_go() -> None:
    if op.get_context().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_events_stay_on_{verb}")
    else:
        op.execute("DROP TRIGGER audit_events_stay ON audit_events")


def _have_them_stay() -> None:
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_stay_on_{verb.lower()} BEFORE {verb} ON audit_events "
                "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()"
    )
