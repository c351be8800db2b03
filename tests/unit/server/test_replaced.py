"""An upload whose metadata name an older upload replaces it, as soon as it is recorded."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import httpx
import pytest

from ossferry.errors import NotStoredError, OssLostError
from ossferry.identity.object_keys import INCOMING, TRASH
from ossferry.ledger import Database, receipts
from ossferry.ledger.receipts import LISTED
from ossferry.uploads.trash import Trash, trash_of
from support.ledgers import NOW
from support.server_fakes import ALICE, BOB, OBJECTS, FakeStore, MakeClient, MakeSettings

GUEST = "requests/{}/{}/".format("a" * 32, "b" * 32)
OTHER = "requests/{}/{}/".format("a" * 32, "c" * 32)

CHECKED = {"release": "checked", "clamd": "/run/clamd"}


def key_of(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{ALICE.prefix}{folder and folder + '/'}2026-03-14/{'0' * 32}/{file}"


class Site:
    """Alice's folder: `store` and `record` take names of files, of which `a` replaces none."""

    def __init__(self, trash: Trash, bucket: FakeStore) -> None:
        self.trash, self.bucket = trash, bucket

    def store(self, name: str, replaces: str = "", *, at: int = 0, place: str = "") -> None:
        metadata = {"replaces": key_of(replaces)} if replaces else {}
        when = NOW + timedelta(seconds=at)
        key = place + key_of(name)
        self.bucket.put(
            key, crc64=str(len(self.bucket.objects)), metadata=metadata, last_modified=when
        )

    async def record(self, *names: str, source: str = "page") -> None:
        found = [await self.trash.places.head(key_of(name)) for name in names]
        pairs = [(each, "") for each in found if each]
        await self.trash.recorder.record_all(ALICE, pairs, source=source)

    async def send(self, name: str, replaces: str = "", *, at: int = 0, place: str = "") -> None:
        self.store(name, replaces, at=at, place=place)
        await self.record(name)

    async def release(self, name: str) -> None:
        assert await self.trash.held.release(await self.trash.held.find(key_of(name)))

    @property
    def left(self) -> list[str]:
        """The names of the stored files; held ones are marked with `?`."""
        found = []
        for key in self.bucket.objects:
            name = key.removeprefix(INCOMING).removeprefix(ALICE.prefix)
            if not key.startswith(TRASH):
                found.append(name.rpartition("/")[2] + "?" * key.startswith(INCOMING))
        return sorted(found)


Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def opened(make_settings: MakeSettings, store: FakeStore) -> Opened:
    @asynccontextmanager
    async def opened(**options: str) -> AsyncIterator[Site]:
        settings = make_settings(**OBJECTS, **options)
        database = Database(settings.ledger_url)
        yield Site(trash_of(settings, store, database), store)
        await database.close()

    return opened


@pytest.mark.parametrize("source", ["page", "callback", "form", "found"])
async def test_whatever_reports_the_new_one_the_old_one_can_be_restored_once(
    opened: Opened, source: str
) -> None:
    async with opened() as site:
        await site.send("a")
        site.store("b", "a")
        await site.record("b", source=source)
        after = site.left
        async with site.trash.recorder.database.read() as connection:
            undo = await receipts.find_undo(connection, NOW, key=key_of("a"))
        assert undo
        await site.trash.undo(ALICE, undo.id)
        await site.record("b")  # a receipt that came twice
        await site.trash.remove_replaced()

        assert (after, site.left) == (["b"], ["a", "b"])


@pytest.mark.parametrize(
    ("order", "left"), [("bc", ["c"]), ("cb", ["c"])], ids=["in order", "reported late"]
)
async def test_of_two_that_replace_the_same_one_the_later_one_stays(
    opened: Opened, order: str, left: list[str]
) -> None:
    async with opened() as site:
        await site.send("a")
        site.store("b", "a", at=1)
        site.store("c", "a", at=2)
        for name in order:
            await site.record(name)

        assert site.left == left


async def test_one_report_may_have_the_old_one_the_new_one_and_the_next(opened: Opened) -> None:
    async with opened() as site:
        site.store("a")
        site.store("b", "a", at=1)
        site.store("c", "b", at=2)
        site.store("d", "b", at=3)
        await site.record("c", "a", "d", "b")

        assert site.left == ["d"]


async def test_a_chain_ends_where_a_person_has_restored_or_deleted_one(opened: Opened) -> None:
    async with opened() as site:
        await site.send("a")
        await site.send("b", "a", at=1)
        await site.trash.delete(ALICE, key_of("b"))
        await site.send("c", "a", at=2)

        assert site.left == ["c"]


@pytest.mark.parametrize(
    ("new", "named", "left"),
    [
        ("b", "b", ["a", "b"]),
        ("b", "nobody", ["a", "b"]),
        (f"{GUEST}b", "a", ["a", "b"]),
        (f"{OTHER}b", f"{GUEST}a", ["a", "b"]),
        (f"{GUEST}b", f"{GUEST}a", ["b"]),
        ("b", f"{GUEST}a", ["b"]),
    ],
    ids=["itself", "unknown", "owner's", "another guest's", "guest's own", "owner replaces"],
)
async def test_only_an_own_upload_is_replaced(
    opened: Opened, new: str, named: str, left: list[str]
) -> None:
    async with opened() as site:
        await site.send(named if named.endswith("/a") else "a")
        await site.send(new, named)

        assert site.left == left


async def test_nobody_replaces_an_upload_of_another_person(
    opened: Opened, store: FakeStore
) -> None:
    async with opened() as site:
        await site.send("a")
        metadata = {"replaces": key_of("a")}
        theirs = store.put(f"{BOB.prefix}2026-03-14/{'0' * 32}/b", metadata=metadata)
        await site.trash.recorder.record(BOB, theirs, source="page")

        assert key_of("a") in store.objects


async def test_what_cannot_be_deleted_now_is_deleted_later(
    opened: Opened, store: FakeStore
) -> None:
    async with opened() as site:
        await site.send("a")
        site.store("b", "a")
        found = await site.trash.places.head(key_of("b"))
        assert found
        store.error = OssLostError("down")
        await site.trash.recorder.record(ALICE, found, source="page")
        store.error = None
        before = site.left
        await site.trash.remove_replaced()

        assert (before, site.left) == (["a", "b"], ["b"])


async def test_an_object_that_was_only_listed_replaces_when_it_is_read(opened: Opened) -> None:
    async with opened() as site:
        await site.send("a")
        site.store("b", "a")
        await site.record("b", source=LISTED)
        await site.record("b")

        assert site.left == ["b"]


@pytest.mark.parametrize(
    ("released", "left"), [("", ["a", "b?", "c?"]), ("b", ["b", "c?"]), ("bc", ["c"]), ("c", ["c"])]
)
async def test_a_held_upload_replaces_others_only_when_it_is_released(
    opened: Opened, released: str, left: list[str]
) -> None:
    async with opened(**CHECKED) as site:
        await site.send("a", place=INCOMING)
        await site.release("a")
        await site.send("b", "a", at=1, place=INCOMING)
        await site.send("c", "b", at=2, place=INCOMING)
        for name in released:
            await site.release(name)
        await site.trash.held.purge()

        assert site.left == left


async def test_a_held_upload_that_is_bad_replaces_nothing(opened: Opened) -> None:
    async with opened(**CHECKED) as site:
        await site.send("a", place=INCOMING)
        await site.release("a")
        await site.send("b", "a", at=1, place=INCOMING)
        await site.trash.held.remove(await site.trash.held.find(key_of("b")))
        await site.trash.remove_replaced()

        assert site.left == ["a"]
        with pytest.raises(NotStoredError):
            await site.trash.held.find(key_of("b"))


def test_the_receipt_has_the_quota_after_the_replacement(
    make_client: MakeClient, store: FakeStore
) -> None:
    client = make_client(**OBJECTS, undo="off", quota_objects_total=5)
    client.post("/api/grant")
    answers = [report(client, store, "a"), report(client, store, "b", replaces=key_of("a"))]

    assert [each["quota"]["objects_left"] for each in answers] == [4, 4]
    assert list(store.objects) == [key_of("b")]


def report(client: httpx.Client, store: FakeStore, name: str, **metadata: str) -> Any:
    stored = store.put(key_of(name), metadata=metadata)
    fields = {"key": stored.key, "size": stored.size, "crc64": stored.crc64}
    return client.post("/api/receipts", json=fields).json()
