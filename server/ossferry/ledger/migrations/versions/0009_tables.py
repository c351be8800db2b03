"""The first revision that this release can update. Every ledger with it has all its tables."""

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Do nothing: a new ledger gets its tables from `ossferry.ledger.tables`."""
