"""`POST /api/receipts/refused`: refused objects disappear, and other objects cannot be hidden."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, TypeVar
from unittest.mock import patch

import httpx
import pytest
from starlette.applications import Starlette

from ossferry.errors import OssLostError, OssRefusedError
from ossferry.hooks.calls import Event
from ossferry.identity.owner import Owner
from ossferry.ledger import people
from ossferry.uploads.reconcile import Differences
from support.app_client import app_client
from support.rate_windows import Seconds
from support.server_fakes import ALICE, BOB, OBJECTS, FakeClock, FakeStore, MakeApp

GOOD, BAD = "11051210869376104954", "4041730234"
METRICS_TOKEN = "metrics-token-of-more-than-32-characters"
SETTLE_S = 120
ETAG = '"5D41402ABC4B2A76B9719D911017C592"'  # of the object that `damage` stores
T = TypeVar("T")


class Told:
    """A hook that records events about uploads."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    async def on_uploaded(self, event: Event) -> None:
        self.events.append(("uploaded", event.data["key"]))

    async def on_deleted(self, event: Event) -> None:
        self.events.append(("deleted", event.data["key"]))


class World:
    """A server with Alice as its user, and its bucket."""

    def __init__(self, app: Starlette, told: Told, clock: FakeClock, store: FakeStore) -> None:
        self.app, self.told, self.clock, self.store = app, told, clock, store
        app.state.uploads.start = lambda: None  # events are delivered when a test requests it
        self.client = app_client(app)
        self.key = self.key_of(ALICE)
        self.client.post("/api/grant")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        transport: Any = self.client._transport
        found: T = transport._runner.run(work)
        return found

    def key_of(self, owner: Owner, name: str = "x.txt") -> str:
        return f"{owner.prefix}2026-03-14/r/{name}"

    def damage(self, key: str = "") -> None:
        """Store an object that differs from the file."""
        self.store.put(key or self.key, size=9, crc64=BAD, last_modified=self.clock())

    def refuse(self, key: str = "", **changes: object) -> httpx.Response:
        report = {"key": key or self.key, "size": 9, "crc64": GOOD, **changes}
        return self.client.post("/api/receipts/refused", json=report)

    def confirm(self, crc64: str) -> httpx.Response:
        report = {"key": self.key, "size": 9, "crc64": crc64}
        return self.client.post("/api/receipts", json=report)

    def look_through(self) -> Differences:
        """Reconcile bucket and ledger, and deliver events to hooks."""
        after: Any = self.app.state.uploads

        async def look() -> Differences:
            found: Differences = await after.reconciler.look_through(ALICE)
            while await after.delivery.deliver("told"):
                pass
            return found

        return self.run(look())

    def is_due(self) -> bool:
        """Return whether the server looks through Alice's uploads in its next round."""
        after: Any = self.app.state.uploads

        async def ask() -> bool:
            async with after.database.read() as connection:
                owners = await people.to_reconcile(
                    connection, self.clock(), at_least_every=timedelta(days=1), limit=9
                )
            return ALICE in owners

        return self.run(ask())

    def listed(self) -> list[str]:
        lists = [self.client.get("/api/objects", params={"sort": sort}) for sort in ("key", "name")]
        return [each["key"] for answer in lists for each in answer.json()["objects"]]

    def left(self) -> dict[str, int]:
        self.app.state.uploads.quotas.forget(ALICE)
        found: dict[str, int] = self.client.post("/api/grant").json()["limits"]["quota"]
        return found


@pytest.fixture
def make_world(
    make_app: MakeApp, clock: FakeClock, store: FakeStore, seconds: Seconds
) -> Iterator[Callable[..., World]]:
    quotas = {"quota_bytes_day": 1000, "quota_objects_total": 50}
    options = {**OBJECTS, **quotas, "metrics_token": METRICS_TOKEN, "monotonic": seconds}
    with ExitStack() as made:

        def make(**changes: object) -> World:
            told = Told()
            app = make_app(**{**options, **changes}, hooks={"told": told})
            world = World(app, told, clock, store)
            made.callback(world.client.close)
            return world

        yield make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


def test_r59_what_the_page_refused_is_in_no_list_quota_or_event(world: World) -> None:
    before = world.left()
    world.damage()

    answer = world.refuse(etag=ETAG)
    world.clock.advance(SETTLE_S + 1)
    world.look_through()

    assert (answer.status_code, answer.json()) == (200, {"key": world.key, "outcome": "removed"})
    assert (world.listed(), world.left(), world.told.events) == ([], before, [])
    assert world.store.objects == {}


def test_r59_what_was_recorded_before_it_was_refused_is_taken_back(world: World) -> None:
    before = world.left()
    world.damage()
    world.clock.advance(SETTLE_S + 1)
    world.look_through()
    assert world.listed() == [world.key, world.key]
    assert world.left() != before

    assert world.refuse(etag=ETAG).json()["outcome"] == "removed"
    world.look_through()

    assert (world.listed(), world.left()) == ([], before)
    assert world.told.events == [("uploaded", world.key), ("deleted", world.key)]


def test_what_is_left_is_known_at_once_after_a_refusal(world: World) -> None:
    world.damage()
    world.clock.advance(SETTLE_S + 1)
    world.look_through()
    lefts = [world.left()]

    world.refuse(etag=ETAG)
    lefts.append(world.client.post("/api/grant").json()["limits"]["quota"])

    assert [each["bytes_left"] for each in lefts] == [991, 1000]


def test_r59_nothing_is_recorded_before_the_page_had_time_to_refuse_it(world: World) -> None:
    world.damage()
    world.look_through()
    early = list(world.told.events)
    world.clock.advance(SETTLE_S + 1)

    world.look_through()

    assert (early, world.told.events) == ([], [("uploaded", world.key)])


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "changed"])
def test_t41_who_writes_an_object_again_and_again_is_counted_all_the_same(
    make_world: Callable[..., World], known: bool
) -> None:
    world = make_world(quota_bytes_day=None, quota_bytes_total=1000)
    if known:
        world.store.put(world.key, size=9, crc64=GOOD, last_modified=world.clock())
        world.confirm(GOOD)
    before = world.left()["bytes_left"]
    lefts = []

    for size in (100, 101, 102, 103):
        world.store.put(world.key, size=size, etag=f"{size}", last_modified=world.clock())
        world.look_through()
        lefts.append(world.left()["bytes_left"])
        world.clock.advance(60)

    assert lefts == [before, before, 1000 - 102, 1000 - 103]


def test_processes_that_find_an_object_at_different_times_let_it_wait_until_the_same(
    world: World,
) -> None:
    world.damage()
    waiting = []

    for _ in range(2):
        world.clock.advance(5)
        waiting.append(world.look_through().waiting)
        world.app.state.uploads.reconciler._waiting.clear()

    assert waiting == [{world.key: world.store.objects[world.key].last_modified}] * 2


def test_an_object_that_was_gone_in_between_waits_anew(world: World) -> None:
    for _ in range(2):
        world.damage()
        world.look_through()
        world.store.objects.clear()
        world.clock.advance(SETTLE_S + 1)
        world.look_through()

    assert world.told.events == []


@pytest.mark.parametrize("settle_s", [0, SETTLE_S])
def test_who_stored_something_last_is_looked_through_until_it_has_settled(
    make_world: Callable[..., World], settle_s: int
) -> None:
    with patch("ossferry.uploads.refused.SETTLE", timedelta(seconds=settle_s)):
        world = make_world()
    world.clock.advance(900)
    world.look_through()
    world.store.put(world.key, last_modified=world.clock() + timedelta(seconds=50))
    found = []

    for _ in range(6):
        world.clock.advance(60)
        if world.is_due():
            world.look_through()
        found = world.client.get("/api/objects", params={"sort": "name"}).json()["objects"]

    assert [each["key"] for each in found] == [world.key]


def test_who_has_a_new_object_in_spite_of_old_credentials_is_looked_through_again(
    world: World,
) -> None:
    """As after the ledger was restored from a backup without the newest grant."""
    world.clock.advance(3600)
    world.look_through()
    world.damage()
    world.look_through()
    due = world.is_due()
    world.clock.advance(2 * SETTLE_S)
    world.look_through()

    assert (due, world.is_due()) == (True, False)
    assert world.listed() == [world.key, world.key]


def test_what_waits_for_a_receipt_is_listed_by_key_without_a_checksum(world: World) -> None:
    world.damage()

    by_key, newest = (
        world.client.get("/api/objects", params={"sort": sort}).json()["objects"]
        for sort in ("key", "newest")
    )

    said = [(each["key"], each["crc64"], each["recorded_at"]) for each in by_key]
    assert (said, newest) == ([(world.key, None, None)], [])


def test_what_cannot_be_removed_now_is_hidden_and_removed_later(world: World) -> None:
    world.damage()

    with patch.object(world.store, "delete", side_effect=OssLostError("no-answer")):
        answer = world.refuse()
        hidden = world.listed()
    world.look_through()

    assert (answer.status_code, hidden) == (503, [])
    assert world.key not in world.store.objects
    assert world.told.events == []


def test_t60_a_refused_object_that_cannot_be_removed_stays_hidden_and_ends_nothing(
    world: World,
) -> None:
    world.damage()
    later = world.store.put(world.key_of(ALICE, "y.txt")).key

    with patch.object(world.store, "delete", side_effect=OssRefusedError("AccessDenied", "5C06")):
        answer = world.refuse()
        world.clock.advance(SETTLE_S + 1)
        world.look_through()

    assert (answer.status_code, world.listed()) == (502, [later, later])


def test_an_object_that_replaces_a_refused_one_after_the_list_stays(world: World) -> None:
    world.damage()
    with patch.object(world.store, "delete", side_effect=OssLostError("no-answer")):
        assert world.refuse().status_code == 503
    before = [world.store.objects[world.key]]
    world.store.put(world.key, size=9, crc64=GOOD, etag="2" * 32)

    with patch.object(world.store, "list", side_effect=[before]):
        world.look_through()

    assert world.store.objects[world.key].crc64 == GOOD


def test_an_upload_that_is_sent_again_under_its_key_is_recorded(world: World) -> None:
    world.damage()
    world.refuse()
    world.store.put(world.key, size=9, crc64=GOOD, last_modified=world.clock())

    answer = world.confirm(GOOD)

    assert answer.status_code == 200
    assert world.listed() == [world.key, world.key]


def test_the_same_damage_under_the_same_key_stays_refused(world: World) -> None:
    world.damage()
    world.refuse()
    world.damage()
    world.clock.advance(SETTLE_S + 1)

    world.look_through()

    assert (world.store.objects, world.told.events) == ({}, [])


@pytest.mark.parametrize(
    ("stored", "said", "reason"),
    [(GOOD, {}, "intact"), (BAD, {"etag": "0123"}, "other")],
    ids=["the file itself", "another object"],
)
def test_an_object_that_is_no_damaged_upload_stays(
    world: World, stored: str, said: dict[str, object], reason: str
) -> None:
    world.store.put(world.key, size=9, crc64=stored, last_modified=world.clock())

    answer = world.refuse(world.key, **said)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "upload-stands")
    assert (problem["reason"], problem["stored"]["crc64"]) == (reason, stored)
    assert world.key in world.store.objects


def test_what_a_receipt_has_confirmed_cannot_be_refused(world: World) -> None:
    world.damage()
    world.confirm(BAD)

    answer = world.refuse()

    assert (answer.status_code, answer.json()["reason"]) == (409, "confirmed")
    assert world.listed() == [world.key, world.key]


def test_t54_nobody_hides_what_is_not_theirs(world: World) -> None:
    others = world.key_of(BOB)
    world.damage(others)

    answer = world.refuse(others)

    assert (answer.status_code, answer.json()["code"]) == (403, "foreign-key")
    assert others in world.store.objects


@pytest.mark.parametrize(
    ("s", "status"),
    [(-3600, 403), (-600, 200), (1500, 200), (3600, 403)],
    ids=["before", "clocks differ", "last request", "after"],
)
def test_t54_nobody_hides_what_was_not_stored_with_their_credentials(
    world: World, s: int, status: int
) -> None:
    at = world.clock() + timedelta(seconds=s)
    world.store.put(world.key, size=9, crc64=BAD, last_modified=at)

    answer = world.refuse(etag=ETAG)

    assert (answer.status_code, answer.json().get("code")) == (
        status,
        "foreign-key" if status == 403 else None,
    )
    assert (world.key in world.store.objects) == (status == 403)


@pytest.mark.parametrize("is_recorded", [True, False])
def test_t44_without_an_etag_only_what_waits_for_a_receipt_is_taken_away(
    world: World, is_recorded: bool
) -> None:
    young, old = world.key_of(ALICE, "young.txt"), world.key
    world.damage(old)
    world.clock.advance(SETTLE_S + 1)
    if is_recorded:
        world.look_through()
    world.damage(young)
    world.clock.advance(SETTLE_S - 1)

    settled = world.refuse(old)

    assert world.refuse(young).json()["outcome"] == "removed"
    assert (settled.status_code, settled.json()["reason"]) == (409, "settled")
    assert list(world.store.objects) == [old]


def test_refusing_again_changes_nothing(world: World) -> None:
    world.damage()
    world.refuse()

    assert world.refuse().json()["outcome"] == "gone"


def test_refusals_are_counted(world: World) -> None:
    world.damage()
    world.refuse()

    figures = world.client.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert "ossferry_refused_uploads_total 1.0" in figures.text


def test_a_callback_adopts_nothing_that_was_refused(world: World) -> None:
    world.damage()
    world.refuse()
    world.damage()
    after: Any = world.app.state.uploads

    async def replayed() -> str:
        try:
            await after.recorder.record(ALICE, world.store.objects[world.key], source="callback")
        except Exception as error:
            return getattr(error, "code", "")
        return "recorded"

    assert world.run(replayed()) == "not-stored"


@pytest.mark.parametrize("etag", [5, "x" * 101], ids=["a number", "too long"])
def test_a_refusal_with_an_odd_etag_is_refused(world: World, etag: object) -> None:
    world.damage()

    assert world.refuse(etag=etag).status_code == 400
    assert world.key in world.store.objects
