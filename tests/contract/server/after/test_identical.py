"""Search for identical uploads by name, size and CRC-64: only own uploads that OSS still has."""

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import address, become, operators_bucket
from support.uploads import Upload, put

DATA = b"hello"


@pytest.fixture
def upload(after: Demo, site: httpx.Client) -> Upload:
    """A file that Alice has uploaded in a folder and reported."""
    done = put(after, site, DATA, name="trip/Day 1/a.txt")
    assert site.post("/api/receipts", json=done.report).status_code == 200
    return done


def find(site: httpx.Client, upload: Upload, **changes: object) -> httpx.Response:
    report = {name: upload.report[name] for name in ("size", "crc64")}
    document = {"path": "trip/Day 1/a.txt", **report, **changes}
    return site.post("/api/objects/identical", json=document)


def test_the_same_file_is_found(site: httpx.Client, upload: Upload) -> None:
    answer = find(site, upload)

    assert (answer.status_code, answer.json()) == (200, {"key": upload.key})


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "a.txt"},
        {"path": "trip/Day 1/A.txt"},
        {"path": "Day 1/a.txt"},
        {"size": 6},
        {"crc64": "1"},
    ],
    ids=["no folders", "other case", "other folders", "size", "checksum"],
)
def test_another_file_is_not(
    site: httpx.Client, upload: Upload, changes: dict[str, object]
) -> None:
    assert find(site, upload, **changes).json() == {"key": None}


def test_r62_one_that_cannot_be_read_is_passed_over(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    after.oss.clock.advance(60)
    latest = put(after, site, DATA, name="trip/Day 1/a.txt")
    site.post("/api/receipts", json=latest.report)
    after.oss.faults.add(
        "error", code="AccessDenied", status=403, operation="HeadObject", key=latest.key
    )

    assert find(site, upload).json() == {"key": upload.key}


def test_others_are_told_nothing_of_it(site: httpx.Client, upload: Upload) -> None:
    become(site, "bob")

    assert find(site, upload).json() == {"key": None}


def test_the_latest_of_several_is_found(after: Demo, site: httpx.Client, upload: Upload) -> None:
    after.oss.clock.advance(60)
    again = put(after, site, DATA, name="trip/Day 1/a.txt")
    site.post("/api/receipts", json=again.report)

    assert find(site, upload).json() == {"key": again.key}


def test_the_server_asks_for_few_of_very_many(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    for _ in range(4):
        gone = put(after, site, DATA, name="trip/Day 1/a.txt")
        site.post("/api/receipts", json=gone.report)
        after.oss.clock.advance(1)
    after.oss.faults.add("error", code="NoSuchKey", operation="HeadObject", key="*/a.txt", times=9)
    asked = len(after.oss.requests)

    assert find(site, upload).json() == {"key": None}
    assert [each.operation for each in after.oss.requests[asked:]] == ["HeadObject"] * 3


def test_what_was_deleted_is_not_found(site: httpx.Client, upload: Upload) -> None:
    site.delete(address(upload.key))

    assert find(site, upload).json() == {"key": None}


def test_what_the_ledger_has_and_oss_has_not_is_not_found(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    operators_bucket(after).put_object(upload.key, b"other")

    assert find(site, upload).json() == {"key": None}


@pytest.mark.parametrize("path", ["../bob/a.txt", "a//b", "x" * 1024])
def test_what_no_key_can_look_like_is_not_stored(
    site: httpx.Client, upload: Upload, path: str
) -> None:
    assert find(site, upload, path=path).json() == {"key": None}


@pytest.mark.parametrize("changes", [{"path": None}, {"path": ""}, {"size": -1}, {"crc64": "ab"}])
def test_what_is_no_file_is_refused(
    site: httpx.Client, upload: Upload, changes: dict[str, object]
) -> None:
    assert find(site, upload, **changes).status_code == 400
