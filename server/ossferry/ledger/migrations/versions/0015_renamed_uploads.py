"""Add the column of the path that its owner has given to an upload."""

import sqlalchemy as sa
from alembic import op

from ossferry.ledger.tables import KEY_LENGTH

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column to the table `receipts`."""
    op.add_column("receipts", sa.Column("renamed_to", sa.String(KEY_LENGTH)))
