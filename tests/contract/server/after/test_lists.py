"""Lists of uploads and of deleted ones, and the search for an identical upload."""

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import address, become, operators_bucket
from support.uploads import Upload, recorded


def names(site: httpx.Client, path: str = "/api/objects", **params: str | int) -> list[str]:
    """Return the names on all pages of a list."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = site.get(path, params={"limit": 2, **params, "after": cursor}).json()
        found += [each["name"] for each in page["objects"]]
        cursor = page["next"]
    return found


def test_what_is_listed_is_the_same_either_way(after: Demo, site: httpx.Client) -> None:
    recorded(after, site, name="a.txt")

    assert site.get("/api/objects?q=a").json() == site.get("/api/objects").json()


def test_others_uploads_are_not_found(after: Demo, site: httpx.Client) -> None:
    key = recorded(after, site, name="a.txt").key
    become(site, "bob")

    assert names(site, q="a") == []
    assert site.get("/api/objects", params={"q": "a", "after": key}).status_code == 403
    assert names(site, "/api/objects/deleted") == []


@pytest.mark.parametrize(
    "query", ["sort=oldest", "q=" + "x" * 201, "sort=size&after={prefix}nothing"]
)
def test_what_is_no_page_is_refused(after: Demo, site: httpx.Client, query: str) -> None:
    prefix = site.post("/api/grant").json()["prefix"]

    answer = site.get(f"/api/objects?{query.replace('{prefix}', prefix)}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


def test_what_was_deleted_is_listed_until_it_is_back(after: Demo, site: httpx.Client) -> None:
    keys = [recorded(after, site, name=name).key for name in "abc"]
    before = len(names(site, "/api/objects/deleted"))
    undo = [site.delete(address(key)).json()["undo"] for key in keys]

    first = site.get("/api/objects/deleted", params={"limit": 2}).json()
    site.post("/api/objects/undo", json={"id": undo[1]["id"]})
    after_it = site.get("/api/objects/deleted", params={"after": first["next"]}).json()

    assert [each["undo"] for each in first["objects"]] == [undo[2], undo[1]]
    assert {"key", "name", "folder", "size", "crc64", "deleted_at", "undo"} == first["objects"][
        0
    ].keys()
    assert after_it["objects"][0]["undo"] == undo[0]
    assert len(names(site, "/api/objects/deleted")) == before + 2


@pytest.mark.parametrize("cursor", ["x", "1-x", "9" * 17 + "-" + "0" * 32])
def test_a_cursor_that_was_made_up_is_refused(after: Demo, site: httpx.Client, cursor: str) -> None:
    assert site.get("/api/objects/deleted", params={"after": cursor}).status_code == 400


# Identical uploads


PATH = "trip/Day 1/a.txt"


@pytest.fixture
def upload(after: Demo, site: httpx.Client) -> Upload:
    """A file that Alice has uploaded in a folder and reported."""
    return recorded(after, site, name=PATH)


def find(site: httpx.Client, upload: Upload, **changes: object) -> httpx.Response:
    report = {name: upload.report[name] for name in ("size", "crc64")}
    document = {"path": PATH, **report, **changes}
    return site.post("/api/objects/identical", json=document)


def test_the_same_file_is_found(site: httpx.Client, upload: Upload) -> None:
    answer = find(site, upload)

    assert (answer.status_code, answer.json()) == (200, {"key": upload.key})


def test_r62_one_that_cannot_be_read_is_passed_over(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    after.oss.clock.advance(60)
    latest = recorded(after, site, name=PATH)
    after.oss.faults.add(
        "error", code="AccessDenied", status=403, operation="HeadObject", key=latest.key
    )

    assert find(site, upload).json() == {"key": upload.key}


def test_others_are_told_nothing_of_it(site: httpx.Client, upload: Upload) -> None:
    become(site, "bob")

    assert find(site, upload).json() == {"key": None}


def test_names_that_are_taken_are_told_to_their_owner_only(
    site: httpx.Client, upload: Upload
) -> None:
    asked = {"paths": ["b.txt", PATH, f"../{upload.key}", PATH]}
    mine = site.post("/api/objects/taken", json=asked).json()["taken"]
    become(site, "bob")
    bobs = site.post("/api/objects/taken", json=asked).json()

    known = {name: upload.report[name] for name in ("key", "size", "crc64")}
    assert [each and each.pop("stored_at")[-1:] for each in mine] == [None, "Z", None, "Z"]
    assert mine == [None, known, None, known]
    assert bobs == {"taken": [None] * 4}


@pytest.mark.parametrize("paths", [[], ["a"] * 201, [1], "a", None, ["\0"]])
def test_what_is_no_list_of_names_is_refused(site: httpx.Client, paths: object) -> None:
    assert site.post("/api/objects/taken", json={"paths": paths}).status_code == 400


def test_200_long_names_fit_in_a_request(site: httpx.Client) -> None:
    asked = {"paths": [f"{number:03}" + "é" * 500 for number in range(200)]}

    assert site.post("/api/objects/taken", json=asked).json() == {"taken": [None] * 200}


def test_the_server_asks_for_few_of_very_many(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    for _ in range(4):
        recorded(after, site, name=PATH)
        after.oss.clock.advance(1)
    after.oss.faults.add("error", code="NoSuchKey", operation="HeadObject", key="*/a.txt", times=9)
    asked = len(after.oss.requests)

    assert find(site, upload).json() == {"key": None}
    assert [each.operation for each in after.oss.requests[asked:]] == ["HeadObject"] * 3


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
