"""Add the table of uploads that wait for the scanner, or that the scanner holds."""

from alembic import op

from ossferry.ledger.tables import holds

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table `holds` with its indexes."""
    holds.create(op.get_bind())
