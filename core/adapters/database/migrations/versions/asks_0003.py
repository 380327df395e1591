"""Let an override ask a person, where it could not end by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what it asks."""
    op.add_column("overrides", sa.Column("asks", sa.Text, nullable=True))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("overrides") as table:
        table.drop_column("asks")
