"""Held uploads: what happens to them after the scanner or an operator has decided.

The server, the scanner and the command line use the same functions. Each step can be repeated: if a
process ends in between, the next call goes on.
"""

from dataclasses import dataclass
from datetime import timedelta

from ossferry.clock import Clock
from ossferry.hooks.calls import Hooks
from ossferry.ledger import Database
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import Claim, Receipt
from ossferry.oss.objects import Link, ObjectStore, Stored
from ossferry.uploads.quotas import Quotas


@dataclass(slots=True, eq=False, repr=False)
class HeldUploads:
    """Releases, keeps and removes held uploads.

    Args:
        store: the bucket with its real keys, not `Places`.
        keeps: how long a bad upload stays for the operator.
    """

    store: ObjectStore
    database: Database
    hooks: Hooks
    quotas: Quotas
    clock: Clock
    keeps: timedelta

    async def find(self, key: str) -> Hold:
        """Return the held upload with this final key.

        Raises:
            NotStoredError: no held upload has this key.
        """
        raise NotImplementedError

    async def locate(self, hold: Hold) -> Stored | None:
        """Return the object of a held upload with its key in the bucket, for the scanner.

        Returns:
            None if the object was deleted, or replaced by an object with another ETag.
        """
        raise NotImplementedError

    async def release(self, hold: Hold, *, checks: Claim | None = None) -> Receipt | None:
        """Copy an upload to its key, record it, announce one event, and remove the held object.

        Args:
            checks: what the server has proven, in the format of the page's claim; by default the
                claim of the page stays.

        Returns:
            The receipt; None if the upload was deleted, replaced or released meanwhile, so that
            this call has released nothing.
        """
        raise NotImplementedError

    async def keep(self, hold: Hold, *, reason: str) -> bool:
        """Hold an upload that the scanner found bad, for the operator's time.

        Returns:
            False if the scanner no longer has the lease.
        """
        raise NotImplementedError

    async def remove(self, hold: Hold) -> None:
        """Remove a held upload; hooks get no event, because they have never heard of it."""
        raise NotImplementedError

    async def look(self, hold: Hold) -> Link:
        """Return a link with which an operator can download a held upload for five minutes."""
        raise NotImplementedError

    async def purge(self, *, limit: int = 100) -> int:
        """Remove uploads whose time has ended; the server calls this every minute.

        Returns:
            The number of uploads.
        """
        raise NotImplementedError
