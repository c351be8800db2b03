"""Add the index with which names that are taken are found."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the index to the table `receipts`."""
    op.create_index("ix_receipts_principal_path", "receipts", ["principal", "path"])
