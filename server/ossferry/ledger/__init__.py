"""The server's database: principals, grants, receipts, holds, usage, shares, sign-outs and events.

Most functions of this package take a connection with an open transaction, so a caller can commit
several changes together.
"""

from ossferry.ledger.database import AsyncConnection, Database

__all__ = ["AsyncConnection", "Database"]
