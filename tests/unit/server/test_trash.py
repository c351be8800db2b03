"""Undo in a bucket with versioning, disabled undo, and the final removal of data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from ossferry.errors import OssLostError, QuotaExceededError
from ossferry.hooks.calls import Hooks
from ossferry.identity.object_keys import TRASH
from ossferry.ledger import Database
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import Stored
from ossferry.settings.model import Settings
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.places import Places
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder
from ossferry.uploads.trash import Trash
from support.after_upload import until
from support.app_client import app_client
from support.server_fakes import (
    ALICE,
    BOB,
    OBJECTS,
    FakeClock,
    FakeStore,
    MakeApp,
    MakeClient,
    MakeSettings,
)

HOUR = {**OBJECTS, "undo_s": 3600}


@pytest.fixture
def key(store: FakeStore) -> str:
    """The key of an upload of Alice."""
    return store.put(f"{ALICE.prefix}2026-03-14/r/x.txt").key


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    """A client of a server that keeps deleted uploads for an hour."""
    return make_client(**HOUR)


class SlowStore(FakeStore):
    """A bucket in which a copy to keys with a prefix ends when another such copy ends, too."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self._copied = asyncio.Barrier(2)

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        copied = await super().copy(stored, target, forbid_overwrite=forbid_overwrite)
        if target.startswith(self._prefix):
            await self._copied.wait()
        return copied


@asynccontextmanager
async def a_trash(settings: Settings, store: FakeStore, clock: FakeClock) -> AsyncIterator[Trash]:
    """Yield the trash of one server process."""
    database, hooks = Database(settings.ledger_url), Hooks(settings, {})
    quotas = Quotas(settings, database, clock=clock, monotonic=lambda: 0.0)
    recorder = Recorder(database, hooks, quotas, metrics=Metrics(), clock=clock)
    try:
        held = HeldUploads(settings, store, database, hooks, quotas, clock)
        places = Places(settings, store, database)
        yield Trash(places, recorder, held)
    finally:
        await database.close()


async def test_where_the_bucket_keeps_versions_nothing_is_removed_for_good(
    make_settings: MakeSettings, store: FakeStore, clock: FakeClock
) -> None:
    settings = make_settings(**OBJECTS, undo="versions", quota_objects_total=1)
    store.is_versioned = True
    async with a_trash(settings, store, clock) as trash:
        keys = [store.put(f"{ALICE.prefix}2026-03-14/r/{name}").key for name in "ab"]
        undo, _ = [await trash.delete(ALICE, key) for key in keys]
        await trash.make_room(ALICE)

        assert undo is not None
        back, _ = await trash.undo(ALICE, undo.id)
        clock.advance(86_401)
        store.asked.clear()
        assert (back.key, await trash.purge(), store.asked) == (keys[0], 1, [])


def test_undo_that_is_off_says_so(make_client: MakeClient, store: FakeStore, key: str) -> None:
    client = make_client(**HOUR, undo="off")

    assert client.delete(f"/api/objects/{key}").json() == {"key": key, "undo": None}
    assert store.objects == {}


def test_what_can_no_longer_come_back_is_removed_for_good(
    make_app: MakeApp, store: FakeStore, clock: FakeClock, key: str
) -> None:
    app = make_app(**HOUR)
    client = app_client(app)
    undo = client.delete(f"/api/objects/{key}").json()["undo"]
    in_trash = list(store.objects)
    transport: Any = client._transport

    clock.advance(3601)
    late = client.post("/api/objects/undo", json={"id": undo["id"]})
    removed = transport._runner.run(app.state.uploads.trash.purge())
    client.close()

    assert undo["until"] == "2026-03-14T10:26:53Z"
    assert len(in_trash) == 1
    assert in_trash[0].startswith("trash/")
    assert (late.status_code, removed, store.objects) == (404, 1, {})


@pytest.mark.parametrize("replaces", [True, False], ids=["in the trash", "under its key"])
def test_t59_what_is_stored_while_an_upload_is_restored_stays(
    client: httpx.Client, store: FakeStore, key: str, replaces: bool
) -> None:
    undo = client.delete(f"/api/objects/{key}").json()["undo"]["id"]
    (in_trash,) = store.objects
    store.arrives["before"] = in_trash if replaces else key

    refused = client.post("/api/objects/undo", json={"id": undo})

    assert (refused.status_code, refused.json()["code"]) == (
        (404, "nothing-to-undo") if replaces else (409, "key-taken")
    )
    assert {each.key: each.etag == "LATER" for each in store.objects.values()} == (
        {in_trash: True} if replaces else {in_trash: False, key: True}
    )


@pytest.mark.parametrize(("when", "status"), [("before", 404), ("after", 409)])
def test_t59_what_is_replaced_while_it_is_deleted_stays(
    client: httpx.Client, store: FakeStore, key: str, when: str, status: int
) -> None:
    store.arrives[when] = key

    refused = client.delete(f"/api/objects/{key}")

    assert refused.status_code == status
    assert [(each.key, each.etag) for each in store.objects.values()] == [(key, "LATER")]


async def test_t61_a_deleted_upload_that_was_replaced_leaves_nothing_in_the_trash(
    settings: Settings, store: FakeStore, clock: FakeClock
) -> None:
    key = f"{ALICE.prefix}2026-03-14/r/x.bin"
    in_trash, undo = [], None
    async with a_trash(settings, store, clock) as trash:
        for size in range(3):
            clock.advance(1)
            store.put(key, size=size, etag=f"E{size}")
            undo = await trash.delete(ALICE, key)
            in_trash.append([each for each in store.objects if each.startswith(TRASH)])
        assert undo is not None
        clock.advance(1)
        back, _ = await trash.undo(ALICE, undo.id)
        await trash.delete(ALICE, key)
        clock.advance(1)
        await trash.recorder.record(ALICE, store.put(key, etag="E9"), source="found")
        removed = await trash.purge()

    assert [len(each) for each in in_trash] == [1, 1, 1]
    assert len({each for (each,) in in_trash}) == 3
    assert (back.size, removed, list(store.objects)) == (2, 1, [key])


async def test_t61_deleted_uploads_and_stored_ones_fit_into_the_quota_together(
    make_settings: MakeSettings, store: FakeStore, clock: FakeClock
) -> None:
    settings = make_settings(**OBJECTS, quota_bytes_total=1000, quota_objects_total=4)

    async def deleted(trash: Trash, *sizes: int) -> list[int]:
        for size in sizes:
            clock.advance(1)
            key = store.put(f"{ALICE.prefix}2026-03-14/r/{clock()}", size=size).key
            await trash.delete(ALICE, key)
        await trash.make_room(ALICE)
        return [each.size for each in store.objects.values() if each.key.startswith(TRASH)]

    async with a_trash(settings, store, clock) as trash, a_trash(settings, store, clock) as other:
        found = [await deleted(trash, 400, 300, 200), await deleted(trash, 300)]
        found.append(await deleted(trash, 1, 1, 1))
        upload = store.put(f"{ALICE.prefix}2026-03-14/r/stored", size=998)
        await other.recorder.record(ALICE, upload, source="found")
        found.append(await deleted(trash))

    assert found == [[400, 300, 200], [300, 200, 300], [300, 1, 1, 1], [1, 1]]


def test_r63_what_waits_for_its_removal_is_removed_soon_after_the_start(
    client: httpx.Client, make_client: MakeClient, store: FakeStore, clock: FakeClock, key: str
) -> None:
    client.delete(f"/api/objects/{key}")
    client.close()
    clock.advance(3601)

    later = make_client(**HOUR)

    until(lambda: later.get("/healthz").status_code == 200 and store.objects == {})


@pytest.mark.parametrize("crc64", ["4041730234", "1"], ids=["the upload", "other bytes"])
async def test_t59_a_copy_that_was_not_verified_comes_back_only_with_the_same_checksum(
    settings: Settings, store: FakeStore, clock: FakeClock, key: str, crc64: str
) -> None:
    async def copy(_stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        store.put(target, crc64=crc64)
        raise OssLostError("no-answer")

    async with a_trash(settings, store, clock) as trash:
        with patch.object(store, "copy", copy), pytest.raises(OssLostError):
            await trash.delete(ALICE, key)
        store.put(key, is_symlink=True)
        with patch.object(store, "copy", copy):
            undo = await trash.delete(ALICE, key)

    copies = [each.crc64 for each in store.objects.values()]
    assert (undo is not None, copies) == ((True, ["4041730234"]) if crc64 != "1" else (False, []))


async def test_who_deletes_the_same_at_once_is_told_the_same(
    settings: Settings, clock: FakeClock
) -> None:
    store = SlowStore(TRASH)
    key = store.put(f"{ALICE.prefix}2026-03-14/r/large.bin").key

    async with a_trash(settings, store, clock) as one, a_trash(settings, store, clock) as other:
        undos = await asyncio.gather(one.delete(ALICE, key), other.delete(ALICE, key))
        told = {undo.id for undo in undos if undo}
        back, _ = await one.undo(ALICE, told.pop())

    assert (len(undos), told, back.key) == (2, set(), key)


async def test_processes_that_bring_back_at_once_do_not_find_the_same_room(
    make_settings: MakeSettings, store: FakeStore, clock: FakeClock
) -> None:
    settings = make_settings(**OBJECTS, quota_objects_total=1)
    async with a_trash(settings, store, clock) as one, a_trash(settings, store, clock) as other:
        undos = []
        for name in "ab":
            key = store.put(f"{ALICE.prefix}2026-03-14/r/{name}").key
            undos.append(await one.delete(ALICE, key))

        found = await asyncio.gather(
            *(
                trash.undo(ALICE, undo.id)
                for trash, undo in zip((one, other), undos, strict=True)
                if undo
            ),
            return_exceptions=True,
        )

    refused = [each for each in found if isinstance(each, QuotaExceededError)]
    back = [key for key in store.objects if key.startswith(ALICE.prefix)]
    assert (len(refused), len(back)) == (1, 1)


async def test_nobody_waits_for_what_another_person_brings_back(
    make_settings: MakeSettings, clock: FakeClock
) -> None:
    settings, store = make_settings(**OBJECTS, quota_objects_total=2), SlowStore("uploads/")
    owners = [ALICE, BOB]
    async with a_trash(settings, store, clock) as trash:
        undos = [
            await trash.delete(each, store.put(f"{each.prefix}2026-03-14/r/x").key)
            for each in owners
        ]
        async with asyncio.timeout(5):
            await asyncio.gather(
                *(
                    trash.undo(each, undo.id)
                    for each, undo in zip(owners, undos, strict=True)
                    if undo
                )
            )
        left = [await trash._quotas.left(each) for each in owners]

    assert left == [{"bytes_left": None, "objects_left": 1}] * 2


async def test_what_another_process_has_recorded_leaves_no_room(
    make_settings: MakeSettings, store: FakeStore, clock: FakeClock
) -> None:
    settings = make_settings(**OBJECTS, quota_objects_total=1)
    async with a_trash(settings, store, clock) as one, a_trash(settings, store, clock) as other:
        undo = await one.delete(ALICE, store.put(f"{ALICE.prefix}2026-03-14/r/a").key)
        await other._quotas.left(ALICE)  # and it remembers the answer
        new = store.put(f"{ALICE.prefix}2026-03-14/r/b")
        await one.recorder.record(ALICE, new, source="page")

        assert undo is not None
        with pytest.raises(QuotaExceededError):
            await other.undo(ALICE, undo.id)

    assert [key for key in store.objects if key.startswith(ALICE.prefix)] == [new.key]


@pytest.mark.parametrize("id_", ["", "x", 5, None, "' OR 1=1 --"])
def test_an_unknown_undo_is_refused(client: httpx.Client, id_: object) -> None:

    assert client.post("/api/objects/undo", json={"id": id_}).status_code in (400, 404)
