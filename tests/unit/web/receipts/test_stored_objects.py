"""The list of stored uploads, and the requests for it."""

import pytest

from ossferry_uploader.transfer.upload import Upload
from support.fakes import START_S, FakeFile
from upload_page.receipts.stored_objects import (
    StoredObject,
    folders_of,
    list_path,
    not_listed,
    path_of,
)

RANDOM = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("key", "folders"),
    [
        (f"uploads/alice-1/2026-03-14/{RANDOM}/trip/day 1/a.png", "trip/day 1"),
        (f"uploads/alice-1/2026-03-14/{RANDOM}/a.png", ""),
        (f"uploads/alice-1/requests/{RANDOM}/{RANDOM}/2026-03-14/{RANDOM}/trip/a.png", "trip"),
        (f"uploads/alice-1/requests/2026-03-14/{RANDOM}/a.png", "requests"),
        (f"uploads/alice-1/orders/7/2026-03-14/{RANDOM}/trip/a.png", "orders/7/trip"),
        ("uploads/alice-1/a.png", ""),
        ("uploads/alice-1/trip/a.png", "trip"),
    ],
)
def test_the_folders_of_a_file_are_read_from_its_key(key, folders):
    assert folders_of(key) == folders


def test_a_key_becomes_an_address():
    assert path_of("a/ü #?.txt") == "a/%C3%BC%20%23%3F.txt"


@pytest.mark.parametrize(
    ("words", "after", "path"),
    [
        ("", "", "/api/objects?limit=200&sort=newest"),
        ("a&b", "p/x y", "/api/objects?limit=200&sort=newest&q=a%26b&after=p%2Fx%20y"),
    ],
)
def test_search_and_place_are_part_of_the_address(words, after, path):
    assert list_path(words=words, order="newest", after=after) == path


@pytest.mark.parametrize(
    ("words", "listed", "names"),
    [
        ("", [], ["Two.txt", "one.txt"]),
        ("TW .txt", [], ["Two.txt"]),
        ("trip/tw", [], ["Two.txt"]),
        ("alice", [], []),
        ("", [f"uploads/alice-1/2026-03-14/{RANDOM}/Trip/Two.txt"], ["one.txt"]),
    ],
)
def test_what_the_server_does_not_know_yet_is_listed_all_the_same(words, listed, names):
    uploads = []
    for path in ("one.txt", "Trip/Two.txt"):
        upload = Upload(FakeFile(path.rpartition("/")[2]), lambda _: None)
        upload.target.key = f"uploads/alice-1/2026-03-14/{RANDOM}/{path}"
        uploads.append(upload)

    found = not_listed(uploads, words=words, listed=set(listed), now_s=START_S)

    assert [each["name"] for each in found] == names


def test_what_the_checks_said_of_a_new_upload_is_listed_too():
    upload = Upload(FakeFile("a.txt"), lambda _: None)
    upload.target.key = f"uploads/alice-1/2026-03-14/{RANDOM}/a.txt"
    upload.checks = {"version": "", "ran": [{"check": "a", "outcome": "passed", "says": ""}]}

    (found,) = not_listed([upload], words="", listed=set(), now_s=START_S)

    assert StoredObject(found).checks == upload.checks


def test_a_server_that_knows_no_checks_lists_files_without_them():
    document = {"key": "p/a.txt", "name": "a.txt", "folder": "", "size": 1, "crc64": None}
    document["last_modified"] = "2026-03-14T09:26:53Z"

    assert StoredObject(document).checks is None
