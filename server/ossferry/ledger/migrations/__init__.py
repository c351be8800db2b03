"""Alembic migrations of the ledger; `ossferry.ledger.database` runs them."""
