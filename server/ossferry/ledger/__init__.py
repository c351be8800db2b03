"""The server's database: principals, grants, receipts, usage, shares, sign-outs, and hook events.

The module `database` opens transactions. The functions of all other modules run inside a
transaction of the caller, so that related changes are committed together.
"""

from ossferry.ledger.database import AsyncConnection, Database

__all__ = ["AsyncConnection", "Database"]
