"""Add the columns of the details that people give about an upload."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column to the tables `receipts` and `holds`."""
    for table in ("receipts", "holds"):  # 0010 may have made the latter with all columns of today
        known = sa.inspect(op.get_bind()).get_columns(table)
        if "details" not in [each["name"] for each in known]:
            op.add_column(table, sa.Column("details", sa.JSON(none_as_null=True)))
