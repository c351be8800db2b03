"""Add what the page said about its checks of a file to the receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply this migration; a process of the older version can still write receipts."""
    op.add_column("receipts", sa.Column("checks", sa.JSON()))


def downgrade() -> None:
    """Revert this migration."""
    op.drop_column("receipts", "checks")
