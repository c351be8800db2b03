"""The server's database: principals, grants, receipts, usage, shares, sign-outs and events to
deliver.

`database` provides the transactions. The functions of every other module run inside a transaction
of the caller, so that related changes are committed together.
"""

from ossferry.ledger.database import AsyncConnection, Database

__all__ = ["AsyncConnection", "Database"]
