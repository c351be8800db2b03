"""Puts together what happens after an upload: ledger, receipts, objects, shares, hooks.

Everything here exists only where the server has a bucket to look at (`OSSFERRY_OBJECTS_ROLE_ARN`).
What runs in the background runs in every process; leases and claims in the ledger see to it that
each piece of work is done by one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

import httpx
from starlette.routing import Route

from ossferry.access.audit import Audit
from ossferry.access.gate import Door, Endpoint
from ossferry.access.rate_limits import Rates
from ossferry.admin.endpoints import AdminApi
from ossferry.clock import Clock, Monotonic
from ossferry.errors import OssferryError
from ossferry.grants.log import GrantLog
from ossferry.hooks.calls import Hooks, load_hooks
from ossferry.hooks.delivery import Courier
from ossferry.ledger import Database
from ossferry.observability.logs import logger, unexpected
from ossferry.observability.metrics import Metrics
from ossferry.oss.bucket import ObjectStore
from ossferry.settings.model import Settings
from ossferry.uploads.callbacks import CallbackApi, CallbackKeys
from ossferry.uploads.lists import ListApi
from ossferry.uploads.objects import ObjectApi, Trash
from ossferry.uploads.quarantine import Quarantine, RefusalApi
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import ReceiptApi, Recorder
from ossferry.uploads.reconcile import Reconciler
from ossferry.uploads.shares import ShareApi
from ossferry.uploads.unfinished import UnfinishedApi

__all__ = ["AfterUpload", "get_only"]

IDLE_S = 2.0
PURGE_S = 3600.0

log = logger("ossferry.after")


class AfterUpload:
    """All of it.

    Attributes:
        grant_log: asked before and told after each grant.
        features: what a page may offer.
        recorder: writes receipts.
        routes: the addresses of it all.
    """

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        database: Database,
        *,
        door: Door,
        rates: Rates,
        audit: Audit,
        hooks: Mapping[str, object],
        outbound: httpx.AsyncClient,
        metrics: Metrics,
        clock: Clock,
        monotonic: Monotonic,
        styles: str = "",
    ) -> None:
        self.features = ["receipts", "objects", "share", "unfinished", "refusals"]
        if settings.skip_identical:
            self.features.append("skip-identical")
        self._reconcile_s = settings.reconcile_s
        self._store = store
        self.database = database
        self.hooks = Hooks(settings, load_hooks(hooks))
        self.quotas = quotas = Quotas(settings, self.database, clock=clock, monotonic=monotonic)
        door.watch(quotas.refuse_revoked)
        self.grant_log = GrantLog(self.database, self.hooks, quotas, clock=clock)
        self.recorder = recorder = Recorder(
            self.database, self.hooks, quotas, metrics=metrics, clock=clock
        )
        parts = (store, self.database, recorder, self.hooks, quotas)
        self.trash = Trash(settings, *parts, clock=clock)
        self.quarantine = Quarantine(
            settings, store, database, self.hooks, quotas, metrics=metrics, clock=clock
        )
        self.reconciler = Reconciler(
            *parts, quarantine=self.quarantine, settle_s=settings.settle_s, clock=clock
        )
        self.courier = Courier(
            settings, self.database, self.hooks, clock=clock, chance=random.random, client=outbound
        )
        self._outbound = outbound
        callbacks = CallbackApi(
            settings,
            store=store,
            database=self.database,
            recorder=recorder,
            keys=CallbackKeys(outbound, monotonic=monotonic),
            rates=rates,
            audit=audit,
        )
        objects = ObjectApi(store, self.trash)
        lists = ListApi(store, self.database, clock=clock)
        shares = ShareApi(store, self.database, clock=clock)
        self.routes = [
            *_routes(door, ReceiptApi(store, recorder, quotas), objects, shares),
            _post(
                "/api/receipts/refused", door.owners("refuse", RefusalApi(self.quarantine).create)
            ),
            get_only("/api/objects", door.owners("list", lists.list)),
            _post("/api/objects/identical", door.owners("identical", lists.identical)),
            get_only("/api/objects/deleted", door.owners("list-deleted", lists.deleted)),
            *_unfinished_routes(door, UnfinishedApi(store)),
            *_admin_routes(door, AdminApi(settings, self.database, styles=styles)),
            *([_post("/api/callback", callbacks.receive)] if settings.callback else []),
        ]
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin what runs in the background."""
        loops = [self._every(self._reconcile_s, self.reconciler.run)]
        loops.append(self._every(PURGE_S, self._clean_up))
        loops.extend(self._deliver(target) for target in self.hooks.targets)
        self._running = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Stop all of it; what was claimed and not done is done by others, or later."""
        async with AsyncExitStack() as ending:
            ending.push_async_callback(self.database.close)
            ending.push_async_callback(self._store.close)
            ending.push_async_callback(self._outbound.aclose)
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _clean_up(self) -> None:
        while await self.trash.purge() or await self.quarantine.purge():
            pass
        await self.courier.forget_old()

    async def _deliver(self, target: str) -> None:
        deliver = partial(self.courier.deliver, target)
        while True:
            self.hooks.begin(target)
            if not await _attempt(f"deliver to {target}", deliver):
                await self.hooks.sleep(target, IDLE_S)

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(pause_s)
            await _attempt(getattr(work, "__qualname__", "work"), work)


async def _attempt(name: str, work: Callable[[], Awaitable[object]]) -> object:
    """Do something that will be done again; why it failed goes into the log."""
    try:
        return await work()
    except OssferryError as error:
        log.warning("postponed", work=name, code=error.code)
    except Exception as error:
        log.error("unexpected", work=name, **unexpected(error))
    return None


def _routes(door: Door, receipts: ReceiptApi, objects: ObjectApi, shares: ShareApi) -> list[Route]:
    key = "/api/objects/{key:path}"
    return [
        _post("/api/receipts", door.owners("receipt", receipts.create)),
        _post("/api/objects/undo", door.owners("undo", objects.undo)),
        get_only(f"{key}/preview", door.owners("preview", objects.preview)),
        Route(key, door.owners("delete", objects.delete), methods=["DELETE"]),
        _post("/api/share", door.owners("share", shares.create)),
        get_only("/api/shares", door.owners("shares", shares.list)),
    ]


def _unfinished_routes(door: Door, unfinished: UnfinishedApi) -> list[Route]:
    discard = door.owners("discard", unfinished.discard)
    return [
        get_only("/api/unfinished", door.owners("list-unfinished", unfinished.list)),
        Route("/api/unfinished", discard, methods=["DELETE"]),
    ]


def _admin_routes(door: Door, admin: AdminApi) -> list[Route]:
    return [
        get_only("/admin", door.admins("admin", admin.page)),
        get_only("/admin/uploads.csv", door.admins("export", admin.export)),
        get_only("/admin/style.css", admin.style),
    ]


def _post(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["POST"])


def get_only(path: str, endpoint: Endpoint) -> Route:
    """Return a route that answers GET; Starlette would add HEAD, which hands out nothing."""
    route = Route(path, endpoint)
    route.methods = {"GET"}
    return route
