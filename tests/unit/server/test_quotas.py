"""Quotas: no grant for a principal whose quota is used up."""

import asyncio
from dataclasses import fields
from functools import partial
from typing import Any

import httpx
import pytest

from ossferry.authentication.demo import DEMO_USERS
from ossferry.errors import LedgerLostError
from ossferry.identity.owner import Owner, owner_of
from ossferry.ledger import Database
from ossferry.ledger.standing import Quota, Standing, set_quota
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Left, Quotas
from support.ledgers import opened
from support.rate_windows import Seconds
from support.server_fakes import ALICE, OBJECTS, SECRET, FakeClock, FakeStore, FakeSts, MakeClient


@pytest.fixture
def client_with(make_client: MakeClient, seconds: Seconds) -> MakeClient:
    """Return a function that creates a client of a server with quotas."""
    return partial(make_client, **OBJECTS, monotonic=seconds)


def upload(client: httpx.Client, store: FakeStore, owner: Owner, name: str, size: int) -> Any:
    stored = store.put(f"{owner.prefix}2026-03-14/r/{name}", size=size)
    report = {"key": stored.key, "size": size, "crc64": stored.crc64, "request_id": None}
    answer = client.post("/api/receipts", json=report)
    assert answer.status_code == 200
    return answer.json()["quota"]


def give(settings: Settings, owner: Owner, own: Quota, seconds: Seconds) -> None:
    """Set limits for one principal, as another process does, and wait until the server knows."""

    async def write() -> None:
        async with opened(settings.ledger_url) as database, database.write() as connection:
            await set_quota(connection, owner.hash, own)

    asyncio.run(write())
    seconds.now += 2.1


@pytest.mark.parametrize(
    ("limit", "allowed", "used", "frees_at"),
    [
        ("bytes_day", 10, 12, "2026-03-15T00:00:00Z"),
        ("objects_day", 2, 2, "2026-03-15T00:00:00Z"),
        ("bytes_total", 12, 12, None),
        ("objects_total", 1, 2, None),
    ],
)
def test_who_has_used_it_up_is_told_how_much_and_until_when(
    client_with: MakeClient,
    store: FakeStore,
    sts: FakeSts,
    limit: str,
    allowed: int,
    used: int,
    frees_at: str | None,
) -> None:
    client = client_with(**{f"quota_{limit}": allowed})
    upload(client, store, ALICE, "a", 5)
    upload(client, store, ALICE, "b", 7)

    answer = client.post("/api/grant")

    expected = {"limit": limit, "used": used, "allowed": allowed, "frees_at": frees_at}
    assert (answer.status_code, answer.json()["quota"]) == (429, expected)
    assert answer.json()["prefix"] == ALICE.prefix
    assert answer.headers.get("retry-after") == (None if frees_at is None else "52387")
    assert sts.calls == []


def test_the_day_ends_at_midnight_utc(
    client_with: MakeClient, store: FakeStore, clock: FakeClock, seconds: Seconds
) -> None:
    client = client_with(quota_bytes_day=5)
    upload(client, store, ALICE, "a", 5)
    refused = client.post("/api/grant").status_code

    clock.advance(52387)
    seconds.now += 52387

    assert (refused, client.post("/api/grant").status_code) == (429, 200)


@pytest.mark.parametrize(("day", "total"), [(1, 3), (3, 1)])
def test_the_last_object_may_have_any_size(client_with: MakeClient, day: int, total: int) -> None:
    client = client_with(quota_objects_day=day, quota_objects_total=total)

    assert client.post("/api/form", json={"name": "a", "size": 100}).status_code == 200
    left = client.post("/api/grant").json()["limits"]["quota"]
    assert left == {"bytes_left": None, "objects_left": 1}


@pytest.mark.parametrize("span", ["day", "total"])
def test_a_byte_that_is_left_may_be_used(client_with: MakeClient, span: str) -> None:
    client = client_with(**{f"quota_bytes_{span}": 1})

    assert client.post("/api/grant").status_code == 200
    assert client.post("/api/form", json={"name": "a", "size": 1}).status_code == 200


def test_a_receipt_says_what_is_left_down_to_nothing(
    client_with: MakeClient, store: FakeStore
) -> None:
    client = client_with(quota_bytes_day=100, quota_bytes_total=10, quota_objects_total=3)

    said = [upload(client, store, ALICE, name, 4) for name in ("a", "a", "b", "c", "d")]

    assert [(left["bytes_left"], left["objects_left"]) for left in said] == [
        (6, 2),
        (6, 2),
        (2, 1),
        (0, 0),
        (0, 0),
    ]


def test_a_receipt_of_what_took_anothers_place_counts_only_what_is_there(
    client_with: MakeClient, store: FakeStore
) -> None:
    client = client_with(quota_bytes_total=10)
    upload(client, store, ALICE, "a", 4)

    assert upload(client, store, ALICE, "a", 7) == {"bytes_left": 3, "objects_left": None}
    assert client.post("/api/grant").json()["limits"]["quota"]["bytes_left"] == 3


def test_a_quota_of_nothing_lets_nobody_in(client_with: MakeClient) -> None:
    assert client_with(quota_objects_total=0).post("/api/grant").status_code == 429


@pytest.mark.parametrize("unit", ["bytes", "objects"])
@pytest.mark.parametrize("span", ["day", "total"])
def test_t41_a_quota_of_ones_own_may_be_nothing(
    client_with: MakeClient, settings: Settings, seconds: Seconds, unit: str, span: str
) -> None:
    limit = f"{unit}_{span}"
    client = client_with(**{f"quota_{limit}": 100})
    before = client.post("/api/grant").status_code
    give(settings, ALICE, Quota(**{limit: 0}), seconds)

    answer = client.post("/api/grant")
    client.post("/demo/user", json={"user": "bob"})

    assert (before, answer.status_code, client.post("/api/grant").status_code) == (200, 429, 200)
    assert (answer.json()["quota"]["limit"], answer.json()["quota"]["allowed"]) == (limit, 0)


def test_a_quota_of_ones_own_comes_before_the_common_one_and_others_stay(
    client_with: MakeClient, settings: Settings, seconds: Seconds
) -> None:
    client = client_with(quota_bytes_day=100, quota_objects_total=7)
    client.post("/api/grant")
    left = []
    for own in (Quota(bytes_day=5), Quota(bytes_day=500), Quota()):
        give(settings, ALICE, own, seconds)
        left.append(client.post("/api/grant").json()["limits"]["quota"])

    assert left == [{"bytes_left": each, "objects_left": 7} for each in (5, 500, 100)]


def test_a_reused_grant_is_refused_too(client_with: MakeClient, store: FakeStore) -> None:
    client = client_with(quota_bytes_total=5)
    assert client.post("/api/grant").status_code == 200
    upload(client, store, ALICE, "a", 5)

    assert client.post("/api/grant").status_code == 429
    assert client.get("/get_sts_token").status_code == 429


def test_another_process_notices_within_two_seconds(
    client_with: MakeClient, store: FakeStore, seconds: Seconds
) -> None:
    here, there = client_with(quota_bytes_total=5), client_with(quota_bytes_total=5)
    assert there.post("/api/grant").status_code == 200
    upload(here, store, ALICE, "a", 5)

    statuses = []
    for wait_s in (1.9, 0.1):  # exactly two seconds
        seconds.now += wait_s
        statuses.append(there.post("/api/grant").status_code)

    assert statuses == [200, 429]


def test_of_too_many_cached_principals_the_latest_stays(
    client_with: MakeClient, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossferry.uploads.quotas.MAX_KEPT", 1)
    here, there = client_with(quota_bytes_total=5), client_with(quota_bytes_total=5)
    there.post("/api/grant")
    there.post("/demo/user", json={"user": "bob"})
    there.post("/api/grant")
    for name in DEMO_USERS:
        owner = owner_of(DEMO_USERS[name], secret=SECRET)
        here.post("/demo/user", json={"user": name})
        upload(here, store, owner, "a", 5)

    bob = there.post("/api/grant").status_code
    there.post("/demo/user", json={"user": "alice"})

    assert (bob, there.post("/api/grant").status_code) == (200, 429)


def test_bob_is_not_refused_for_alice(client_with: MakeClient, store: FakeStore) -> None:
    client = client_with(quota_bytes_total=5)
    upload(client, store, ALICE, "a", 5)
    client.post("/demo/user", json={"user": "bob"})

    assert client.post("/api/grant").status_code == 200


def test_what_was_deleted_comes_back_only_where_there_is_room(
    client_with: MakeClient, store: FakeStore
) -> None:
    client = client_with(quota_objects_total=2, quota_bytes_total=1000)
    for name in ("a", "b"):
        upload(client, store, ALICE, name, 40)
    key = f"{ALICE.prefix}2026-03-14/r/a"
    undo = client.delete(f"/api/objects/{key}").json()["undo"]["id"]
    upload(client, store, ALICE, "c", 40)

    refused = client.post("/api/objects/undo", json={"id": undo})
    there = key in store.objects
    client.delete(f"/api/objects/{ALICE.prefix}2026-03-14/r/b")
    back = client.post("/api/objects/undo", json={"id": undo})

    assert (refused.status_code, refused.json()["code"], there) == (429, "quota-exceeded", False)
    assert refused.json()["quota"] == {
        "limit": "objects_total",
        "used": 2,
        "allowed": 2,
        "frees_at": None,
    }
    assert (back.status_code, back.json()["key"]) == (200, key)


def test_bytes_that_do_not_fit_do_not_come_back(client_with: MakeClient, store: FakeStore) -> None:
    client = client_with(quota_bytes_total=100)
    upload(client, store, ALICE, "a", 60)
    key = f"{ALICE.prefix}2026-03-14/r/a"
    undo = client.delete(f"/api/objects/{key}").json()["undo"]["id"]
    upload(client, store, ALICE, "b", 41)

    refused = client.post("/api/objects/undo", json={"id": undo})

    assert (refused.status_code, refused.json()["quota"]["limit"]) == (429, "bytes_total")


def test_a_day_that_is_used_up_lets_back_what_was_counted_before(
    client_with: MakeClient, store: FakeStore
) -> None:
    client = client_with(quota_objects_day=1)
    upload(client, store, ALICE, "a", 5)
    key = f"{ALICE.prefix}2026-03-14/r/a"
    undo = client.delete(f"/api/objects/{key}").json()["undo"]["id"]

    assert client.post("/api/objects/undo", json={"id": undo}).status_code == 200


class Ledger:
    """Quotas of a ledger that answers only the first question, and the moments of all questions."""

    def __init__(self, settings: Settings, clock: FakeClock) -> None:
        self.asked_at: list[float] = []
        self.now = 0.0
        self._database = Database(settings.ledger_url)
        self.quotas = Quotas(settings, self._database, clock=clock, monotonic=lambda: self.now)

    async def standing(self, *_: Any) -> Standing:
        self.asked_at.append(self.now)
        if self.now:
            raise LedgerLostError("The ledger does not answer.")
        nothing = dict.fromkeys((each.name for each in fields(Quota)), 0)
        own = Quota(bytes_total=100)
        return Standing(used=nothing, own=own, is_revoked=False)

    async def admit_at(self, owner: Owner, *moments: float) -> list[Left | None]:
        """Return what is left at each moment."""
        answers = []
        try:
            for self.now in moments:
                answers.append(await self.quotas.admit(owner, size=1))
        finally:
            await self._database.close()
        return answers


@pytest.fixture
def ledger(settings: Settings, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger(settings, clock)
    monkeypatch.setattr("ossferry.uploads.quotas.standing", ledger.standing)
    return ledger


def test_a_ledger_that_is_away_is_asked_every_two_seconds(ledger: Ledger) -> None:
    answers = asyncio.run(ledger.admit_at(ALICE, 0, 2, 3.9, 4, 5.9))

    assert answers == [{"bytes_left": 100, "objects_left": None}] * 5
    assert ledger.asked_at == [0, 2, 4]


async def test_the_last_known_usage_counts_for_exactly_five_minutes(ledger: Ledger) -> None:
    await ledger.admit_at(ALICE, 0, 300)
    with pytest.raises(LedgerLostError):
        await ledger.admit_at(ALICE, 302)


async def test_the_usage_of_yesterday_is_not_known_today(ledger: Ledger, clock: FakeClock) -> None:
    clock.advance(14 * 3600 + 1986)  # one second before it
    await ledger.admit_at(ALICE, 0, 2)
    clock.advance(1)
    with pytest.raises(LedgerLostError):
        await ledger.admit_at(ALICE, 4)


async def test_a_new_upload_counts_while_the_ledger_is_away(ledger: Ledger) -> None:
    await ledger.admit_at(ALICE, 0)
    ledger.quotas.settle(ALICE, {"total": (30, 1)})

    assert (await ledger.admit_at(ALICE, 2))[0] == {"bytes_left": 70, "objects_left": None}
