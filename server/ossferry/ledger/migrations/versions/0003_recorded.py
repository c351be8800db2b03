"""An index for the last uploads of everybody."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    op.create_index("ix_receipts_recorded_at", "receipts", ["recorded_at"])


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_receipts_recorded_at", "receipts")
