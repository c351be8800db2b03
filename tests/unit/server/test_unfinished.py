"""Unfinished uploads: listed for their owner only, and aborted until OSS has no part left."""

from unittest.mock import AsyncMock

import httpx
import pytest

from ossferry.oss.objects import Part
from ossferry.uploads import unfinished
from support.server_fakes import ALICE, FakeClock, FakeStore

MIB = 1 << 20
SCOPE = {"type": "http", "query_string": b""}


def test_what_is_there_is_told_with_the_latest_first(
    client: httpx.Client, store: FakeStore
) -> None:
    store.begin(f"{ALICE.prefix}2026-03-14/r/a.bin", "A1", [8 * MIB, 8 * MIB, 5])
    store.begin(f"{ALICE.prefix}2026-03-14/r/b.bin", "B1", s=60)

    answer = client.get("/api/unfinished").json()

    assert answer == {
        "uploads": [
            {
                "key": f"{ALICE.prefix}2026-03-14/r/b.bin",
                "name": "b.bin",
                "upload_id": "B1",
                "size": 0,
                "part_size": None,
                "began_at": "2026-03-14T09:01:00Z",
                "last_at": "2026-03-14T09:01:00Z",
            },
            {
                "key": f"{ALICE.prefix}2026-03-14/r/a.bin",
                "name": "a.bin",
                "upload_id": "A1",
                "size": 16 * MIB + 5,
                "part_size": 8 * MIB,
                "began_at": "2026-03-14T09:00:00Z",
                "last_at": "2026-03-14T09:00:03Z",
            },
        ],
        "more": False,
    }


@pytest.mark.parametrize(
    ("parts", "size", "part_size"),
    [
        ({1: MIB, 2: 4 * MIB, 6: 2 * MIB}, 7 * MIB, MIB),
        ({1: MIB, 2: 3 * MIB, 3: MIB, 4: 2 * MIB, 5: 2 * MIB}, (1 + 3 + 2) * MIB, MIB),
        ({7: 5}, 5, None),
    ],
    ids=["larger parts", "bytes in two parts count once", "only what may be the last part"],
)
def test_the_first_part_tells_the_part_size(
    client: httpx.Client,
    store: FakeStore,
    clock: FakeClock,
    parts: dict[int, int],
    size: int,
    part_size: int | None,
) -> None:
    upload = store.begin(f"{ALICE.prefix}x", "A1")
    store.uploads[upload][1].extend(
        Part(number=number, size=each, last_modified=clock()) for number, each in parts.items()
    )

    (found,) = client.get("/api/unfinished").json()["uploads"]

    assert (found["size"], found["part_size"]) == (size, part_size)


def test_of_very_many_only_the_latest_are_looked_at(client: httpx.Client, store: FakeStore) -> None:
    for number in range(unfinished.MAX_SHOWN):
        store.begin(f"{ALICE.prefix}{number}", "A1", s=number)
    just_enough = client.get("/api/unfinished").json()
    for number in range(unfinished.MAX_SHOWN, unfinished.MAX_SHOWN + 7):
        store.begin(f"{ALICE.prefix}{number}", "A1", s=number)
    store.asked.clear()

    answer = client.get("/api/unfinished").json()

    assert [len(each["uploads"]) for each in (just_enough, answer)] == [unfinished.MAX_SHOWN] * 2
    assert [each["more"] for each in (just_enough, answer)] == [False, True]
    assert answer["uploads"][0]["name"] == str(unfinished.MAX_SHOWN + 6)
    assert len(store.asked) == 1 + unfinished.MAX_SHOWN


def test_an_upload_that_ends_while_it_is_looked_at_is_left_out(
    client: httpx.Client, store: FakeStore
) -> None:
    gone, _ = (store.begin(f"{ALICE.prefix}{name}", "A1", [5]) for name in ("gone", "here"))
    begun = [each for each, _ in store.uploads.values()]
    del store.uploads[gone]
    store.begun = AsyncMock(return_value=begun)  # type: ignore[method-assign] # listed before

    found = client.get("/api/unfinished").json()

    assert [each["name"] for each in found["uploads"]] == ["here"]


def test_who_wants_those_of_one_key_gets_no_others(client: httpx.Client, store: FakeStore) -> None:
    store.begin(f"{ALICE.prefix}a.bin", "A1", [5])
    store.begin(f"{ALICE.prefix}a.bin", "A2")
    store.begin(f"{ALICE.prefix}a.bin.zip", "B1")

    found = client.get("/api/unfinished", params={"key": f"{ALICE.prefix}a.bin"}).json()["uploads"]

    assert sorted((each["upload_id"], each["size"]) for each in found) == [("A1", 5), ("A2", 0)]


@pytest.mark.parametrize("key", ["uploads/x", "OWN", "OWN../y"])
def test_nobody_learns_of_other_peoples_keys(
    client: httpx.Client, store: FakeStore, key: str
) -> None:
    answer = client.get("/api/unfinished", params={"key": key.replace("OWN", ALICE.prefix)})

    assert (answer.status_code, store.asked) in ((400, []), (403, []))


@pytest.mark.parametrize(("late", "status"), [(2, 200), (unfinished.ABORTS, 503)])
def test_an_upload_is_removed_again_until_no_late_part_is_left(
    client: httpx.Client, store: FakeStore, clock: FakeClock, late: int, status: int
) -> None:
    key, upload_id = store.begin(f"{ALICE.prefix}x", "A1", [5])
    upload = {"key": key, "upload_id": upload_id}
    store.late = [Part(number=2, size=5, last_modified=clock())] * late

    answer = client.delete("/api/unfinished", params=upload)

    assert answer.status_code == status
    if status == 200:
        assert (answer.json(), store.uploads) == (upload, {})
    else:
        assert answer.json()["code"] == "oss-unavailable"


@pytest.mark.parametrize(
    ("key", "upload_id", "status", "code"),
    [
        ("OWNx", "A2", 404, "no-upload"),
        ("OWNy", "A1", 404, "no-upload"),
        ("OWNx", "", 400, "bad-request"),
        ("OWNx", "A1&partNumber=1", 400, "bad-request"),
        ("OWNx", "A" * 129, 400, "bad-request"),
        ("", "A1", 403, "foreign-key"),
    ],
)
def test_what_is_not_an_unfinished_upload_of_ones_own_is_refused(
    client: httpx.Client, store: FakeStore, key: str, upload_id: str, status: int, code: str
) -> None:
    store.begin(f"{ALICE.prefix}x", "A1", [5])
    before = dict(store.uploads)
    params = {"key": key.replace("OWN", ALICE.prefix), "upload_id": upload_id}

    answer = client.delete("/api/unfinished", params=params)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert store.uploads == before
