"""Keep every attempt to change something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of changes."""
    op.create_table(
        "changes",
        sa.Column("change_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("origin", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("expires_at", sa.String(32)),
        sa.Column("before_revision", sa.Text),
        sa.Column("after_revision", sa.Text),
        sa.Column("backup", sa.Text),
        sa.Column("rolls_back", sa.String(64)),
    )
    op.create_index("changes_by_time", "changes", ["at", "change_id"])


def downgrade() -> None:
    """Remove the table of changes."""
    op.drop_index("changes_by_time", table_name="changes")
    op.drop_table("changes")
