"""The journal keeps the most recent requests, limited by number and by bytes."""

from mock_oss.journal import RECORD_BYTES, Journal, RequestRecord


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
