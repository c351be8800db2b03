"""Add an index for the list of the newest uploads of all principals."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply this migration."""
    op.create_index("ix_receipts_recorded_at", "receipts", ["recorded_at"])


def downgrade() -> None:
    """Revert this migration."""
    op.drop_index("ix_receipts_recorded_at", "receipts")
