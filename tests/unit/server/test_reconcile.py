"""Reconciliation of all principals' uploads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import TypeAlias
from unittest.mock import AsyncMock, patch

import pytest
import sqlalchemy as sa

from ossferry.app import create_app
from ossferry.background import UploadServices
from ossferry.errors import LedgerLostError, OssferryError, OssRefusedError
from ossferry.identity.owner import Owner
from ossferry.ledger import listing, people, receipts
from ossferry.ledger.tables import deliveries
from ossferry.oss.objects import Listed, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.inventory import check_receipts, stored_uploads
from ossferry.uploads.lists import object_json
from ossferry.uploads.reconcile import HOLD_S
from ossferry.uploads.scope import Scope
from support.ledgers import opened, owner, used
from support.server_fakes import (
    OBJECTS,
    FakeClock,
    FakeStore,
    MakeApp,
    MakeSettings,
    UnexpectedError,
)

OWNERS = [owner(name) for name in ("alice", "bob", "carol")]


class StoreWithFaults(FakeStore):
    """Raises an error for one principal's uploads."""

    def __init__(self, faults: dict[str, Exception]) -> None:
        super().__init__()
        self.faults = faults

    def _note(self, key: str) -> None:
        super()._note(key)
        if key in self.faults:
            raise self.faults[key]


async def grant(uploads: UploadServices, clock: FakeClock, *owners: Owner) -> None:
    """Note credentials of these principals, so that their folders are reconciled."""
    async with uploads.database.write() as connection:
        for each in owners:
            until = clock() + timedelta(minutes=15)
            await people.remember(connection, each, clock(), granted_until=until)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OssRefusedError("AccessDenied", "5C06"), '"oss_code": "AccessDenied"'),
        (UnexpectedError("canary-secret"), '"error": "UnexpectedError"'),
    ],
    ids=["refused", "unexpected"],
)
async def test_who_cannot_be_looked_through_keeps_nobody_waiting_and_is_named(
    settings: Settings,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    reason: str,
) -> None:
    store = StoreWithFaults({OWNERS[0].prefix: error})

    done, known = await a_round(settings, store, clock)

    assert (done, known) == (2, ["uploads/bob-x/x.txt", "uploads/carol-x/x.txt"])
    noted = [record.getMessage() for record in caplog.records]
    assert ["not-reconciled" in each and OWNERS[0].hash in each for each in noted] == [True]
    assert reason in noted[0]
    assert "canary" not in caplog.text
    is_ours = isinstance(error, OssferryError)
    assert [" look_through" in each for each in noted] == [not is_ours]  # location of the error


async def test_a_ledger_that_is_lost_ends_the_round(settings: Settings, clock: FakeClock) -> None:
    store = StoreWithFaults({OWNERS[0].prefix: LedgerLostError("gone")})

    with pytest.raises(LedgerLostError):
        await a_round(settings, store, clock)


@pytest.mark.parametrize("code", ["status-403", "status-400"])
async def test_t60_an_object_that_cannot_be_read_counts_as_listed_and_ends_nothing(
    settings: Settings, clock: FakeClock, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    alice = OWNERS[0]
    bad, link, changed, gone = (f"{alice.prefix}{name}" for name in ("bad", "link", "x.txt", "g"))
    store = StoreWithFaults({bad: OssRefusedError(code, "5C06")})
    store.put(bad, size=12_000_000)
    store.put(link, size=9, is_symlink=True)
    store.put(gone, size=3)

    first, _ = await a_round(settings, store, clock)
    used = await used_by(settings, alice)
    unread = await without_receipt(settings, store, alice)
    store.put(changed, size=7, etag="E", is_symlink=True)
    del store.objects[gone]
    store.faults[gone] = store.faults[bad]
    second, _ = await a_round(settings, store, clock, puts=False)
    again = await used_by(settings, alice)
    store.faults.clear()
    await a_round(settings, store, clock, puts=False)

    assert (first, second, used) == (3, 3, (12_000_000 + 9 + 5 + 3, 4))
    assert unread == ([bad, link], [bad, link], [bad, link])
    assert again == (12_000_000 + 9 + 7 + 3, 4)
    assert await used_by(settings, alice) == (again[0] - 3, 3)
    told = [line for line in caplog.messages if "counted-as-listed" in line]
    assert [code in line and alice.hash in line for line in told] == [True, True, True]
    assert [key for key in (bad, link, changed) if key in await announced(settings)] == [
        bad,
        changed,
    ]


async def test_r62_one_unreadable_object_ends_no_list(settings: Settings, clock: FakeClock) -> None:
    store = StoreWithFaults({})
    await a_round(settings, store, clock)
    store.faults = {f"{OWNERS[1].prefix}x.txt": OssRefusedError("status-403", "5C06")}

    everything = Scope(prefix="uploads/", owner=None)
    async with opened(settings.ledger_url) as database:
        found = {
            checked.receipt.key: checked.outcome
            async for checked in check_receipts(store, database, everything)
        }

    assert sorted(found.values()) == ["same", "same", "unreadable"]
    assert found[f"{OWNERS[1].prefix}x.txt"] == "unreadable"


async def without_receipt(
    settings: Settings, store: FakeStore, who: Owner
) -> tuple[list[str], ...]:
    """Return the keys for which the command, the page and a search show no receipt."""
    scope = Scope(prefix=who.prefix, owner=who)
    async with opened(settings.ledger_url) as database, database.read() as connection:
        command = [each async for each in stored_uploads(store, database, scope)]
        known = await receipts.of_keys(connection, list(store.objects))
        sorted_ = await listing.page(connection, who, words="", sort="key", after="", limit=9)
    page = [object_json(each.listed, known[each.listed.key]) for each in command]
    search = [object_json(*each) for each in sorted_ or ()]
    unread = (
        [row["key"] for row in rows if row["recorded_at"] is None and row["crc64"] is None]
        for rows in (page, search)
    )
    return ([each.listed.key for each in command if each.receipt is None], *unread)


async def test_t61_a_comparison_removes_deleted_uploads_that_no_longer_fit(
    make_settings: MakeSettings, clock: FakeClock
) -> None:
    settings, alice = make_settings(quota_bytes_total=9, **OBJECTS), OWNERS[0]
    store = FakeStore()
    gone = store.put(f"{alice.prefix}gone")
    kept = store.put("trash/a/b").key
    undo = receipts.Undo(id="1", key=gone.key, how=kept, until=clock.now, size=gone.size)
    async with opened(settings.ledger_url) as database, database.write() as connection:
        await receipts.record_all(connection, alice, [(gone, "")], source="page", now=clock())
        await receipts.mark_deleted(connection, gone.key, now=clock(), undo=undo)
    del store.objects[gone.key]

    await a_round(settings, store, clock)

    assert kept not in store.objects


async def used_by(settings: Settings, who: Owner) -> tuple[int, int]:
    """Return the bytes and the objects that the ledger counts for a principal."""
    async with opened(settings.ledger_url) as database:
        counted = await used(database, who)
    return counted["bytes_total"], counted["objects_total"]


async def announced(settings: Settings) -> str:
    """Return all events."""
    async with opened(settings.ledger_url) as database, database.read() as connection:
        rows = (await connection.execute(sa.select(deliveries.c.event))).all()
    return " ".join(row.event for row in rows)


async def test_r64_after_a_restart_the_next_process_reconciles_at_once(
    make_app: MakeApp, clock: FakeClock, store: FakeStore
) -> None:
    """A process that another one keeps waiting takes no lease away when it stops."""
    first, waiting, after = (make_app(store=store).state.uploads for _ in range(3))
    await grant(first, clock, OWNERS[0])

    done = [await first.reconciler.run(), await waiting.reconciler.run()]
    await waiting.close()
    done.append(await after.reconciler.run())
    await first.close()
    done.append(await after.reconciler.run())
    await after.close()

    assert done == [1, 0, 0, 1]


async def test_r64_two_minutes_after_a_kill_the_next_process_reconciles(
    make_app: MakeApp, clock: FakeClock, store: FakeStore
) -> None:
    killed, after = (make_app(store=store).state.uploads for _ in range(2))
    await grant(killed, clock, OWNERS[0])

    done = [await killed.reconciler.run()]
    for seconds in (119, 2):
        clock.advance(seconds)
        done.append(await after.reconciler.run())
    await killed.database.close()
    await after.close()

    assert done == [1, 0, 1]


async def test_a_process_that_has_lost_its_turn_forgets_since_when_objects_wait(
    make_app: MakeApp, clock: FakeClock, store: FakeStore
) -> None:
    first, other = (make_app(store=store).state.uploads for _ in range(2))
    alice, key = OWNERS[0], f"{OWNERS[0].prefix}x.txt"

    async def run(uploads: UploadServices) -> None:
        async with uploads.database.write() as connection:
            await people.remember(connection, alice, clock(), granted_until=clock())
        await uploads.reconciler.run()

    store.put(key, last_modified=clock())
    await run(first)
    clock.advance(HOLD_S + 1)
    del store.objects[key]
    for uploads in (other, first):
        await run(uploads)
    store.put(key, last_modified=clock())
    await other.close()
    await run(first)
    async with first.database.read() as connection:
        known = await receipts.find(connection, key)
    await first.close()

    assert known is None


async def test_no_other_process_reconciles_during_a_long_round(
    make_app: MakeApp, clock: FakeClock, store: FakeStore
) -> None:
    first, other = (make_app(store=store).state.uploads for _ in range(2))
    await grant(first, clock, *OWNERS)
    done = []

    async def list_slowly(prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        clock.advance(100)
        store.asked.append(prefix)
        if len(store.asked) == len(OWNERS):
            done.append(await other.reconciler.run())
        return []

    with patch.object(store, "list", list_slowly):
        done.append(await first.reconciler.run())
    for uploads in (first, other):
        await uploads.close()

    assert done == [0, 3]


class ChangingStore(FakeStore):
    """A bucket that others change after it was listed, and before an object is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.change: Callable[[], Awaitable[object]] = AsyncMock()

    async def head(self, key: str) -> Stored | None:
        await self.change()
        return await super().head(key)


Changing: TypeAlias = AbstractAsyncContextManager[tuple[ChangingStore, UploadServices, str]]


@pytest.fixture
def changing(make_app: MakeApp) -> Changing:
    """A store, a server with a quota, and the key of an object that both have."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[ChangingStore, UploadServices, str]]:
        store = ChangingStore()
        app = make_app(quota_objects_total=5, **OBJECTS, monotonic=lambda: 0.0, store=store)
        uploads: UploadServices = app.state.uploads
        recorded = store.put(f"{OWNERS[0].prefix}x.txt")
        await uploads.recorder.record(OWNERS[0], recorded, source="page")
        yield store, uploads, recorded.key
        await uploads.close()

    return opened()


async def test_what_is_stored_after_the_list_was_read_is_not_gone(changing: Changing) -> None:
    async with changing as (store, uploads, key):
        del store.objects[key]

        async def store_again() -> None:
            store.put(key)

        store.change = store_again

        assert not (await uploads.reconciler.look_through(OWNERS[0])).any


async def test_what_is_deleted_after_the_list_was_read_is_not_found(
    changing: Changing, clock: FakeClock
) -> None:
    async with changing as (store, uploads, _):
        settled_at = clock() - timedelta(hours=1)
        new = store.put(f"{OWNERS[0].prefix}y.txt", last_modified=settled_at)

        async def delete() -> None:
            del store.objects[new.key]

        store.change = delete

        assert not (await uploads.reconciler.look_through(OWNERS[0])).any


async def test_what_another_process_has_marked_as_deleted_is_not_marked_again(
    changing: Changing, clock: FakeClock
) -> None:
    async with changing as (store, uploads, key):
        del store.objects[key]

        async def mark() -> None:
            async with uploads.database.write() as connection:
                await receipts.mark_deleted(connection, key, now=clock(), undo=None)

        store.change = mark

        assert not (await uploads.reconciler.look_through(OWNERS[0])).any


async def test_a_page_of_the_list_is_compared_with_the_receipts_of_its_range(
    changing: Changing,
) -> None:
    async with changing as (store, uploads, _):
        more = [store.put(f"{OWNERS[0].prefix}{number:04}") for number in range(1000)]
        await uploads.recorder.record_all(OWNERS[0], [(each, "") for each in more], source="page")
        store.asked.clear()

        await uploads.reconciler.look_through(OWNERS[0])

        assert store.asked == [OWNERS[0].prefix] * 2


async def test_what_is_gone_leaves_its_room_at_once(changing: Changing) -> None:
    async with changing as (store, uploads, key):
        before = await uploads.quotas.left(OWNERS[0])
        del store.objects[key]

        differences = await uploads.reconciler.look_through(OWNERS[0])

        after = await uploads.quotas.left(OWNERS[0])
    assert differences.gone == [key]
    assert [each and each["objects_left"] for each in (before, after)] == [4, 5]


async def a_round(
    settings: Settings, store: FakeStore, clock: FakeClock, *, puts: bool = True
) -> tuple[int, list[str]]:
    """Return the number of reconciled principals, and the keys that the ledger has afterwards.

    Args:
        puts: whether each principal has stored an object before.
    """
    with patch("ossferry.uploads.refused.SETTLE", timedelta()):
        hooks = {"all": SimpleNamespace(on_uploaded=print)}
        app = create_app(settings, clock=clock, store=store, hooks=hooks, monotonic=lambda: 0.0)
    uploads: UploadServices = app.state.uploads
    if puts:
        for each in OWNERS:
            store.put(f"{each.prefix}x.txt")
    await grant(uploads, clock, *OWNERS)
    try:
        done = await uploads.reconciler.run()
        async with uploads.database.read() as connection:
            known = await receipts.of_keys(connection, list(store.objects))
    finally:
        await uploads.close()
    return done, sorted(known)
