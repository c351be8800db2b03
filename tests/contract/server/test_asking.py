"""File requests over loopback, and in the ledgers on SQLite and on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from contract.server.after.test_forms import go_back
from ossferry.asking.folder import acting_for
from ossferry.cli.demo import Demo
from ossferry.ledger import Database, file_requests, holds, people
from ossferry.ledger.file_requests import FileRequest, Guest, Terms
from ossferry.oss.objects import Stored
from support.commands import environment, run
from support.forms import send, shown
from support.ledgers import NOW, opened, owner, stored

ALICE, BOB = owner(), owner("bob")
TERMS: Terms = {
    "title": "Pictures",
    "text": "",
    "fields": [],
    "types": [],
    "max_file_size": 100,
    "max_files": 2,
    "max_guests": 2,
    "checks": None,
    "way": "form",
    "ask_name": True,
    "ask_email": True,
}
ASKED = FileRequest(
    id="1" * 32,
    token_hash="f" * 64,
    terms=TERMS,
    password_hash="",
    made_at=NOW,
    ends_at=NOW + timedelta(days=1),
)
GUS = Guest(
    id="2" * 32, request=ASKED.id, name="Gus", email="gus@example.com", fields={"a": "b"},
    first_at=NOW,
)  # fmt: skip
FOLDER = acting_for(ALICE, ASKED.id, GUS.id).prefix


async def with_guest(database: Database) -> None:
    async with database.write() as connection:
        await file_requests.add(connection, ALICE, ASKED)
        assert await file_requests.enter(connection, GUS, most=2)


async def counted(database: Database, *objects: Stored) -> set[str]:
    """Count and record objects in one transaction, and return the keys above the limits."""
    async with database.write() as connection:
        above = await file_requests.count(connection, ALICE, objects, NOW)
        if kept := [(each, "") for each in objects if each.key not in above]:
            await holds.record_all(connection, ALICE, kept, source="page", now=NOW)
        return above


async def files(database: Database) -> tuple[int, int, object]:
    async with database.read() as connection:
        [asked] = await file_requests.page(connection, ALICE)
    return asked.files, asked.bytes, asked.last_at


@pytest.mark.parametrize("is_held", [False, True], ids=["recorded", "held"])
async def test_many_reports_of_the_same_files_count_each_once(
    ledger_url: str, is_held: bool
) -> None:
    sent = stored(f"{FOLDER}1"), stored(f"{FOLDER}2", size=7)
    one, other = (replace(each, is_held=is_held) for each in sent)
    async with opened(ledger_url) as database:
        await with_guest(database)

        above = await asyncio.gather(*(counted(database, one, other) for _ in range(10)))

        assert above == [set()] * 10
        assert await files(database) == (2, 12, NOW)


async def test_of_concurrent_files_no_more_than_the_number_are_taken(ledger_url: str) -> None:
    sent = [stored(f"{FOLDER}{name}") for name in "abcdefgh"]
    async with opened(ledger_url) as database:
        await with_guest(database)

        above = await asyncio.gather(*(counted(database, each) for each in sent))

        assert sum(map(len, above)) == 6
        assert await files(database) == (2, 10, NOW)


async def test_a_file_that_is_too_large_takes_no_place(ledger_url: str) -> None:
    sent = [stored(f"{FOLDER}1", size=101), stored(f"{FOLDER}2", size=100)]
    async with opened(ledger_url) as database:
        await with_guest(database)

        assert await counted(database, *sent) == {f"{FOLDER}1"}
        assert await files(database) == (1, 100, NOW)


async def test_only_the_owners_own_guests_are_counted(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        await with_guest(database)
        bobs = stored(f"{BOB.prefix}requests/{ASKED.id}/{GUS.id}/x", size=101)
        unknown = stored(f"{ALICE.prefix}requests/{ASKED.id}/{'3' * 32}/x", size=101)
        async with database.write() as connection:
            assert await file_requests.count(connection, BOB, [bobs], NOW) == set()
            assert await file_requests.count(connection, ALICE, [unknown], NOW) == set()

        assert await files(database) == (0, 0, None)


async def test_concurrent_guests_are_no_more_than_were_asked(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        await with_guest(database)

        async def enter(number: int) -> bool:
            guest = replace(GUS, id=f"{number:032x}")
            async with database.write() as connection:
                return await file_requests.enter(connection, guest, most=2)

        entered = await asyncio.gather(*map(enter, range(8)))

        assert entered.count(True) == 1


async def test_who_is_forgotten_takes_their_guests_names_along(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        await with_guest(database)
        async with database.write() as connection:
            await people.forget(connection, ALICE.hash)
        async with database.read() as connection:
            guests = await file_requests.guests_by_id(connection, [GUS.id])

    assert guests[GUS.id] == replace(GUS, name="", email="", fields={})


async def test_the_operator_sees_what_is_open(ledger_url: str) -> None:
    later = NOW + timedelta(seconds=1)
    told = []
    async with opened(ledger_url) as database:
        await with_guest(database)
        await counted(database, stored(f"{FOLDER}1"))
        for closed_at, ends_at in ((None, later), (None, NOW), (NOW, later)):
            async with database.write() as connection:
                values = {"closed_at": closed_at, "ends_at": ends_at}
                await file_requests.change(connection, ALICE, ASKED.id, values)
                found = await file_requests.open_requests(connection, NOW)
            told.append([(owner.label, asked.files, asked.last_at) for asked, owner, _ in found])

    assert told == [[("Alice", 1, NOW)], [], []]


def test_a_guest_without_scripts_sends_a_file_that_the_owner_sees(
    demo: Demo, site: httpx.Client
) -> None:
    html, here = {"accept": "text/html"}, {"origin": demo.url}
    ends_at = (demo.oss.clock.now() + timedelta(days=1)).isoformat()
    made = site.post("/api/requests", json={"title": "Pictures", "ends_at": ends_at}).json()
    path = urlsplit(made["link"]).path
    with httpx.Client(base_url=demo.url, trust_env=False) as guest:
        entered = guest.post(f"{path}/enter", data={"name": "Gus"}, headers=here)
        page = guest.get(entered.headers["location"], headers=html)

        arrived = go_back(guest, send(demo, shown(page.text), b"hello", name="a.txt"))

    assert "Your file has arrived" in arrived.text
    found = site.get(f"/api/requests/{made['id']}/files").json()
    assert [each["name"] for each in found["files"]] == ["a.txt"]
    assert [each["name"] for each in found["guests"].values()] == ["Gus"]
    rows = run("admin", "requests", environment=environment(demo)).rows
    row = next(row for row in rows if row[0] == made["id"])
    assert (row[2:4], row[5:8]) == (["Alice", "Pictures"], ["1", "1", "5"])
