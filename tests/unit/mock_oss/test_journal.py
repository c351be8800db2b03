"""The journal keeps the most recent requests, limited by number and by bytes."""

import pytest

from mock_oss.errors import UnknownOperationError, WrongRequestsError
from mock_oss.journal import LISTED, RECORD_BYTES, Journal, RequestRecord


def write(journal: Journal, *, header: str = "", why: str = "") -> RequestRecord:
    record = journal.open("id", 0.0)
    record.headers = {"a": header}
    if why:
        record.why = {"cause": why}
    journal.close(record)
    return record


def numbers(journal: Journal) -> list[int]:
    return [record.number for record in journal]


def test_the_oldest_make_room_by_number() -> None:
    journal = Journal(limit=3)
    for _ in range(5):
        write(journal)

    assert numbers(journal) == [3, 4, 5]


def test_the_oldest_make_room_by_bytes() -> None:
    journal = Journal(max_bytes=10 * RECORD_BYTES)
    for _ in range(20):
        write(journal, header="x" * 2_000)
    assert 1 < len(journal) <= 5
    assert numbers(journal)[-1] == 20

    write(journal, why="y" * 9_000)

    assert numbers(journal) == [21]


def test_the_last_one_stays_whatever_its_size() -> None:
    journal = Journal(max_bytes=10)
    write(journal)
    write(journal, header="x" * 100)

    assert numbers(journal) == [2]


def test_requests_under_way_do_not_count_before_they_end_nor_after_they_went() -> None:
    journal = Journal(max_bytes=10 * RECORD_BYTES)
    slow = journal.open("id", 0.0)
    slow.headers = {"a": "x" * 9_000}
    journal.clear()
    journal.close(slow)
    for _ in range(3):
        write(journal, header="x" * 2_000)

    assert numbers(journal) == [2, 3, 4]


def received(journal: Journal, operation: str, key: str, code: str = "") -> RequestRecord:
    record = journal.open("id", 0.0)
    record.method, record.bucket, record.key = "PUT", "bucket", key
    record.path, record.operation = f"/bucket/{key}", operation
    record.status, record.code = 403 if code else 200, code
    journal.close(record)
    return record


def test_requests_are_found_by_operation_method_bucket_and_key() -> None:
    journal = Journal()
    first = received(journal, "PutObject", "uploads/1")
    second = received(journal, "PutObject", "uploads/2", "AccessDenied")
    third = received(journal, "GetObject", "uploads/2")

    assert journal.all() == [first, second, third]
    assert journal.all("PutObject") == [first, second]
    assert journal.all("PutObject", key="uploads/*", method="PUT", bucket="bucket") == [
        first,
        second,
    ]
    assert journal.all(key="uploads/2") == [second, third]
    assert journal.all(bucket="other") == journal.all(method="GET") == journal.all(key="up") == []
    assert journal.refused() == journal.refused("PutObject", key="*2") == [second]
    assert journal.refused("GetObject") == []


@pytest.mark.parametrize("method", ["all", "one", "refused"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PutObjekt", "; similar names: PutObject, GetObject, ListObjects"),
        ("putobject", "; similar names: PutObject, GetObject, ListObjects"),
        ("ListObjectsV2", "; similar names: ListObjects, PutObject, GetObject"),
        ("Xyz", ""),
    ],
)
def test_an_operation_that_does_not_exist_is_an_error(method: str, name: str, hint: str) -> None:
    journal = Journal(operations={"GetObject", "ListObjects", "PutObject"})
    received(journal, "PutObject", "a")

    with pytest.raises(UnknownOperationError) as error:
        getattr(journal, method)(name)

    assert str(error.value) == f"the mock has no operation {name!r}{hint}"


def test_an_operation_that_does_not_exist_is_found_if_a_request_had_it() -> None:
    journal = Journal(operations={"AssumeRole"})
    record = received(journal, "AssumeRoleWithSAML", "", "InvalidApi.NotFound")

    assert journal.refused("AssumeRoleWithSAML") == [record]


def test_the_only_matching_request_is_returned() -> None:
    journal = Journal()
    received(journal, "PutObject", "a")
    wanted = received(journal, "PutObject", "b")

    assert journal.one("PutObject", key="b") is wanted


def test_a_request_that_is_missing_is_an_error_that_lists_what_was_received() -> None:
    journal = Journal()
    with pytest.raises(WrongRequestsError, match=r"no request with key='a'.*received:\n  nothing"):
        journal.one(key="a")
    received(journal, "PutObject", "b", "AccessDenied")

    with pytest.raises(AssertionError) as error:
        journal.one("PutObject", key="a")

    assert str(error.value) == (
        "no request with operation='PutObject', key='a', not exactly one; received:\n"
        "  <PUT /bucket/b PutObject -> 403 AccessDenied>"
    )


def test_several_requests_are_an_error_that_lists_the_latest() -> None:
    journal = Journal()
    received(journal, "GetObject", "other")
    for number in range(LISTED + 2):
        received(journal, "PutObject", str(number))

    with pytest.raises(WrongRequestsError) as error:
        journal.one("PutObject")

    lines = str(error.value).splitlines()
    assert lines[0].startswith(f"{LISTED + 2} requests with operation='PutObject', ")
    assert lines[1] == "  ... and 2 earlier requests"
    assert lines[-1] == f"  <PUT /bucket/{LISTED + 1} PutObject -> 200>"
    assert len(lines) == LISTED + 2
