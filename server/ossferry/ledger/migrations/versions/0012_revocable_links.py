"""Add the columns of share links that this server answers, and that can be revoked."""

import sqlalchemy as sa
from alembic import op

from ossferry.ledger.tables import Utc

revision = "0012"
down_revision = "0011"

COLUMNS = (
    sa.Column("password_hash", sa.String(100), nullable=False, server_default=""),
    sa.Column("opens", sa.BigInteger),
    sa.Column("max_opens", sa.BigInteger),
    sa.Column("opened_at", Utc),
    sa.Column("revoked_at", Utc),
)


def upgrade() -> None:
    """Add the columns to the table `shares`."""
    for column in COLUMNS:
        op.add_column("shares", column)
