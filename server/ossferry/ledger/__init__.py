"""The server's database: principals, grants, receipts, usage, shares, sign-outs, and hook events.

Most functions of this package take a connection with an open transaction, so a caller can commit
several changes together.
"""

from ossferry.ledger.database import AsyncConnection, Database

__all__ = ["AsyncConnection", "Database"]
