"""Opens the settings, the ledger and the bucket for a command, and closes them afterwards.

The ledger and the bucket are those in the server's settings. The server need not be running. The
functions import what they need when they are called, so that the command line starts quickly.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ossferry.clock import utc_now
from ossferry.errors import SettingsError

if TYPE_CHECKING:
    from ossferry.ledger import Database
    from ossferry.oss.bucket import OssBucket
    from ossferry.settings.model import Settings
    from ossferry.uploads.places import Places

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The server's settings, ledger and bucket, for a command.

    The bucket is accessed with the server's role for stored objects: `store` has the real keys, and
    `places` the final ones.
    """

    settings: "Settings"
    database: "Database"
    store: "OssBucket"
    places: "Places"


def with_ledger(work: "Callable[[Database], Awaitable[T]]") -> T:
    """Open the server's ledger, await `work` with it, and return its result.

    Raises:
        SettingsError: an option of the server is missing or invalid.
    """
    from ossferry.settings.loading import load_settings

    return _run(load_settings().ledger_url, work)


def _run(ledger_url: str, work: "Callable[[Database], Awaitable[T]]") -> T:
    from ossferry.ledger import Database

    async def main() -> T:
        database = Database(ledger_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(main())


def with_bucket(work: Callable[[Tools], Awaitable[T]]) -> T:
    """Open the server's ledger and bucket, await `work` with them, and return its result.

    Args:
        work: gets the ledger, the bucket and the settings.

    Raises:
        SettingsError: an option of the server is missing or invalid.
    """
    from ossferry.oss import sts
    from ossferry.oss.bucket import OssBucket
    from ossferry.settings.loading import load_settings
    from ossferry.uploads.places import Places

    settings = load_settings()
    if settings.objects_role_arn is None:
        raise SettingsError(
            "OSSFERRY_OBJECTS_ROLE_ARN is missing; the server needs it for the bucket."
        )
    credentials = sts.default_credentials()

    async def run(database: "Database") -> T:
        store = OssBucket(settings, sts.objects_sts(settings, credentials), clock=utc_now)
        try:
            places = Places(settings, store, database)
            return await work(
                Tools(settings=settings, database=database, store=store, places=places)
            )
        finally:
            await store.close()

    return _run(settings.ledger_url, run)
