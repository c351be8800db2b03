"""Add the columns that say which upload replaces which."""

import sqlalchemy as sa
from alembic import op

from ossferry.ledger.tables import KEY_LENGTH

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add a column to the tables `receipts` and `holds`."""
    op.add_column("receipts", sa.Column("replaced_by", sa.String(KEY_LENGTH)))
    op.create_index("ix_receipts_replaced_by", "receipts", ["replaced_by"])
    known = sa.inspect(op.get_bind()).get_columns("holds")
    if "replaces" not in [each["name"] for each in known]:  # 0010 may have made it
        replaces = sa.Column("replaces", sa.String(KEY_LENGTH), nullable=False, server_default="")
        op.add_column("holds", replaces)
