"""Own uploads over HTTP: listed, deleted, restored; other users' uploads are unreachable."""

from pathlib import Path
from urllib.parse import quote

import httpx
import oss2
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import address, become, mine, trash
from support.uploads import Upload, granted_bucket, put


def test_an_upload_is_listed_with_its_receipt(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"hello", name="größe 1.txt")

    receipt = site.post("/api/receipts", json=upload.report).json()
    again = site.post("/api/receipts", json=upload.report).json()

    listed = mine(site)[upload.key]
    assert receipt == again
    assert listed == {
        **{name: receipt[name] for name in ("key", "size", "crc64", "etag", "last_modified")},
        "name": "größe 1.txt",
        "folder": "",
        "recorded_at": receipt["recorded_at"],
        "held": False,
        "reason": "",
        "checks": None,
        "details": None,
        "details_errors": [],
    }


def test_what_the_page_says_of_its_checks_is_listed_also_after_an_undo(
    after: Demo, site: httpx.Client
) -> None:
    ran = {"check": "has_our_columns", "outcome": "passed", "says": "7 列を確認しました。"}
    checks = {"version": "", "ran": [ran]}
    upload = put(after, site, b"hello")

    receipt = site.post("/api/receipts", json={**upload.report, "checks": checks}).json()
    undo = site.delete(address(upload.key)).json()["undo"]
    back = site.post("/api/objects/undo", json={"id": undo["id"]}).json()
    found = site.get("/api/objects", params={"sort": "newest"}).json()["objects"]

    assert receipt["checks"] == back["checks"] == mine(site)[upload.key]["checks"] == checks
    assert {each["key"]: each["checks"] for each in found}[upload.key] == checks


def test_others_see_nothing_of_it(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"hello")
    become(site, "bob")

    answers = [
        site.post("/api/receipts", json=upload.report),
        site.delete(address(upload.key)),
        site.get(address(upload.key, "preview")),
        site.post("/api/share", json={"key": upload.key, "expires_s": 60}),
        site.get("/api/objects", params={"after": upload.key}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "foreign-key")
    ] * 5
    assert mine(site) == {}
    assert after.oss.bucket(after.bucket).objects[upload.key].data == b"hello"


def test_uploads_come_page_by_page(after: Demo, site: httpx.Client) -> None:
    uploads = sorted(put(after, site, b"x", name=f"{number}").key for number in range(5))

    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = site.get("/api/objects", params={"limit": 2, "after": cursor}).json()
        pages.append([each["key"] for each in page["objects"]])
        cursor = page["next"]

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [key for page in pages for key in page] == uploads


def test_a_deleted_upload_is_gone_and_comes_back_as_it_was(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"unique", headers={"content-type": "text/x-mine"})
    receipt = site.post("/api/receipts", json=upload.report).json()

    gone = site.delete(address(upload.key)).json()
    assert upload.key not in mine(site)
    assert site.delete(address(upload.key)).status_code == 404
    back = site.post("/api/objects/undo", json={"id": gone["undo"]["id"]})

    assert (back.status_code, back.json()["crc64"]) == (200, receipt["crc64"])
    stored = after.oss.bucket(after.bucket).objects[upload.key]
    assert (stored.data, stored.headers["content-type"]) == (b"unique", "text/x-mine")
    assert site.post("/api/objects/undo", json={"id": gone["undo"]["id"]}).status_code == 404
    assert upload.report["crc64"] not in {each.crc64 for each in trash(after)}


def test_only_who_deleted_it_can_bring_it_back_and_only_in_time(
    after: Demo, site: httpx.Client
) -> None:
    upload = put(after, site, b"hello")
    undo = site.delete(address(upload.key)).json()["undo"]["id"]
    become(site, "bob")

    foreign = site.post("/api/objects/undo", json={"id": undo})
    become(site, "alice")
    put_again = granted_bucket(site.post("/api/grant").json(), after)
    put_again.put_object(upload.key, b"another")
    taken = site.post("/api/objects/undo", json={"id": undo})

    assert (foreign.status_code, foreign.json()["code"]) == (404, "nothing-to-undo")
    assert (taken.status_code, taken.json()["code"]) == (409, "key-taken")
    assert after.oss.bucket(after.bucket).objects[upload.key].data == b"another"


def test_the_server_restores_an_old_version(web_dir: Path) -> None:
    with (
        Demo(web_dir=web_dir, undo="versions") as demo,
        httpx.Client(base_url=demo.url, trust_env=False) as site,
    ):
        upload = put(demo, site, b"hello")

        gone = site.delete(address(upload.key)).json()
        listed = mine(site)
        back = site.post("/api/objects/undo", json={"id": gone["undo"]["id"]})

        assert (listed, back.status_code, list(mine(site))) == ({}, 200, [upload.key])
        assert trash(demo) == []


@pytest.mark.parametrize("operation", ["CopyObject", "DeleteObject"])
def test_a_delete_that_fails_half_way_can_be_repeated(
    after: Demo, site: httpx.Client, operation: str
) -> None:
    upload = put(after, site, b"hello")
    after.oss.faults.add("unavailable", operation=operation, times=4)

    failed = site.delete(address(upload.key))
    after.oss.faults.clear()
    repeated = site.delete(address(upload.key))
    back = site.post("/api/objects/undo", json={"id": repeated.json()["undo"]["id"]})

    assert (failed.status_code, repeated.status_code, back.status_code) == (503, 200, 200)
    assert after.oss.bucket(after.bucket).objects[upload.key].data == b"hello"


@pytest.mark.parametrize(
    "path",
    [
        "{prefix}../../x",
        "{prefix}%2e%2e/x",
        "{prefix}%252e%252e/x",
        "{encoded}x",
        "{twice}x",
        "{prefix}a//b",
        "{prefix}a%5cb",
        "{prefix}%00",
        "{prefix}%ff",
        "{prefix}%0a",
        "uploads/",
        "trash/x",
        "%2e%2e/%2e%2e/etc/passwd",
        "",
    ],
)
def test_t10_t11_hostile_keys_in_the_path_reach_nothing(
    after: Demo, site: httpx.Client, path: str
) -> None:
    upload = put(after, site, b"hello")
    prefix = site.post("/api/grant").json()["prefix"]
    names = {"encoded": quote(prefix, ""), "twice": quote(quote(prefix, ""), "")}
    before = len(after.oss.requests)

    for more in ("", "/preview"):
        method = "GET" if more else "DELETE"
        target = "/api/objects/" + path.format(prefix=prefix, **names) + more
        request = site.build_request(method, after.url)
        request.url = request.url.copy_with(raw_path=target.encode())
        answer = site.send(request)
        assert answer.status_code in (400, 403, 404, 405), (path, answer.text)

    asked = {each.operation for each in after.oss.requests[before:]}
    assert asked <= {"HeadObject", "ListObjects"}
    assert after.oss.bucket(after.bucket).objects[upload.key].data == b"hello"


def test_the_page_token_reaches_no_trash(after: Demo, site: httpx.Client) -> None:
    upload: Upload = put(after, site, b"hello")
    site.delete(address(upload.key))
    trashed = trash(after)[0].key
    bucket = granted_bucket(site.post("/api/grant").json(), after)

    for attempt in (bucket.get_object, bucket.delete_object):
        with pytest.raises(oss2.exceptions.AccessDenied):
            attempt(trashed)
