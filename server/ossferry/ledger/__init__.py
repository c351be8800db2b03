"""What the server remembers: principals, grants, receipts, usage, shares, sign-outs, and
events to deliver.

`database` has the transactions; every other module has functions that take part in one, so that
what belongs together is committed together.
"""

from ossferry.ledger.database import AsyncConnection, Database

__all__ = ["AsyncConnection", "Database"]
