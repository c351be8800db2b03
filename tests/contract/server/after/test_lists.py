"""Lists of uploads: searched, sorted in any order, and deleted but restorable."""

from collections.abc import Callable

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import address, become
from support.uploads import put

Upload = Callable[..., str]
NAMES = ("Zebra.txt", "apfel.txt", "Äpfel 100%.txt", "_.txt")


@pytest.fixture
def upload(after: Demo, site: httpx.Client) -> Upload:
    """Return a function that stores an object, reports it and returns its key."""

    def store(name: str, data: bytes = b"hello") -> str:
        done = put(after, site, data, name=name)
        assert site.post("/api/receipts", json=done.report).status_code == 200
        return done.key

    return store


def names(site: httpx.Client, path: str = "/api/objects", **params: str | int) -> list[str]:
    """Return the names on all pages of a list."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = site.get(path, params={"limit": 2, **params, "after": cursor}).json()
        found += [each["name"] for each in page["objects"]]
        cursor = page["next"]
    return found


def test_any_order_goes_on_over_pages(after: Demo, site: httpx.Client, upload: Upload) -> None:
    for number, name in enumerate(NAMES):
        upload(name, b"x" * (10 - number))

    assert names(site, sort="name") == ["_.txt", "apfel.txt", "Zebra.txt", "Äpfel 100%.txt"]
    assert names(site, sort="size") == list(NAMES)
    assert sorted(names(site, sort="newest")) == sorted(NAMES)
    assert names(site, sort="key") == names(site)


def test_every_word_must_be_in_the_name_and_not_in_the_rest_of_the_key(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    for name in NAMES:
        upload(name)

    expected = {
        "APFEL": ["apfel.txt"],
        "äpfel": ["Äpfel 100%.txt"],
        "A\u0308pfel": ["Äpfel 100%.txt"],
        "txt 100": ["Äpfel 100%.txt"],
        "0%": ["Äpfel 100%.txt"],
        "_": ["_.txt"],
        "2026": [],
        "' OR 1": [],
        "\\": [],
    }
    assert {words: names(site, q=words) for words in expected} == expected


def test_words_are_sought_in_the_names_of_folders_too(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    upload("Summer at the/Lake/a.txt")
    upload("a.txt")

    expected = {
        "SUMMER": ["a.txt"],
        "summer a.txt": ["a.txt"],
        "lake/a": ["a.txt"],
        "a.txt": ["a.txt", "a.txt"],
        "winter": [],
    }
    assert {words: names(site, q=words) for words in expected} == expected


def test_what_is_listed_is_the_same_either_way(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    upload("a.txt")

    assert site.get("/api/objects?q=a").json() == site.get("/api/objects").json()


def test_others_uploads_are_not_found(after: Demo, site: httpx.Client, upload: Upload) -> None:
    key = upload("a.txt")
    become(site, "bob")

    assert names(site, q="a") == []
    assert site.get("/api/objects", params={"q": "a", "after": key}).status_code == 403
    assert names(site, "/api/objects/deleted") == []


def test_a_page_goes_on_after_what_was_deleted(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    for name in "abc":
        upload(name)
    page = site.get("/api/objects", params={"sort": "name", "limit": 2}).json()
    site.delete(address(page["next"]))

    rest = site.get("/api/objects", params={"sort": "name", "after": page["next"]}).json()

    assert [each["name"] for each in rest["objects"]] == ["c"]


@pytest.mark.parametrize(
    "query", ["sort=oldest", "q=" + "x" * 201, "sort=size&after={prefix}nothing"]
)
def test_what_is_no_page_is_refused(after: Demo, site: httpx.Client, query: str) -> None:
    prefix = site.post("/api/grant").json()["prefix"]

    answer = site.get(f"/api/objects?{query.replace('{prefix}', prefix)}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


def test_what_was_deleted_is_listed_until_it_is_back(
    after: Demo, site: httpx.Client, upload: Upload
) -> None:
    keys = [upload(name) for name in "abc"]
    before = len(names(site, "/api/objects/deleted"))
    undo = [site.delete(address(key)).json()["undo"] for key in keys]

    first = site.get("/api/objects/deleted", params={"limit": 2}).json()
    site.post("/api/objects/undo", json={"id": undo[1]["id"]})
    after_it = site.get("/api/objects/deleted", params={"after": first["next"]}).json()

    assert [each["undo"] for each in first["objects"]] == [undo[2], undo[1]]
    assert {"key", "name", "size", "crc64", "deleted_at", "undo"} == first["objects"][0].keys()
    assert after_it["objects"][0]["undo"] == undo[0]
    assert len(names(site, "/api/objects/deleted")) == before + 2


@pytest.mark.parametrize("cursor", ["x", "1-x", "9" * 17 + "-" + "0" * 32])
def test_a_cursor_that_was_made_up_is_refused(after: Demo, site: httpx.Client, cursor: str) -> None:
    assert site.get("/api/objects/deleted", params={"after": cursor}).status_code == 400
