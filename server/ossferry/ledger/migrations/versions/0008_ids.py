"""Add the id of each principal, which events carry for applications."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply this migration; the ids of known principals follow with their next grants."""
    # the default is for a process of the older version that still writes to the same database
    op.add_column("principals", sa.Column("id", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Revert this migration."""
    op.drop_column("principals", "id")
