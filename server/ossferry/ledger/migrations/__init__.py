"""The revisions of the ledger; `database` runs them."""
