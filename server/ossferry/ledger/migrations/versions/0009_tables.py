"""The oldest revision of the ledger from which this version of ossferry can migrate.

A ledger with this revision has all tables of `ossferry.ledger.tables`.
"""

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Do nothing: the tables of a new ledger are created from `ossferry.ledger.tables`."""
