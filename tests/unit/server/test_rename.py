"""`PATCH /api/objects/{key}`: another name or other folders, wherever the upload is shown."""

from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest

from ossferry.identity.object_keys import safe_path, shown_path
from support.server_fakes import ALICE, BOB, OBJECTS, FakeStore, MakeClient

RANDOM = "ab" * 16
CRC64 = "4041730234"
SENT = "trip/photo.png"


@pytest.fixture
def client(make_client: MakeClient) -> httpx.Client:
    return make_client(**OBJECTS, undo_s=3600)


@pytest.fixture
def key(store: FakeStore) -> str:
    """The key of an upload of Alice, which no page has reported."""
    return store.put(f"{ALICE.prefix}2026-03-14/{RANDOM}/{SENT}", content_type="image/png").key


def rename(client: httpx.Client, key: str, **wish: object) -> httpx.Response:
    return client.patch(f"/api/objects/{quote(key)}", json=wish)


def listed(client: httpx.Client, **params: str) -> list[tuple[str, str]]:
    found = client.get("/api/objects", params=params).json()["objects"]
    return [(each["folder"], each["name"]) for each in found]


def saved_as(url: str) -> str:
    """Return the name under which a browser saves what is at an address."""
    disposition = parse_qs(urlsplit(url).query)["response-content-disposition"][0]
    return unquote(disposition.rpartition("''")[2])


def test_a_renamed_upload_has_its_new_name_everywhere_and_keeps_its_key(
    client: httpx.Client, key: str
) -> None:
    link = client.post("/api/share", json={"key": key, "expires_s": 60, "revocable": True}).json()

    answer = rename(client, key, name="Sea & sun.png", folder="2026/Rome")

    renamed = ("2026/Rome", "Sea & sun.png")
    assert answer.status_code == 200, answer.text
    assert answer.json() == client.get("/api/objects").json()["objects"][0]
    assert (answer.json()["key"], listed(client)) == (key, [renamed])
    assert [listed(client, q=q) for q in ("rome SUN", "photo", "trip")] == [[renamed], [], []]
    saved = client.post("/api/downloads", json={"keys": [key]}).json()["files"][0]["url"]
    new = client.post(
        "/api/share", json={"key": key, "expires_s": 60, "process": {"format": "jpg"}}
    )
    opened = client.get(urlsplit(link["url"]).path, follow_redirects=False).headers["location"]
    urls = (saved, opened, new.json()["url"])
    assert [saved_as(url) for url in urls] == ["Sea & sun.png"] * 2 + ["Sea & sun.jpg"]
    names = [each["name"] for each in client.get("/api/shares").json()["shares"]]
    assert (new.json()["name"], names) == ("Sea & sun.png", ["Sea & sun.png"] * 2)


def test_the_name_outlives_reports_and_an_undo(client: httpx.Client, key: str) -> None:
    rename(client, key, name="new.png")
    rename(client, key, folder="")
    report = {"key": key, "size": 5, "crc64": CRC64}

    receipt = client.post("/api/receipts", json=report).json()
    (again,) = client.post("/api/receipts/batch", json={"reports": [report]}).json()["receipts"]
    undo = client.delete(f"/api/objects/{quote(key)}").json()["undo"]
    (gone,) = client.get("/api/objects/deleted").json()["objects"]
    refused = rename(client, key, name="late.png")
    back = client.post("/api/objects/undo", json={"id": undo["id"]}).json()

    told = [(each["folder"], each["name"]) for each in (receipt, again, gone, back)]
    assert told == [("", "new.png")] * 4
    assert (refused.status_code, listed(client)) == (404, [("", "new.png")])


@pytest.mark.parametrize(("path", "found"), [(SENT, False), ("trip/new.png", True)])
def test_an_identical_file_is_one_with_the_name_of_now(
    client: httpx.Client, key: str, path: str, found: bool
) -> None:
    rename(client, key, name="new.png")

    answer = client.post("/api/objects/identical", json={"path": path, "size": 5, "crc64": CRC64})

    assert answer.json() == {"key": key if found else None}


@pytest.mark.parametrize(
    ("folder", "name", "path"),
    [
        ("../../etc", "../passwd", "__/__/etc/___passwd"),
        ("/a//./b/", "x", "a/_/b/x"),
        ("", "report\u202efdp.exe", "report_fdp.exe"),
        ("a\r\nb", "x\x7f\x00\x85y".replace("\x00", ""), "a__b/x__y"),
        ("a\\b", "  x\ufeff ", "a_b/x_"),
        ("", "é" * 200 + ".jpeg", "é" * 125 + ".jpeg"),
        ("", " ", "_"),
    ],
)
def test_hostile_names_become_safe_ones(
    client: httpx.Client, key: str, folder: str, name: str, path: str
) -> None:
    answer = rename(client, key, folder=folder, name=name).json()

    assert "/".join(filter(None, (answer["folder"], answer["name"]))) == path
    assert safe_path(folder, name) == path


@pytest.mark.parametrize(
    "wish", [{"name": ""}, {"name": "a\0"}, {"name": 5}, {"folder": "x" * 200 + "/" + "y/" * 500}]
)
def test_what_is_no_name_is_refused(client: httpx.Client, key: str, wish: dict[str, Any]) -> None:
    answer = rename(client, key, **wish)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    assert listed(client) == [("trip", "photo.png")]


def test_only_its_owner_renames_a_released_upload(
    make_client: MakeClient, store: FakeStore, key: str, audit_lines: list[dict[str, str]]
) -> None:
    foreign = store.put(f"{BOB.prefix}2026-03-14/{RANDOM}/b.txt").key
    client = make_client(**OBJECTS)
    held = make_client(
        **OBJECTS, release="checked", checks_built_in={"file_type": True}, allowed_types=["image/*"]
    )

    answers = [rename(client, each, name="x") for each in (key, foreign, f"{key}x")]
    answers.append(rename(held, key.replace("photo", "held"), name="x"))
    store.put(key.replace("photo", "held"))
    answers.append(rename(held, key.replace("photo", "held"), name="x"))

    codes = ["done", "foreign-key", "not-stored", "not-stored", "held"]
    assert [each.status_code for each in answers] == [200, 403, 404, 404, 409]
    assert [each["outcome"] for each in audit_lines if each.get("action") == "rename"] == codes


@pytest.mark.parametrize(
    ("key", "renamed_to", "shown"),
    [
        (f"{ALICE.prefix}2026-03-14/{RANDOM}/a/b.txt", None, ("a", "b.txt")),
        (f"{ALICE.prefix}orders/7/2026-03-14/{RANDOM}/b.txt", None, ("orders/7", "b.txt")),
        (f"{ALICE.prefix}requests/{RANDOM}/{RANDOM}/2026-03-14/{RANDOM}/b", None, ("", "b")),
        (f"{ALICE.prefix}b.txt", None, ("", "b.txt")),
        (f"{ALICE.prefix}a/b.txt", "c/d/e.txt", ("c/d", "e.txt")),
    ],
)
def test_the_page_shows_the_folders_of_the_key_or_those_of_the_owner(
    key: str, renamed_to: str | None, shown: tuple[str, str]
) -> None:
    assert shown_path(key, renamed_to) == shown
