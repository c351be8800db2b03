"""Services for stored uploads, and the background tasks that keep the ledger up to date.

The services exist only if the server has a RAM role to access stored objects
(`OSSFERRY_OBJECTS_ROLE_ARN`). Every process runs the background tasks. Locks in the ledger, which
expire, prevent two processes from doing the same work.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial

import httpx

from ossferry.clock import Clock, Monotonic
from ossferry.errors import OssferryError
from ossferry.hooks.calls import Hooks, load_hooks
from ossferry.hooks.delivery import EventDelivery
from ossferry.ledger import Database
from ossferry.observability.log_format import logger, unexpected
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import ObjectStore
from ossferry.settings.model import Settings
from ossferry.uploads.details import Details
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.places import Places
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder
from ossferry.uploads.reconcile import Reconciler
from ossferry.uploads.refused import RefusedUploads
from ossferry.uploads.trash import Trash

IDLE_S = 2.0
"""Seconds after which the ledger is searched for events to deliver, if no event is announced."""

RECONCILE_S = 60.0
"""Seconds between two comparisons of the bucket with the ledger, for people who hold credentials.

Each one lists the folder of everybody who has uploaded lately, and finds what no page has reported.
"""

PURGE_S = 30.0
"""Seconds between two removals of objects whose time in the trash is over.

The first removal comes after a second, because some processes live shortly.
"""

FORGET_S = 3600.0
"""Seconds between two removals of old events."""

FEATURES = ("receipts", "receipt-batches", "objects", "share", "taken", "unfinished", "refusals")

log = logger("ossferry.background")


class UploadServices:
    """All services that need both the bucket and the ledger; `start` runs their background tasks.

    Args:
        hooks: the application's hooks by name, in addition to the hooks of installed packages.
        details: validates what people say about their files; None if the server has no fields.
        outbound: the HTTP client for webhooks.

    Attributes:
        features: names of the page's features that need these services, such as `share`.
        quotas: refuses principals whose access was revoked, and uploads beyond a quota.
        recorder: writes receipts of uploads to the ledger.
        held: releases and removes held uploads.
        places: the bucket with final keys, also of held uploads.
        trash: deletes and restores uploads.
        refused: removes a stored object if it differs from the file, as the page has reported.
        reconciler: compares the bucket with the ledger.
        delivery: delivers events to hooks.
    """

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        database: Database,
        *,
        hooks: Mapping[str, object],
        details: Details | None,
        outbound: httpx.AsyncClient,
        metrics: Metrics,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        optional = {"skip-identical": settings.skip_identical, "pdf": settings.link_origin}
        self.features = [*FEATURES, *(name for name, is_on in optional.items() if is_on)]
        self.store = store
        self.database = database
        self.outbound = outbound
        self.hooks = Hooks(settings, load_hooks(hooks))
        self.quotas = Quotas(settings, database, clock=clock, monotonic=monotonic)
        self.recorder = Recorder(
            database, self.hooks, self.quotas, details=details, metrics=metrics, clock=clock
        )
        self.held = HeldUploads(settings, store, database, self.hooks, self.quotas, clock)
        self.places = Places(settings, store, database)
        parts = (self.places, database, self.recorder, self.hooks, self.quotas)
        self.trash = Trash(self.places, self.recorder, self.held)
        self.refused = RefusedUploads(
            self.places, database, self.hooks, self.quotas, metrics=metrics, clock=clock
        )
        self.reconciler = Reconciler(*parts, refused=self.refused, trash=self.trash, clock=clock)
        self.delivery = EventDelivery(
            settings, database, self.hooks, clock=clock, chance=random.random, client=outbound
        )
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks that reconcile the ledger, empty the trash, and deliver events."""
        loops: list[Coroutine[None, None, None]] = [
            self._every(RECONCILE_S, self.reconciler.run),
            self._every(PURGE_S, self._purge, first_s=1.0),
            self._every(FORGET_S, self.delivery.forget_old),
            *(self._deliver(target) for target in self.hooks.targets),
        ]
        self._running = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Stop the background tasks and close all connections.

        Other processes, or this server after its next start, continue unfinished work.
        """
        async with AsyncExitStack() as ending:
            ending.push_async_callback(self.database.close)
            ending.push_async_callback(self.store.close)
            ending.push_async_callback(self.outbound.aclose)
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await _attempt("release the lease", self.reconciler.close)

    async def _purge(self) -> None:
        await self.trash.remove_replaced()
        while await self.trash.purge() or await self.held.purge():
            pass

    async def _deliver(self, target: str) -> None:
        """Deliver events to one hook until this task is cancelled; wait while there are no events.

        Args:
            target: name of the hook, or `webhook`.
        """
        deliver = partial(self.delivery.deliver, target)
        while True:
            self.hooks.begin(target)
            if not await _attempt(f"deliver to {target}", deliver):
                await self.hooks.sleep(target, IDLE_S)

    async def _every(
        self, pause_s: float, work: Callable[[], Awaitable[object]], *, first_s: float | None = None
    ) -> None:
        """Wait `pause_s` seconds, call `work`, and repeat both until this task is cancelled.

        Args:
            first_s: seconds before the first call; by default `pause_s`.
        """
        await asyncio.sleep(pause_s if first_s is None else first_s)
        while True:
            await _attempt(getattr(work, "__qualname__", "work"), work)
            await asyncio.sleep(pause_s)


async def _attempt(name: str, work: Callable[[], Awaitable[object]]) -> object:
    """Return the result of `work`; if it fails, log the error and return None.

    The caller repeats the work later.

    Args:
        name: name of the work in the log.
    """
    try:
        return await work()
    except OssferryError as error:
        log.warning("postponed", work=name, code=error.code)
    except Exception as error:
        log.error("unexpected", work=name, **unexpected(error))
    return None
