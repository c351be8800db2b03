"""Reconciliation of bucket and ledger: finds unrecorded, changed and missing objects.

Some uploads have no receipt, because the user closed the tab or the client hides the upload.
Therefore the objects of principals with valid credentials are compared with the ledger every
minute, and those of all other principals once a day.

A new object is ignored for a while, because the page may still confirm or refuse it. Overwriting
the object does not extend this time. Objects that the page has refused are removed.

After the comparison, deleted uploads in the trash that no longer fit into the quota are removed for
good.

Symlinks, and objects whose metadata OSS does not return, count with the size in the list. Hooks get
no events about them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta

from ossferry.clock import Clock, utc_now
from ossferry.errors import LedgerLostError, OssferryError, OssRefusedError, TooManyFilesError
from ossferry.hooks.calls import Hooks, deleted
from ossferry.identity.owner import Owner
from ossferry.ledger import AsyncConnection, Database, holds, leases, people, receipts, refusals
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import LISTED
from ossferry.observability.log_format import logger, unexpected
from ossferry.oss.objects import Listed, ObjectStore, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.details import load_details
from ossferry.uploads.places import Places
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder
from ossferry.uploads.refused import RefusedUploads
from ossferry.uploads.trash import Trash, trash_of

PAGE = 1000
AT_LEAST_EVERY = timedelta(days=1)
UNDER_WAY = timedelta(seconds=60)
"""A request that was sent with valid credentials may take this long to finish."""

LEASE = "reconcile"
HOLD_S = 120.0
"""Longer than the pause between two rounds; after a kill, nobody reconciles for so long."""

OWNERS_AT_ONCE = 1000

log = logger("ossferry.reconcile")


@dataclass(slots=True)
class Differences:
    """Object keys for which bucket and ledger differ.

    Attributes:
        found: keys of objects that were missing in the ledger.
        changed: keys of objects that differed from their receipts.
        gone: keys of objects that were missing in the bucket.
        waiting: a mapping from keys of new objects, which the page may still confirm or refuse, to
            the times at which the wait began. They do not count as differences yet.
    """

    found: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    waiting: dict[str, datetime] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether at least one object differs; objects that wait do not count."""
        return bool(self.found or self.changed or self.gone)


@dataclass(slots=True, eq=False, repr=False)
class Reconciler:
    """Compares the objects in the bucket with the ledger, and corrects the ledger."""

    store: Places
    database: Database
    recorder: Recorder
    hooks: Hooks
    quotas: Quotas
    _: KW_ONLY
    refused: RefusedUploads
    trash: Trash
    clock: Clock
    _me: str = field(init=False, default_factory=lambda: secrets.token_hex(8))
    _has_lease: bool = field(init=False, default=False)
    # hash of an owner -> `Differences.waiting`
    _waiting: dict[str, dict[str, datetime]] = field(init=False, default_factory=dict)

    async def run(self) -> int:
        """Compare the uploads of all due principals with the ledger, and correct the ledger.

        A principal is due if new objects may have been stored since the last comparison, or if that
        was a day ago. Do nothing if another process is reconciling. A failure for one principal is
        logged, and the principal is tried again later.

        Returns:
            The number of principals whose comparison succeeded.

        Raises:
            LedgerLostError: the database does not answer; the caller should try again.
        """
        async with self.database.write() as connection:
            if not await self._is_my_turn(connection):
                self._waiting.clear()  # the process with the lease keeps this data
                return 0
            owners = await people.to_reconcile(
                connection, self.clock(), at_least_every=AT_LEAST_EVERY, limit=OWNERS_AT_ONCE
            )
        done = 0
        for owner in owners:
            done += await self._attempt(owner)
            async with self.database.write() as connection:
                await self._is_my_turn(connection)
        return done

    async def close(self) -> None:
        """Release the lock for reconciliation, so that another process can reconcile at once.

        Raises:
            LedgerLostError: the database does not answer; the lock expires after `HOLD_S` seconds.
        """
        if self._has_lease:
            async with self.database.write() as connection:
                await leases.release(connection, LEASE, holder=self._me)

    async def look_through(self, owner: Owner) -> Differences:
        """Compare all objects of one owner with the ledger, and correct the ledger.

        While new objects wait for a report of the page, the next `run` includes the owner again,
        even if the ledger has no recent grant of the owner, for example after a restore of the
        database.

        Returns:
            The corrected differences, and the objects that wait.

        Raises:
            LedgerLostError: the database does not answer; the caller should try again.
            OssLostError: OSS does not answer; the caller should try again.
            OssRefusedError: OSS refuses to list the objects.
        """
        started = self.clock()
        differences = Differences()
        after = owner.prefix
        while True:
            listed = await self.store.list(owner.prefix, after=after, limit=PAGE)
            is_last = len(listed) < PAGE
            until = None if is_last else listed[-1].key
            await self._compare(owner, listed, after, until, differences)
            if is_last:
                break
            after = listed[-1].key
        self._waiting.pop(owner.hash, None)
        if differences.waiting:
            self._waiting[owner.hash] = differences.waiting
        async with self.database.write() as connection:
            settled = started - UNDER_WAY - self.refused.settle
            newest = max(differences.waiting.values(), default=None)
            await people.reconciled(connection, owner.hash, settled, granted_until=newest)
        await self.trash.make_room(owner)
        if differences.any:
            log.info(
                "reconciled",
                principal=owner.hash,
                found=len(differences.found),
                changed=len(differences.changed),
                gone=len(differences.gone),
            )
        return differences

    async def _attempt(self, owner: Owner) -> bool:
        try:
            await self.look_through(owner)
        except LedgerLostError:
            raise
        except OssferryError as error:
            log.warning("not-reconciled", principal=owner.hash, code=error.code, **error.evidence)
        except Exception as error:
            log.error("not-reconciled", principal=owner.hash, **unexpected(error))
        else:
            return True
        return False

    async def _compare(
        self,
        owner: Owner,
        listed: Sequence[Listed],
        after: str,
        until: str | None,
        differences: Differences,
    ) -> None:
        async with self.database.read() as connection:
            known = await receipts.in_range(connection, owner, after=after, until=until)
            held = await holds.in_range(connection, owner, after=after, until=until)
            unknown = [each for each in listed if each.key not in {*known, *held}]
            refused = await refusals.of_objects(connection, unknown)
        for each in listed:
            hold = held.get(each.key)
            receipt = hold.receipt if hold else None if each.place else known.get(each.key)
            is_final = receipt is not None and (each.is_symlink or not receipt.is_as_listed)
            if receipt and is_final and (receipt.size, receipt.etag) == (each.size, each.etag):
                continue
            noted = differences.changed if receipt else differences.found
            try:
                if each.key in refused:
                    await self.refused.finish(each)
                elif not self._may_wait(owner, each, differences.waiting):
                    await self._record(owner, each, noted, hold)
            except OssRefusedError as error:
                self._tell(owner, error)
                if each.key not in refused:
                    await self._count(owner, each, noted)
        for key in {*known, *held} - {each.key for each in listed}:
            try:
                await self._gone(owner, key, differences)
            except OssRefusedError as error:
                self._tell(owner, error)

    def _may_wait(self, owner: Owner, each: Listed, waiting: dict[str, datetime]) -> bool:
        """Return whether the page may still confirm or refuse an object.

        The page may do so until `RefusedUploads.settle` after the object was stored. This time is
        recorded in `waiting`, and becomes no later if the object is overwritten.
        """
        now = self.clock()
        latest = now - self.refused.settle
        if each.last_modified <= latest:
            return False
        since = self._waiting.get(owner.hash, {}).get(each.key, now)
        waiting[each.key] = min(since, each.last_modified)
        return waiting[each.key] > latest

    async def _record(
        self, owner: Owner, listed: Listed, noted: list[str], hold: Hold | None
    ) -> None:
        """Record an object that the page can no longer confirm or refuse."""
        if listed.is_symlink and listed.place:
            await self.store.remove(listed)  # no scanner follows it
            return
        if listed.is_symlink:
            await self._count(owner, listed, noted)
            return
        stored = await self.store.head(listed.key)
        if stored is None:
            return  # deleted after it was listed
        await self._note(owner, stored, noted, source="found")
        if listed.place and not stored.is_held:
            await self.store.remove(listed)  # its release has not removed it
        elif hold is not None and not stored.is_held:
            async with self.database.write() as connection:  # its object is gone
                await holds.drop(connection, listed.key, now=self.clock())

    async def _count(self, owner: Owner, listed: Listed, noted: list[str]) -> None:
        """Record an object as OSS lists it; the server never reads a symlink, or may not read it.

        Otherwise it would not count in the quota.
        """
        stored = Stored(
            key=listed.key,
            size=listed.size,
            etag=listed.etag,
            last_modified=listed.last_modified,
            crc64="",
            content_type="",
            place=listed.place,
            is_held=bool(listed.place),
        )
        await self._note(owner, stored, noted, source=LISTED)

    async def _note(self, owner: Owner, stored: Stored, noted: list[str], *, source: str) -> None:
        try:
            receipt = await self.recorder.record(owner, stored, source=source)
        except TooManyFilesError:  # of a guest: now it is refused, and the next round removes it
            return
        if receipt.is_news:
            noted.append(stored.key)

    def _tell(self, owner: Owner, error: OssRefusedError) -> None:
        log.warning("counted-as-listed", principal=owner.hash, **error.evidence)

    async def _gone(self, owner: Owner, key: str, differences: Differences) -> None:
        if await self.store.head(key) is not None:
            return  # stored after the list was read
        now = self.clock()
        async with self.database.write() as connection:
            was_held = await holds.drop(connection, key, now=now)
            if await receipts.mark_deleted(connection, key, now=now, undo=None):
                await self.hooks.announce(connection, deleted(owner, key, now))
            elif was_held is None:
                return
        self.quotas.forget(owner)
        self.hooks.wake()
        differences.gone.append(key)

    async def _is_my_turn(self, connection: AsyncConnection) -> bool:
        self._has_lease = await leases.take(
            connection, LEASE, holder=self._me, now=self.clock(), hold_s=HOLD_S
        )
        return self._has_lease


def reconciler(settings: Settings, store: ObjectStore, database: Database) -> Reconciler:
    """Return a reconciler for the command line."""
    trash = trash_of(settings, store, database, details=load_details(settings, None))
    places, recorder, hooks, quotas = (
        trash.places,
        trash.recorder,
        trash.held.hooks,
        trash.held.quotas,
    )
    metrics = recorder.metrics
    refused = RefusedUploads(places, database, hooks, quotas, metrics=metrics, clock=utc_now)
    parts = (places, database, recorder, hooks, quotas)
    return Reconciler(*parts, refused=refused, trash=trash, clock=utc_now)
