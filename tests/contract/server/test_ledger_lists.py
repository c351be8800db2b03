"""Searches of the ledger on SQLite and on a real PostgreSQL: words, orders, identical files,
undo.
"""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ossferry.identity.owner import Owner
from ossferry.ledger import Database, listing, receipts
from ossferry.ledger.receipts import Undo
from support import ledgers
from support.ledgers import NOW, opened, owner

ALICE, BOB = owner(), owner("bob")
RANDOM = "ab" * 16
NAMES = ("b.txt", "B.txt", "a b.txt", "10%.txt", "Maße/GRÖSSE.txt", "日本/港.jpg", "x_y/z.txt")


def key_of(name: str, who: Owner = ALICE) -> str:
    return f"{who.prefix}2026-03-14/{RANDOM}/{name}"


async def record(database: Database, name: str, who: Owner = ALICE, **changes: Any) -> str:
    return (await ledgers.record(database, who, key_of(name, who), **changes)).key


async def delete(database: Database, key: str, *, undo_id: str, seconds: int = 0) -> None:
    now = NOW + timedelta(seconds=seconds)
    undo = Undo(id=undo_id, key=key, how="trash/x", until=NOW + timedelta(hours=1), size=5)
    async with database.write() as connection:
        await receipts.mark_deleted(connection, key, now=now, undo=undo)


async def names(
    database: Database, words: str = "", sort: str = "key", after: str = "", limit: int = 99
) -> list[str] | None:
    async with database.read() as connection:
        found = await listing.page(
            connection, ALICE, words=words, sort=sort, after=after, limit=limit
        )
    if found is None:
        return None
    return [listed.key.partition(f"{RANDOM}/")[2] for listed, _ in found]


@pytest.mark.parametrize("sort", ["newest", "size", "name"])
async def test_what_arrived_together_comes_by_name_and_not_by_chance(
    ledger_url: str, sort: str
) -> None:
    keys = [f"{ALICE.prefix}2026-03-14/{chance * 32}/trip/{chance}.txt" for chance in "fa0c"]
    same = [f"{ALICE.prefix}2026-03-14/{chance * 32}/trip/0.txt" for chance in "ba"]
    async with opened(ledger_url) as database:
        for key in keys + same:
            await ledgers.record(database, ALICE, key)
        found: list[str] = []
        async with database.read() as connection:
            while page := await listing.page(
                connection, ALICE, words="", sort=sort, after=found[-1] if found else "", limit=1
            ):
                found += [listed.key for listed, _ in page]

    assert found == [keys[2], same[1], same[0], keys[1], keys[3], keys[0]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("key", [3, 1, 4, 2, 0, 6, 5]),
        ("newest", [6, 3, 4, 5, 2, 1, 0]),
        ("name", [3, 2, 1, 0, 4, 6, 5]),
        ("size", [6, 4, 5, 3, 2, 1, 0]),
    ],
)
async def test_every_order_goes_on_over_pages(
    ledger_url: str, sort: str, expected: list[int]
) -> None:
    async with opened(ledger_url) as database:
        for number, name in enumerate(NAMES):
            at = NOW + timedelta(seconds=number // 3)
            await record(database, name, size=number // 2, last_modified=at)
        whole = await names(database, sort=sort) or []
        paged: list[str] = []
        while page := await names(
            database, sort=sort, after=key_of(paged[-1]) if paged else "", limit=2
        ):
            paged += page

    assert paged == whole
    assert [NAMES.index(name) for name in whole] == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("B.TXT", ["B.txt", "a b.txt", "b.txt"]),
        ("txt B a", ["a b.txt"]),
        ("größe", ["Maße/GRÖSSE.txt"]),
        ("MASSE", ["Maße/GRÖSSE.txt"]),
        ("gro\u0308sse", ["Maße/GRÖSSE.txt"]),
        ("港", ["日本/港.jpg"]),
        ("日本/", ["日本/港.jpg"]),
        ("%", ["10%.txt"]),
        ("_", ["x_y/z.txt"]),
        ("\\", []),
        ("' OR 1", []),
        ("abab", []),
    ],
)
async def test_every_word_is_sought_as_it_stands_in_whatever_case(
    ledger_url: str, words: str, expected: list[str]
) -> None:
    async with opened(ledger_url) as database:
        for name in NAMES:
            await record(database, name)
            await record(database, name, BOB)

        assert await names(database, words) == expected


async def test_a_page_goes_on_after_what_was_deleted_and_not_after_anothers(
    ledger_url: str,
) -> None:
    async with opened(ledger_url) as database:
        keys = [await record(database, f"{number}.txt") for number in range(4)]
        foreign = await record(database, "0.txt", BOB)
        await delete(database, keys[1], undo_id="u1")

        assert await names(database, "txt", after=keys[1]) == ["2.txt", "3.txt"]
        assert await names(database, "txt") == ["0.txt", "2.txt", "3.txt"]
        assert await names(database, "txt", after=foreign) is None


async def test_the_same_file_is_found_latest_first_and_nothing_that_differs(
    ledger_url: str,
) -> None:
    async def same(database: Database, path: str = "Maße/x.txt", **asked: object) -> list[str]:
        wanted = {"size": 5, "crc64": "4041730234", **asked}
        async with database.read() as connection:
            return list(await receipts.identical(connection, ALICE, path=path, **wanted))  # type: ignore[arg-type] # as the tests give them

    older, newer = (f"{ALICE.prefix}2026-03-1{day}/{RANDOM}/Maße/x.txt" for day in (2, 3))
    async with opened(ledger_url) as database:
        for key, seconds in ((older, 0), (newer, 1)):
            at = NOW + timedelta(seconds=seconds)
            await ledgers.record(database, ALICE, key, last_modified=at)
        await record(database, "Maße/x.txt", BOB)
        await record(database, "MASSE/X.txt")

        assert await same(database) == [newer, older]
        assert await same(database, "masse/x.txt") == []
        assert await same(database, "x.txt") == []
        assert await same(database, size=6) == []
        assert await same(database, crc64="1") == []
        await delete(database, newer, undo_id="u1")
        assert await same(database) == [older]


async def test_the_latest_upload_with_a_name_is_found_also_if_it_is_held(ledger_url: str) -> None:
    older, newer = (f"{ALICE.prefix}2026-03-1{day}/{RANDOM}/Maße/x.txt" for day in (3, 2))
    grows = [chr(code) for code in (*range(0x1D160, 0x1D165), *range(0x1D1BD, 0x1D1C1))]
    odd = "".join(Random(1).choices(grows, k=230))  # as long as a path can be; folded thrice that
    async with opened(ledger_url) as database:
        await ledgers.record(database, ALICE, older)
        await ledgers.record(database, ALICE, newer, last_modified=NOW + timedelta(seconds=1))
        other_case = await record(database, "MASSE/X.txt", last_modified=NOW + timedelta(seconds=2))
        await record(database, "b.txt", BOB)
        await delete(database, await record(database, "gone.txt"), undo_id="u1")
        await record(database, odd)
        held = (await ledgers.hold(database, ALICE, key_of("held.txt"))).key
        asked = ["Maße/x.txt", "x.txt", "MASSE/X.txt", "b.txt", "gone.txt", "held.txt", odd, "../b"]
        async with database.read() as connection:
            found = await listing.newest(connection, ALICE, asked)

    assert {path: listed.key for path, (listed, _) in found.items()} == {
        "Maße/x.txt": newer,
        "MASSE/X.txt": other_case,
        "held.txt": held,
        odd: key_of(odd),
    }


async def test_renamed_uploads_are_sorted_and_found_by_their_new_names(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        keys = [await record(database, name) for name in ("a.txt", "b.txt", "c.txt")]
        await ledgers.hold(database, ALICE, key_of("d.txt"))
        async with database.write() as connection:
            wishes = [(ALICE, keys[0], None), (BOB, keys[1], None), (ALICE, keys[2], "Straße")]
            done = [
                await receipts.rename(connection, who, key, folder=folder, name="Z.txt")
                for who, key, folder in wishes
            ]

        whole = await names(database, sort="name")
        assert done == [True, False, True]
        assert whole == ["b.txt", "d.txt", "c.txt", "a.txt"]
        assert await names(database, sort="name", after=keys[2]) == ["a.txt"]
        assert await names(database, "strasse z") == ["c.txt"]
        async with database.read() as connection:
            asked = ["a.txt", "Z.txt", "b.txt", "Straße/Z.txt", "c.txt", "strasse/z.txt"]
            taken = await listing.newest(connection, ALICE, asked)
        assert {path: listed.key for path, (listed, _) in taken.items()} == dict(
            zip(("Z.txt", "b.txt", "Straße/Z.txt"), keys, strict=True)
        )
        await record(database, "c.txt", size=7, crc64="1")
        assert await names(database, "strasse z") == ["c.txt"]


async def test_what_can_come_back_is_listed_last_deleted_first(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        for number in range(5):  # two in each second
            key = await record(database, f"{number}.txt")
            await delete(database, key, undo_id=f"u{number}", seconds=number // 2)
        await delete(database, await record(database, "x.txt", BOB), undo_id="u9")

        async def page(after: object = None, seconds: int = 0) -> list[tuple[object, str]]:
            async with database.read() as connection:
                found = await listing.deleted_page(
                    connection,
                    ALICE,
                    now=NOW + timedelta(seconds=seconds),
                    after=after,  # type: ignore[arg-type] # cursor of the previous page
                    limit=3,
                )
            return [(each.deleted_at, each.undo.id) for each in found]

        first = await page()
        rest = await page(first[-1])
        late = await page(seconds=3600)

    assert [id_ for _, id_ in first + rest] == ["u4", "u3", "u2", "u1", "u0"]
    assert late == []
