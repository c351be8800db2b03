"""Add the tables of file requests and of their guests."""

from alembic import op

from ossferry.ledger.tables import file_requests, guests

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables with their indexes."""
    for table in (file_requests, guests):
        table.create(op.get_bind())
