"""The ledger on SQLite and on a real PostgreSQL: related changes are atomic, and none is lost."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from ossferry.errors import LedgerLostError, SettingsError
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, leases, outbox, people, receipts, shares, sign_outs
from ossferry.ledger.database import check_ledger
from ossferry.ledger.people import GrantRow
from ossferry.ledger.receipts import Receipt, Undo
from ossferry.ledger.shares import Share
from ossferry.ledger.standing import Quota, set_quota, standing
from ossferry.ledger.tables import metadata
from ossferry.oss.objects import Stored
from support import ledgers
from support.ledgers import NOW, opened, owner, stored, used
from support.postgres import WITH_PASSWORD, Postgres
from support.programs import free_port

ALICE = owner()
VECTORS = Path(__file__).parents[2] / "vectors"
KEY = f"{ALICE.prefix}2026-03-14/r/x.txt"


async def record(database: Database, key: str = KEY, **changes: Any) -> Receipt:
    return await ledgers.record(database, ALICE, key, **changes)


async def record_many(database: Database, count: int) -> None:
    for number in range(count):
        await record(database, f"{KEY}{'x' * 500}{number}")


async def test_sign_outs_are_forgotten_once_they_do_not_matter(ledger_url: str) -> None:
    async with opened(ledger_url) as database, database.write() as connection:
        await sign_outs.add(connection, "first", now=NOW, until=NOW + timedelta(hours=1))
        later = NOW + timedelta(minutes=59)
        await sign_outs.add(connection, "second", now=later, until=later + timedelta(hours=1))
        known = [await sign_outs.has(connection, each) for each in ("first", "second", "third")]
        later = NOW + timedelta(minutes=61)
        await sign_outs.add(connection, "third", now=later, until=later + timedelta(hours=1))
        after = [await sign_outs.has(connection, each) for each in ("first", "second", "third")]

    assert (known, after) == ([True, True, False], [False, True, True])


async def differences(database: Database) -> list[object]:
    """Return how the tables of a ledger differ from the tables that the code uses."""
    async with database.read() as connection:
        return await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )


async def test_an_upload_is_recorded_and_counted_once(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        answers = await asyncio.gather(*(record(database) for _ in range(20)))
        usage = await used(database, ALICE)

    assert [answer.is_news for answer in answers].count(True) == 1
    assert usage == {"bytes_day": 5, "objects_day": 1, "bytes_total": 5, "objects_total": 1}


CHECKS = {"version": "", "ran": [{"check": "a", "outcome": "passed", "says": "7 列"}]}
OTHERS = {"version": "", "ran": [{"check": "b", "outcome": "error", "says": ""}]}


async def test_the_first_claim_about_an_object_stays_and_ends_with_the_object(
    ledger_url: str,
) -> None:
    async def claims(
        source: str, checks: receipts.Claim | None = None, **changes: Any
    ) -> tuple[receipts.Claim | None, ...]:
        """Return the claim in the answer of a report, and the claim in the ledger afterwards."""
        receipt = await record(database, source=source, checks=checks, **changes)
        async with database.read() as connection:
            found = await receipts.find(connection, KEY)
        return (receipt.checks, found.checks if found else None)

    async with opened(ledger_url) as database:
        told = [
            await claims("callback"),
            await claims("page", CHECKS),
            await claims("found"),
            await claims("page", OTHERS),
        ]
        async with database.write() as connection:
            await receipts.mark_deleted(connection, KEY, now=NOW, undo=None)
        told += [
            await claims("found"),
            await claims("found", size=7, crc64="1"),
            await claims("page", OTHERS, size=7, crc64="1"),
        ]
        usage = await used(database, ALICE)

    expected = [None, CHECKS, CHECKS, CHECKS, CHECKS, None, OTHERS]
    assert told == [(each, each) for each in expected]
    assert (usage["bytes_total"], usage["objects_total"]) == (7, 1)


async def test_what_is_deleted_frees_the_total_but_not_the_day(ledger_url: str) -> None:
    undo = Undo(id="u1", key=KEY, how="trash/x", until=NOW + timedelta(hours=1), size=5)
    async with opened(ledger_url) as database:
        await record(database)
        async with database.write() as connection:
            first = await receipts.mark_deleted(connection, KEY, now=NOW, undo=undo)
            second = await receipts.mark_deleted(connection, KEY, now=NOW, undo=undo)
        gone = await used(database, ALICE)
        async with database.write() as connection:
            found = await receipts.find_undo(connection, NOW, undo_id="u1")
            late = await receipts.find_undo(connection, NOW + timedelta(hours=2), undo_id="u1")
            await receipts.undone(connection, undo)
            await receipts.undone(connection, undo)
        back = await used(database, ALICE)

    assert (first, second, found, late) == (True, False, undo, None)
    assert (gone["bytes_total"], gone["bytes_day"]) == (0, 5)
    assert (back["bytes_total"], back["objects_total"]) == (5, 1)


async def test_a_grant_is_noted_once_and_its_end_only_moves_forward(ledger_url: str) -> None:
    def grant(name: str, minutes: int) -> GrantRow:
        end = NOW + timedelta(minutes=minutes)
        return GrantRow(session_name=name, key_last4="0001", issued_at=NOW, expires_at=end)

    async with opened(ledger_url) as database:
        async with database.write() as connection:
            noted = [
                await people.note_grant(connection, ALICE, grant("s1", 15)),
                await people.note_grant(connection, ALICE, grant("s1", 15)),
                await people.note_grant(connection, ALICE, grant("s2", 5)),
            ]
            await people.reconciled(connection, ALICE.hash, NOW + timedelta(minutes=10))
        day = timedelta(days=1)
        async with database.read() as connection:
            open_ = await people.to_reconcile(connection, NOW, at_least_every=day, limit=9)
        async with database.write() as connection:
            await people.reconciled(connection, ALICE.hash, NOW + timedelta(minutes=16))
        async with database.read() as connection:
            done = await people.to_reconcile(connection, NOW, at_least_every=day, limit=9)
            later = await people.to_reconcile(
                connection, NOW + timedelta(days=2), at_least_every=day, limit=9
            )

    assert noted == [True, False, True]
    assert (list(open_), list(done), list(later)) == ([ALICE], [], [ALICE])


async def test_the_id_of_a_principal_follows_with_the_next_grant(ledger_url: str) -> None:
    grant = GrantRow(session_name="s1", key_last4="0001", issued_at=NOW, expires_at=NOW)
    ids = []
    async with opened(ledger_url) as database:
        for id_ in ("alice@school", "a\0b"):
            async with database.write() as connection:
                await people.note_grant(connection, replace(ALICE, id=id_), grant)
                found = await people.owner_of_key(connection, KEY)
            ids.append(found and found.id)

    assert ids == ["alice@school", ""]


async def test_a_principal_who_is_forgotten_leaves_no_id_and_no_name(ledger_url: str) -> None:
    known = replace(ALICE, id="alice@school")
    event = {"type": "deleted", "principal": asdict(known)}
    async with opened(ledger_url) as database:
        async with database.write() as connection:
            await people.remember(connection, known, NOW, granted_until=NOW)
            for target in ("sent", "waiting"):
                await outbox.add(connection, [target], event, NOW)
            for each in await outbox.claim(connection, NOW, target="sent", hold_s=9, limit=9):
                await outbox.note(connection, each, "delivered")
            forgotten = await people.forget(connection, ALICE.hash)
            unknown = await people.forget(connection, "0" * 16)
        async with database.read() as connection:
            found = await people.owner_of_key(connection, KEY)
            left = (await connection.execute(text("SELECT target FROM deliveries"))).scalars().all()

    assert (forgotten, unknown) == (True, False)
    assert found is not None
    assert (found.id, found.label) == ("", ALICE.hash)
    assert left == ["waiting"]


async def test_somebody_is_found_by_their_keys(ledger_url: str) -> None:
    async with opened(ledger_url) as database, database.read() as connection:
        assert await people.owner_of_key(connection, KEY) == ALICE
        assert await people.owner_of_key(connection, "uploads/alice-xy/x") is None
        assert await people.owner_of_key(connection, "x") is None


async def test_own_limits_and_being_shut_out_are_part_of_the_standing(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        async with database.write() as connection:
            await set_quota(connection, ALICE.hash, Quota(bytes_day=10))
            await set_quota(connection, ALICE.hash, Quota(bytes_day=20))
            await people.set_revoked(connection, ALICE.hash, NOW)
        async with database.read() as connection:
            hers = await standing(connection, ALICE.hash, NOW)
            nobodys = await standing(connection, "f" * 16, NOW)

    assert (hers.own, hers.is_revoked) == (Quota(bytes_day=20), True)
    assert (nobodys.own, nobodys.is_revoked) == (Quota(), False)
    assert set(nobodys.used.values()) == {0}


async def test_receipts_come_in_the_order_of_bytes(ledger_url: str) -> None:
    names = ["B", "a", "a b", "é", "日本"]
    keys = [f"{ALICE.prefix}{name}" for name in names]
    async with opened(ledger_url) as database:
        for key in keys:
            await record(database, key)
        async with database.read() as connection:
            found = await receipts.in_range(connection, ALICE, after=keys[0], until=keys[3])
            rest = await receipts.in_range(connection, ALICE, after=keys[3], until=None)

    assert set(found) == set(keys[1:4])
    assert set(rest) == {keys[4]}


async def test_two_couriers_never_claim_the_same_event(ledger_url: str) -> None:
    async with opened(ledger_url) as database:
        async with database.write() as connection:
            for number in range(20):
                await outbox.add(connection, ["gallery", "other"], {"n": number}, NOW)

        async def claim(at: datetime = NOW, limit: int = 10) -> list[str]:
            async with database.write() as connection:
                found = await outbox.claim(connection, at, target="gallery", hold_s=60, limit=limit)
                assert {each.target for each in found} <= {"gallery"}
                return [each.id for each in found]

        claimed = [id_ for ids in await asyncio.gather(*(claim() for _ in range(4))) for id_ in ids]
        again = await claim(NOW + timedelta(seconds=61), 99)

    assert len(claimed) == len(set(claimed)) == 20
    assert set(again) == set(claimed)


async def test_a_lease_has_one_holder_until_it_ends(ledger_url: str) -> None:
    async with opened(ledger_url) as database:

        async def take(holder: str, seconds: float) -> bool:
            now = NOW + timedelta(seconds=seconds)
            async with database.write() as connection:
                return await leases.take(connection, "work", holder=holder, now=now, hold_s=10)

        taken = [await take(*each) for each in (("a", 0), ("b", 5), ("a", 9), ("b", 18), ("b", 20))]

    assert taken == [True, False, True, False, True]


async def test_links_come_newest_first_page_by_page_and_are_ones_own(ledger_url: str) -> None:
    bob = owner("bob")

    def share(number: int, who: Owner) -> Share:
        return Share(
            id=f"{who.label}{number}",
            key=KEY,
            made_at=NOW + timedelta(seconds=number // 2),  # some in the same second
            expires_at=NOW + timedelta(hours=1),
            disposition="inline",
            process={"format": "webp"},
            note="für Käthe",
        )

    async with opened(ledger_url) as database:
        async with database.write() as connection:
            await people.remember(connection, bob, NOW)
            for number in range(5):
                await shares.add(connection, ALICE, share(number, ALICE))
                await shares.add(connection, bob, share(number, bob))
        async with database.read() as connection:
            first = await shares.page(connection, ALICE, after="", limit=3)
            rest = await shares.page(connection, ALICE, after=first[-1].id, limit=3)
            foreign = await shares.page(connection, ALICE, after="nothing", limit=3)

    assert [each.id for each in (*first, *rest)] == [f"Alice{n}" for n in (4, 3, 2, 1, 0)]
    assert first[0] == share(4, ALICE)
    assert list(foreign) == []


async def test_a_failure_in_the_middle_leaves_nothing_behind(ledger_url: str) -> None:
    async with opened(ledger_url) as database:

        async def fail() -> None:
            async with database.write() as connection:
                new = [(stored(KEY), "")]
                await receipts.record_all(connection, ALICE, new, source="page", now=NOW)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        usage = await used(database, ALICE)
        async with database.read() as connection:
            found = await receipts.find(connection, KEY)

    assert (found, usage["bytes_total"]) == (None, 0)


async def record_all(database: Database, *objects: Stored) -> list[Receipt]:
    async with database.write() as connection:
        return list(
            await receipts.record_all(
                connection, ALICE, [(each, "") for each in objects], source="page", now=NOW
            )
        )


async def test_a_batch_counts_new_changed_and_deleted_uploads_on_their_days(
    ledger_url: str,
) -> None:
    day_before = NOW - timedelta(days=1)
    async with opened(ledger_url) as database:
        for name in ("same", "changed", "deleted"):
            await record(database, KEY + name)
        async with database.write() as connection:
            await receipts.mark_deleted(connection, KEY + "deleted", now=NOW, undo=None)

        found = await record_all(
            database,
            stored(KEY + "new", size=100),
            stored(KEY + "late", size=1000, last_modified=day_before),
            stored(KEY + "same"),
            stored(KEY + "deleted"),
            stored(KEY + "changed", size=7, crc64="1"),
        )
        today, yesterday = [await used(database, ALICE, at) for at in (NOW, day_before)]

    assert [(each.key.removeprefix(KEY), each.is_news) for each in found] == [
        ("changed", True),
        ("deleted", True),
        ("late", True),
        ("new", True),
        ("same", False),
    ]
    assert (today["bytes_day"], today["objects_day"]) == (3 * 5 + 100 + 5 + 7, 6)
    assert (yesterday["bytes_day"], yesterday["objects_day"]) == (1000, 1)
    assert (today["bytes_total"], today["objects_total"]) == (5 + 7 + 5 + 100 + 1000, 5)
    assert dict(found[0].used)["total"] == (today["bytes_total"], today["objects_total"])


async def test_batches_and_single_receipts_of_the_same_uploads_count_them_once(
    ledger_url: str,
) -> None:
    objects = [stored(f"{KEY}{number}") for number in range(200)]
    async with opened(ledger_url) as database:
        await asyncio.gather(
            *(record_all(database, *objects[:: (-1) ** number]) for number in range(8)),
            *(record(database, each.key) for each in objects[::10]),
            *(record(database, each.key) for each in reversed(objects[5::10])),
        )
        usage = await used(database, ALICE)

    assert (usage["objects_total"], usage["bytes_day"]) == (200, 1000)


async def test_a_batch_that_waits_for_an_upload_holds_no_later_one(a_postgres: Postgres) -> None:
    first, second = stored(f"{KEY}1"), stored(f"{KEY}2")
    async with opened(a_postgres.new_database()) as database:

        async def is_blocked() -> bool:
            async with database.read() as connection:
                query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                return bool((await connection.execute(text(query))).scalar_one())

        async with database.write() as connection:
            await receipts.record_all(connection, ALICE, [(first, "")], source="page", now=NOW)
            batch = asyncio.create_task(record_all(database, second, first))
            async with asyncio.timeout(10):
                while not await is_blocked():
                    pass
            await receipts.record_all(connection, ALICE, [(second, "")], source="page", now=NOW)
        found = await batch

    assert [(each.key, each.is_news) for each in found] == [(first.key, False), (second.key, False)]


async def test_several_processes_may_open_it_at_the_same_time(ledger_url: str) -> None:
    databases = [Database(ledger_url) for _ in range(5)]

    async def open_it(database: Database) -> None:
        async with database.write() as connection:
            await people.remember(connection, ALICE, NOW)

    try:
        await asyncio.gather(*(open_it(database) for database in databases))
        usage = await used(databases[0], ALICE)
    finally:
        for database in databases:
            await database.close()

    assert usage["objects_total"] == 0


async def test_several_ledgers_of_one_process_may_be_migrated_at_the_same_time(
    tmp_path: Path,
) -> None:
    async def is_migrated(number: int) -> bool:
        async with opened(f"sqlite:///{tmp_path}/{number}.db") as database:
            revisions = await database.look()
        return revisions.found == revisions.newest

    def is_migrated_in_another_loop(number: int) -> bool:
        return asyncio.run(is_migrated(number))

    answers = await asyncio.gather(
        *(is_migrated(number) for number in range(4)),
        *(asyncio.to_thread(is_migrated_in_another_loop, number) for number in range(4, 8)),
    )

    assert all(answers)


async def test_a_new_database_to_which_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerLostError):
        async with opened(f"sqlite:///{path}", busy_timeout_s=0.1):
            pass
    asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")

    async with opened(f"sqlite:///{path}", busy_timeout_s=30) as database:
        is_news = (await record(database)).is_news

    assert is_news
    other.close()


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [
        ("0008", "has the tables of an older release; start the previous release of ossferry once"),
        ("9999", "was migrated by a newer version; update ossferry"),
    ],
    ids=["older", "newer"],
)
async def test_a_ledger_with_other_tables_is_one_sentence(
    ledger_url: str, revision: str, sentence: str
) -> None:
    async with opened(ledger_url) as database, database.write() as connection:
        change = text("UPDATE alembic_version SET version_num = :revision")
        await connection.execute(change, {"revision": revision})

    with pytest.raises(SettingsError, match=sentence):
        async with opened(ledger_url):
            pass


async def test_a_ledger_of_the_previous_release_keeps_its_rows(tmp_path: Path) -> None:
    file, url = tmp_path / "ledger.db", f"sqlite:///{tmp_path}/ledger.db"
    with closing(sqlite3.connect(file)) as ledger:
        ledger.executescript((VECTORS / "ledger_0009.sql").read_text())
        before = set(ledger.iterdump())

    await check_ledger(url)

    with closing(sqlite3.connect(file)) as ledger:
        now = set(ledger.iterdump())
        longer = {re.sub(r"(,NULL)+\);$", ");", each) for each in now}  # rows with new columns
        gone = {each for each in before - now if re.sub(r"(,NULL)+\);$", ");", each) not in longer}
        assert [each for each in gone if not re.match(r"CREATE TABLE|.*alembic", each)] == []
    async with opened(url) as database:
        found = [each[0] for each in await differences(database) if isinstance(each, tuple)]
        assert {name.partition("_")[0] for name in found} == {"remove"}  # unused columns may stay
        assert not (await record(database)).is_news
        assert (await record(database, f"{KEY}2")).is_news


async def test_a_database_that_is_locked_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with opened(f"sqlite:///{path}", busy_timeout_s=0.1) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerLostError):
            await record(database)
        other.execute("COMMIT")
        other.close()

        assert (await record(database)).is_news


@pytest.mark.parametrize("times", [1, 2, 3])
def test_no_thread_of_a_cancelled_statement_outlives_the_ledger(tmp_path: Path, times: int) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
    slow = text(numbers + " SELECT count(*) FROM n")  # noqa: S608 - constant text

    async def cancel() -> None:
        async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:

            async def read() -> None:
                async with database.read() as connection:
                    await connection.execute(slow)

            reading = asyncio.create_task(read())
            await asyncio.sleep(0.05)
            for _ in range(times):  # as `anyio` repeats a cancellation
                reading.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([reading])

    before = set(threading.enumerate())
    asyncio.run(cancel())

    new = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in new if "connection_worker" in name]  # others may start threads


async def test_a_database_that_is_full_is_unavailable(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/ledger.db") as database:
        async with database.read() as connection:
            pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(LedgerLostError):
            await record_many(database, 500)
        usage = await used(database, ALICE)
        async with database.read() as connection:
            held = await receipts.in_range(connection, ALICE, after="", until=None)

    assert usage["objects_total"] == len(held)


def test_a_folder_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"the folder .*/nowhere does not exist; create it"):
        Database(f"sqlite:///{tmp_path}/nowhere/ledger.db")


async def test_an_address_may_say_what_libpq_knows(a_postgres: Postgres) -> None:
    url = f"{a_postgres.new_database()}?sslmode=prefer&application_name=uploads"

    async with opened(url) as database, database.read() as connection:
        name = await connection.scalar(text("SHOW application_name"))

    assert name == "uploads"


@pytest.mark.parametrize(
    ("user", "name", "reason", "cause"),
    [
        (
            f"{WITH_PASSWORD}:not-the-password",
            "postgres",
            "InvalidPasswordError",
            f'password authentication failed for user "{WITH_PASSWORD}"',
        ),
        (
            "nobody",
            "postgres",
            "InvalidAuthorizationSpecificationError",
            'role "nobody" does not exist',
        ),
        ("postgres", "nowhere", "InvalidCatalogNameError", 'database "nowhere" does not exist'),
    ],
    ids=["password", "role", "database"],
)
async def test_the_log_says_why_postgresql_refuses_the_server(
    a_postgres: Postgres,
    caplog: pytest.LogCaptureFixture,
    user: str,
    name: str,
    reason: str,
    cause: str,
) -> None:
    a_postgres.ask(f"DROP ROLE IF EXISTS {WITH_PASSWORD}")
    a_postgres.ask(f"CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD 'the-password'")
    address = a_postgres.new_database().replace("postgres@", f"{user}@")

    await check_ledger(f"{address.rpartition('/')[0]}/{name}")

    lines = [json.loads(each) for each in caplog.messages]
    assert [line["event"] for line in lines] == ["ledger-lost", "ledger-unreachable"]
    assert {(line["error"], line["cause"]) for line in lines} == {(reason, cause)}
    assert "not-the-password" not in caplog.text


@pytest.mark.parametrize(
    ("make", "reason", "cause"),
    [
        (Path.mkdir, "OperationalError", "unable to open database file"),
        (
            lambda path: path.write_text("no tables" * 100),
            "DatabaseError",
            "file is not a database",
        ),
    ],
    ids=["folder", "text"],
)
def test_the_log_has_the_words_of_sqlite(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], object],
    reason: str,
    cause: str,
) -> None:
    make(tmp_path / "x.db")

    for _ in range(20):  # a thread of the driver that outlives the loop fails only sometimes
        asyncio.run(check_ledger(f"sqlite:///{tmp_path}/x.db"))

    lines = [json.loads(each) for each in caplog.messages]
    assert {(line["error"], line["cause"]) for line in lines} == {(reason, cause)}


@pytest.mark.parametrize("which", ["folder", "file"])
async def test_a_ledger_that_the_servers_user_cannot_write_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    ledger = tmp_path / "ledger.db"
    if which == "file":
        await check_ledger(f"sqlite:///{ledger}")
    read_only = {"folder": tmp_path, "file": ledger}[which]
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != read_only)

    with pytest.raises(SettingsError, match=f"the user of this process cannot write {read_only};"):
        await check_ledger(f"sqlite:///{ledger}")


async def test_the_log_says_that_nothing_listens_at_the_address_of_the_ledger(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await check_ledger(f"postgresql://ossferry@127.0.0.1:{free_port()}/ossferry")

    line = json.loads(caplog.messages[0])
    assert line["error"] == "ConnectionRefusedError"
    assert line["cause"].startswith("ConnectionRefusedError: Connect call failed")


async def test_the_first_grants_of_one_person_may_come_at_the_same_time(ledger_url: str) -> None:
    async def grant(database: Database, who: Owner, number: int) -> bool:
        row = GrantRow(
            session_name=f"{who.hash}-{number}",
            key_last4="abcd",
            issued_at=NOW,
            expires_at=NOW + timedelta(minutes=number),
        )
        async with database.write() as connection:
            return await people.note_grant(connection, who, row)

    async with opened(ledger_url) as database:
        for name in (f"person-{number}" for number in range(20)):
            who = Owner(hash=name, label=name, prefix=f"uploads/{name}/")
            assert all(await asyncio.gather(*(grant(database, who, n) for n in range(8))))
        async with database.read() as connection:
            until = await connection.execute(
                text("SELECT DISTINCT granted_until FROM principals WHERE hash LIKE 'person-%'")
            )
            assert len(until.all()) == 1


WRITER = """
import asyncio, sys
from ossferry.ledger import Database
from support.ledgers import owner, record

async def main(url, name):
    database, alice = Database(url), owner()
    for number in range(100_000):
        key = f"{alice.prefix}{name}/{number}"
        await record(database, alice, key)
        print(key, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_killed_processes_have_lost_no_answered_row(
    ledger_url: str, make_writer: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    async with opened(ledger_url) as database:
        writers = [make_writer(name) for name in ("one", "two")]
        answered = []
        for writer in writers:
            assert writer.stdout is not None
            answered += [writer.stdout.readline().strip() for _ in range(30)]
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            with writer:
                assert writer.stdout is not None
                lines = writer.stdout.read().splitlines(keepends=True)
            answered += [line.strip() for line in lines if line.endswith("\n")]
        async with database.read() as connection:
            held = await receipts.in_range(connection, ALICE, after="", until=None)
        usage = await used(database, ALICE)

    assert len(answered) >= 60
    assert set(answered) <= set(held)
    assert usage["objects_total"] == len(held)


@pytest.fixture
def make_writer(ledger_url: str) -> Callable[[str], "subprocess.Popen[str]"]:
    """Return a function that starts a process that records uploads and prints them."""
    root = Path(__file__).parents[3]
    paths = os.pathsep.join([str(root / "server"), str(root / "tests")])

    def start(name: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", WRITER, ledger_url, name],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    return start
