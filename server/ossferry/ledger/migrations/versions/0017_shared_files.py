"""Add the table of the other files of a share link with several files."""

from alembic import op

from ossferry.ledger.tables import shared_files

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the table."""
    shared_files.create(op.get_bind())
