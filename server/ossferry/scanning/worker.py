"""The loop of `ossferry scan`: leases held uploads, looks at them, and releases or keeps them.

Several workers may run. A lease in the ledger belongs to one of them, who renews it; if a worker
ends, another one leases the upload again. While a scanner cannot be used, uploads wait.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from ossferry.clock import Clock, Monotonic, monotonic
from ossferry.errors import OssferryError, SettingsError
from ossferry.http.client import trusting
from ossferry.identity.object_keys import INCOMING
from ossferry.ledger import Database, holds, leases, people
from ossferry.ledger.holds import Hold
from ossferry.observability.log_format import logger, unexpected
from ossferry.observability.metrics import Metrics
from ossferry.oss.bucket import OssBucket
from ossferry.scanning.checking import find_locks
from ossferry.scanning.clamd import Clamd
from ossferry.scanning.http_scanner import HttpScanner
from ossferry.scanning.look import Looks, Scanner
from ossferry.scanning.verdict import ChangedError, Outcome, Verdict
from ossferry.settings.model import Settings
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.trash import trash_of

LEASE_S = 120.0
IDLE_S = 2.0
"""Seconds between two looks into the ledger for uploads that wait."""

PROBE_S = 60.0
"""Seconds between two tests of the scanners."""

GRACE_S = 20.0
"""Seconds that running looks get when the worker is told to end."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0
MAX_ATTEMPTS = 8
"""Looks at one upload that the scanners do not finish, although they work; after an hour or more.

Then the upload is kept, because it may be the reason.
"""

LARGEST = 2_000_000_000
"""The largest upload in bytes that is read; clamd reads no larger ones."""

T = TypeVar("T")

log = logger("ossferry.scan")


async def scan_uploads(
    settings: Settings,
    store: OssBucket,
    database: Database,
    *,
    stop: asyncio.Event,
    metrics: Metrics,
    clock: Clock,
    concurrency: int = 2,
    bytes_per_s: int | None = None,
    largest: int = LARGEST,
    once: bool = False,
) -> None:
    """Run a worker until `stop` is set.

    Args:
        store: the bucket with its real keys.
        concurrency: how many uploads are scanned at a time.
        bytes_per_s: how many bytes are read from OSS in a second; None for no limit.
        largest: the largest upload in bytes that is read.
        once: whether to return when no upload is due any more.

    Raises:
        SettingsError: the settings are wrong, this machine cannot lock the checks in, or `once` is
            set and a scanner cannot be used.
    """
    if not (await find_locks()).calls:
        raise SettingsError(
            "this machine cannot run the checks without network; `ossferry doctor` says more."
        )
    connect = trusting(settings)
    async with httpx.AsyncClient(transport=connect(), trust_env=False) as client:
        scanners: dict[str, Scanner] = {}
        if settings.clamd:
            scanners["clamd"] = Clamd(settings.clamd, clock=clock)
        if settings.scanner_url:
            scanners["scanner"] = HttpScanner(settings.scanner_url, client)
        spend = Rate(bytes_per_s, monotonic=monotonic)
        looks = Looks(settings, store, scanners, largest=largest, spend=spend)
        held = trash_of(settings, store, database).held
        worker = Worker(settings, database, held, looks, metrics=metrics, clock=clock)
        await worker.run(stop, concurrency=concurrency, once=once)


class Rate:
    """A rate limit for the bytes that are read from OSS, for all uploads together.

    Args:
        bytes_per_s: the limit in bytes per second; None for no limit.
    """

    def __init__(self, bytes_per_s: int | None, *, monotonic: Monotonic) -> None:
        self._bytes_per_s = bytes_per_s
        self._monotonic = monotonic
        self._free_at = 0.0

    async def __call__(self, size: int, /) -> None:
        """Wait until the rate limit allows the read of `size` more bytes."""
        if self._bytes_per_s is not None:
            now = self._monotonic()
            start, self._free_at = self._free_at, max(self._free_at, now) + size / self._bytes_per_s
            await asyncio.sleep(max(0.0, start - now))


@dataclass(slots=True, eq=False, repr=False)
class Worker:
    """Leases held uploads from the ledger, scans them, and releases or keeps them.

    A failed scan is repeated after a pause.
    """

    settings: Settings
    database: Database
    held: HeldUploads
    looks: Looks
    _: KW_ONLY
    metrics: Metrics
    clock: Clock
    _me: str = field(init=False, default_factory=lambda: secrets.token_hex(8))
    _probed_at: datetime | None = field(init=False, default=None)
    _complaint: str = field(init=False, default="")

    async def run(self, stop: asyncio.Event, *, concurrency: int = 2, once: bool = False) -> None:
        """Scan uploads until `stop` is set; then wait up to `GRACE_S` seconds for running scans.

        Args:
            concurrency: how many uploads are scanned at a time.
            once: whether to return when no upload is due any more.

        Raises:
            SettingsError: `once` is set, and a scanner cannot be used.
            LedgerLostError: `once` is set, and the ledger does not answer.
        """
        running, done = set[asyncio.Task[None]](), set[asyncio.Task[None]]()
        try:
            while not stop.is_set():
                free = concurrency - len(running)
                leased = await (self._lease(free) if once else self._attempt(self._lease, free))
                running |= {asyncio.create_task(self._one(each)) for each in leased or ()}
                if once and self._complaint:
                    raise SettingsError(self._complaint)
                if once and not running:
                    return
                if running:
                    done, running = await asyncio.wait(
                        running, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED
                    )
                    for each in done:
                        each.result()
                else:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await stop.wait()
            if running:
                await asyncio.wait(running, timeout=GRACE_S)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, *done, return_exceptions=True)

    async def _attempt(self, work: Callable[..., Awaitable[T]], *arguments: object) -> T | None:
        """Return the result of `work`; if it fails, log the error and return None.

        The caller repeats the work later.
        """
        try:
            return await work(*arguments)
        except SettingsError as error:
            log.error("cannot-scan", reason=str(error), help="ossferry doctor")
        except OssferryError as error:
            log.warning("postponed", code=error.code, **error.evidence)
        except ChangedError:
            log.warning("postponed", code="changed")
        except Exception as error:
            log.error("unexpected", **unexpected(error))
        return None

    async def _lease(self, limit: int) -> Sequence[Hold]:
        """Lease uploads that are due, if the scanners can be used."""
        now = self.clock()
        async with self.database.read() as connection:
            oldest = await holds.oldest(connection)
        self.metrics.waits((now - oldest).total_seconds() if oldest else 0.0)
        await self._probe()
        if self._complaint or oldest is None or limit < 1:
            return ()
        async with self.database.write() as connection:
            return await holds.lease(
                connection, holder=self._me, now=now, lease_s=LEASE_S, limit=limit
            )

    async def _probe(self) -> None:
        """Test the scanners from time to time; only a worker that can scan counts in `/readyz`."""
        now = self.clock()
        if self._probed_at and timedelta(0) <= now - self._probed_at < timedelta(seconds=PROBE_S):
            return
        before, self._complaint = self._complaint, await self.looks.probe()
        self._probed_at = now
        if self._complaint:
            log.warning("scanner-away", reason=self._complaint, help="ossferry doctor")
            return
        if before:
            log.info("scanner-back")
        async with self.database.write() as connection:
            name = leases.SCANNER
            await leases.take(connection, name, holder=name, now=now, hold_s=3 * PROBE_S)

    async def _one(self, hold: Hold) -> None:
        """Scan one upload; whatever happens, it is decided or waits."""
        try:
            if await self._attempt(self._scan, hold):
                return
        except asyncio.CancelledError:
            await self._attempt(self._put_off, hold, 0.0)
            raise
        pause_s = min(FIRST_PAUSE_S * 2 ** min(hold.attempts - 1, 10), LONGEST_PAUSE_S)
        await self._attempt(self._put_off, hold, pause_s)

    async def _put_off(self, hold: Hold, pause_s: float) -> None:
        next_at = self.clock() + timedelta(seconds=pause_s)
        async with self.database.write() as connection:
            await holds.put_off(connection, hold, next_at=next_at)

    async def _scan(self, hold: Hold) -> bool:
        """Look at one upload, and release or keep it; return whether it is decided.

        Raises:
            OssferryError, ChangedError: nothing is decided; try again later.
        """
        stored = await self.held.locate(hold)
        if stored is None:
            await self._replaced(hold)
            return True
        found = await self._while_leased(hold, self.looks.look(stored, hold.key))
        if found is None:
            return True  # another worker has the upload
        verdict, outcome = found.verdict, str(found.verdict.outcome)
        if verdict.outcome is Outcome.LATER:
            if hold.attempts < MAX_ATTEMPTS or await self.looks.probe():
                log.warning("scanner-failed", reason=verdict.reason)
                self.metrics.scanned(outcome, stored.size)
                return False
            verdict = Verdict(Outcome.BAD, "No scanner could finish looking at it.")
        if verdict.outcome is Outcome.CLEAN or (
            verdict.outcome is Outcome.UNSCANNABLE and self.settings.unscannable == "release"
        ):
            is_done = await self.held.release(hold, checks=self.looks.claim(found)) is not None
        else:
            is_done = await self.held.keep(hold, reason=verdict.reason)
        if is_done:
            self.metrics.scanned(outcome, stored.size)
            log.info("scanned", principal=hold.principal, size=stored.size, outcome=outcome)
        return is_done

    async def _while_leased(self, hold: Hold, look: Coroutine[None, None, T]) -> T | None:
        """Return the result of `look`; None if another worker has leased the upload meanwhile."""
        looking = asyncio.create_task(look)
        try:
            while True:
                done, _ = await asyncio.wait({looking}, timeout=LEASE_S / 3)
                async with self.database.write() as connection:
                    is_mine = await holds.renew(connection, hold, now=self.clock(), lease_s=LEASE_S)
                if not is_mine:
                    return None
                if done:
                    return looking.result()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _replaced(self, hold: Hold) -> None:
        """Hold the object that has replaced an upload; remove the row if there is none."""
        stored = await self.held.store.head(INCOMING + hold.key)
        if stored is None:
            await self.held.remove(hold)
            return
        async with self.database.write() as connection:
            owner = await people.owner_by_hash(connection, hold.principal)
            if owner is not None:
                new = replace(stored, key=hold.key)
                await holds.hold_all(
                    connection, owner, [(new, "")], source="found", now=self.clock()
                )
