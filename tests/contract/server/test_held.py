"""Held uploads: nobody but the server can read them, and the scanner or an operator releases them.

The demo holds every upload. The scanner is played by another process's view of ledger and bucket.
"""

import asyncio
import json
import re
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import httpx
import oss2
import pytest

from mock_oss.control.views import StoredObject
from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from ossferry.errors import HeldError, OssLostError
from ossferry.ledger import holds, listing
from ossferry.settings.model import Settings
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.places import Places
from support.after_upload import address, become, mine, operators_bucket, until
from support.commands import environment
from support.commands import run as run_command
from support.forms import asked, send, shown
from support.ledgers import NOW, hold, opened, owner, record, stored
from support.ledgers import used as usage
from support.scanned import deciding, find_bad, leased, release
from support.uploads import Upload, granted_bucket, put, put_with, recorded

IMAGE = {"content-type": "image/png"}
OPTIONS: dict[str, Any] = {
    "release": "checked",
    "clamd": "/run/clamav/clamd.ctl",
    "webhook_url": "http://127.0.0.1:9/hook",
    "webhook_secret": "whsec_" + b64encode(bytes(range(32))).decode(),
    "quota_objects_total": 1000,
}
DELIVERIES = "SELECT event FROM deliveries"
Sees: TypeAlias = Callable[[Demo, httpx.Client, Upload], bool]


@pytest.fixture(scope="module")
def demo(web_dir: Path) -> Iterator[Demo]:
    """A demo that holds uploads, and does not reconcile or remove anything by itself."""
    with (
        patch("ossferry.background.RECONCILE_S", 300),
        patch("ossferry.background.PURGE_S", 300),
        patch("ossferry.background.IDLE_S", 0.05),
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        Demo(web_dir=web_dir, **OPTIONS) as demo,
    ):
        yield demo


@pytest.fixture
def site(demo: Demo) -> Iterator[httpx.Client]:
    """A client signed in as Alice, whose uploads are removed after the test."""
    with httpx.Client(base_url=demo.url, trust_env=False, headers=SAME_SITE) as client:
        become(client, "alice")
        yield client
        demo.oss.faults.clear()
        demo.oss.clock.reset()
        become(client, "alice")
        while keys := list(mine(client)):  # a released upload may be behind a held one
            for key in keys:
                client.delete(address(key))


SAME_SITE = {"sec-fetch-site": "same-origin"}


def run(demo: Demo, *arguments: str) -> Any:
    options = {f"OSSFERRY_{name.upper()}": str(value) for name, value in OPTIONS.items()}
    return run_command(*arguments, environment=environment(demo) | options)


def objects(demo: Demo) -> Mapping[str, StoredObject]:
    return demo.oss.bucket(demo.bucket).objects


def rows(demo: Demo, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(demo.settings.ledger_url.removeprefix("sqlite:///"))) as ledger:
        return ledger.execute(statement, values).fetchall()


def events(demo: Demo, key: str) -> list[str]:
    """Return the types of the events about an object for the webhook."""
    until(lambda: not rows(demo, f"{DELIVERIES} WHERE target = 'server' AND next_at NOT NULL"))
    found = [json.loads(each) for (each,) in rows(demo, f"{DELIVERIES} WHERE target = 'webhook'")]
    return [each["type"] for each in found if each["data"].get("key") == key]


def used(demo: Demo) -> tuple[int, int]:
    """Return the bytes and the number of the stored files of Alice."""
    wanted = "SELECT bytes, objects FROM usage JOIN principals ON hash = principal"
    ((size, count),) = rows(demo, f"{wanted} WHERE day = 'total' AND label = 'Alice'")
    return size, count


def listed(site: httpx.Client, upload: Upload, **params: str) -> bool:
    found = site.get("/api/objects", params=params).json()["objects"]
    return any(each["key"] == upload.key and not each["held"] for each in found)


def recalled(demo: Demo, site: httpx.Client, upload: Upload) -> bool:
    """Whether the trash offers to restore the upload, which stays if the answer is no."""
    if not listed(site, upload):
        return False
    undo = site.delete(address(upload.key)).json()["undo"]
    return site.post("/api/objects/undo", json={"id": undo["id"]}).status_code == 200


def linked_by_application(demo: Demo, site: httpx.Client, upload: Upload) -> bool:
    """Whether an application that mounts the server gets a link."""

    async def work(held: HeldUploads) -> bool:
        places = Places(held.settings, held.store, held.database)
        stored = await places.head(upload.key)
        assert stored is not None
        try:
            await places.link(stored, lives_s=60, params={})
        except HeldError:
            return False
        return True

    return deciding(demo, work)


def exported(demo: Demo, site: httpx.Client, upload: Upload) -> bool:
    """Whether an administrator's CSV has the upload."""
    with httpx.Client(base_url=demo.url, trust_env=False) as client:
        become(client, "alice")
        return upload.key in client.get("/admin/uploads.csv").text


READERS: dict[str, Sees] = {
    "list": lambda demo, site, upload: listed(site, upload),
    "list by time": lambda demo, site, upload: listed(site, upload, sort="newest"),
    "search": lambda demo, site, upload: listed(site, upload, q="photo"),
    "link and download": lambda demo, site, upload: (
        site.post("/api/share", json={"key": upload.key, "expires_s": 60}).status_code == 200
    ),
    "ZIP": lambda demo, site, upload: (
        site.post("/api/downloads", json={"keys": [upload.key]}).json()["files"][0]["url"]
        is not None
    ),
    "preview": lambda demo, site, upload: (
        site.get(address(upload.key, "preview")).status_code == 200
    ),
    "identical": lambda demo, site, upload: (
        site.post(
            "/api/objects/identical",
            json={"path": "photo.png", **{n: upload.report[n] for n in ("size", "crc64")}},
        ).json()["key"]
        == upload.key
    ),
    "hooks and webhook": lambda demo, site, upload: events(demo, upload.key) == ["uploaded"],
    "trash": recalled,
    "application": linked_by_application,
    "admin CSV": exported,
    "admin uploads": lambda demo, site, upload: (
        run(demo, "admin", "uploads").out.count(upload.key) == 1
    ),
    "ls": lambda demo, site, upload: any(
        row["key"] == upload.key and not row["held"]
        for row in map(json.loads, run(demo, "ls", "--json").out.splitlines())
    ),
    "share": lambda demo, site, upload: run(demo, "share", upload.key).code == 0,
    "verify": lambda demo, site, upload: run(demo, "verify", upload.key).code == 0,
    "links key": lambda demo, site, upload: upload.key in objects(demo),
}


@pytest.fixture(scope="module")
def three(demo: Demo) -> list[Upload]:
    """Three uploads of Bob: one waits, one was found bad, and one is released."""
    with httpx.Client(base_url=demo.url, trust_env=False, headers=SAME_SITE) as client:
        become(client, "bob")
        found = [recorded(demo, client, name="photo.png", headers=IMAGE) for _ in range(3)]
    find_bad(demo, found[1].key)
    release(demo, found[2].key)
    return found


@pytest.mark.parametrize("sees", READERS.values(), ids=list(READERS))
def test_every_reader_sees_an_upload_only_after_its_release(
    demo: Demo, site: httpx.Client, three: list[Upload], sees: Sees
) -> None:
    become(site, "bob")

    assert [sees(demo, site, upload) for upload in three] == [False, False, True]


def test_what_says_that_an_upload_is_held_says_why(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    wish = {"key": upload.key, "expires_s": 60}
    waiting = site.post("/api/share", json=wish).json()
    find_bad(demo, upload.key)
    held = site.post("/api/share", json=wish).json()

    assert [(each["code"], each["detail"]) for each in (waiting, held)] == [
        ("held", "It is being checked."),
        ("held", "This upload is held: Eicar-Test-Signature"),
    ]
    for params in ({}, {"sort": "newest"}):
        (row,) = site.get("/api/objects", params=params).json()["objects"]
        assert (row["held"], row["reason"]) == (True, "Eicar-Test-Signature")
        assert row["crc64"] == upload.report["crc64"]


@pytest.mark.parametrize("reporter", ["callback", "reconcile", "batch", "form", "plain form"])
def test_whatever_reports_an_upload_it_is_held(
    demo: Demo, site: httpx.Client, reporter: str
) -> None:
    headers = {}
    if reporter == "callback":
        body = '{"bucket":${bucket},"object":${object},"size":${size},"reqId":${reqId}}'
        wish = {"callbackUrl": f"{demo.url}/api/callback", "callbackBody": body}
        wish["callbackBodyType"] = "application/json"
        headers["x-oss-callback"] = b64encode(json.dumps(wish).encode()).decode()
    if reporter == "form":
        form = asked(site, name="hello.txt", size=5)
        assert send(demo, form).status_code == 200
        key = form["key"]
        assert site.post("/api/form", json={"name": "a"}).json()["key"].startswith("uploads/")
        run(demo, "admin", "reconcile")
    elif reporter == "plain form":
        answer = send(demo, shown(site.get("/form", headers={"accept": "text/html"}).text))
        onward = site.get(answer.headers["location"]).text.partition("url=")[2].partition('"')[0]
        arrived = site.get(onward.replace("&amp;", "&")).text
        (key,) = [each for each in objects(demo) if each.startswith("incoming/uploads/alice")]
        assert "The server checks the file now." in arrived
        assert "incoming/" not in arrived
    else:
        key = "incoming/" + put(demo, site, b"hello", headers=headers).key
        report = {"key": key.removeprefix("incoming/"), "size": 5, "crc64": crc64(demo, key)}
        if reporter == "batch":
            answer = site.post("/api/receipts/batch", json={"reports": [report]})
            assert [each["held"] for each in answer.json()["receipts"]] == [True]
        if reporter == "reconcile":
            assert f"found\t{report['key']}" in run(demo, "admin", "reconcile").out

    assert key.startswith("incoming/")
    final = key.removeprefix("incoming/")
    assert mine(site)[final]["held"] is True
    assert (events(demo, final), used(demo)) == ([], (5, 1))
    assert release(demo, final)
    assert (events(demo, final), used(demo)) == (["uploaded"], (5, 1))


def crc64(demo: Demo, key: str) -> str:
    return str(objects(demo)[key].crc64)


def test_t68_a_grant_writes_below_incoming_only_and_reads_nothing(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site)
    grant = site.post("/api/grant").json()
    become(site, "bob")
    other = site.post("/api/grant").json()
    page, bob = granted_bucket(grant, demo), granted_bucket(other, demo)
    held = grant["held"] + upload.key
    tries: list[Callable[[], object]] = [
        lambda: page.put_object(upload.key, b"unscanned"),
        lambda: page.put_symlink(held, upload.key),
        lambda: page.copy_object(demo.bucket, held, upload.key),
        lambda: page.get_object(held).read(),
        lambda: page.head_object(held),
        lambda: page.list_objects(grant["held"]),
        lambda: page.delete_object(held),
        lambda: bob.put_object(held, b"another's"),
        lambda: bob.init_multipart_upload(held),
    ]

    for attempt in tries:
        with pytest.raises(oss2.exceptions.ServerError) as refusal:
            attempt()
        assert refusal.value.status == 403, refusal.value

    token = site.get("/get_sts_token?prefix=1").json()
    assert grant["prefix"].startswith("uploads/")
    assert token["Prefix"] == "incoming/" + other["prefix"]
    assert site.post("/api/receipts", json=upload.report).json()["code"] == "foreign-key"


def test_another_devices_unfinished_upload_has_its_final_key(
    demo: Demo, site: httpx.Client
) -> None:
    grant = site.post("/api/grant").json()
    key = f"{grant['prefix']}2026-03-14/{'a' * 32}/big.bin"
    begun = granted_bucket(grant, demo).init_multipart_upload(grant["held"] + key)

    (found,) = site.get("/api/unfinished").json()["uploads"]
    query = {"key": key, "upload_id": begun.upload_id}
    assert (found["key"], found["upload_id"]) == (key, begun.upload_id)
    assert site.delete("/api/unfinished", params=query).status_code == 200
    assert site.get("/api/unfinished").json()["uploads"] == []


@pytest.mark.parametrize("size", [5, 300_000], ids=["whole", "in parts"])
def test_a_release_keeps_headers_metadata_and_tags_as_does_the_trash(
    demo: Demo, site: httpx.Client, size: int
) -> None:
    headers = {
        "content-type": "image/png",
        "x-oss-meta-case": "%E6%97%A5",
        "x-oss-tagging": "case=a%20b&urgent=",
        "x-oss-storage-class": "IA",
    }
    upload = recorded(demo, site, bytes(size), headers=headers)

    receipt = release(demo, upload.key)

    bucket = operators_bucket(demo)
    found = bucket.head_object(upload.key)
    assert receipt is not None
    assert (receipt.size, receipt.crc64) == (size, upload.report["crc64"])
    assert found.content_type == "image/png"
    assert found.headers["x-oss-meta-case"] == "%E6%97%A5"
    assert found.headers["x-oss-storage-class"] == "IA"
    undo = site.delete(address(upload.key)).json()["undo"]
    assert site.post("/api/objects/undo", json={"id": undo["id"]}).status_code == 200
    tags = bucket.get_object_tagging(upload.key).tag_set.tagging_rule
    assert tags == {"case": "a b", "urgent": ""}


def test_the_same_key_again_replaces_what_waits_and_counts_once(
    demo: Demo, site: httpx.Client
) -> None:
    grant, upload = site.post("/api/grant").json(), recorded(demo, site)
    old = leased(demo, upload.key)
    bucket = granted_bucket(grant, demo)
    crc = bucket.put_object(grant["held"] + upload.key, b"other content").crc
    again = {"key": upload.key, "size": 13, "crc64": str(crc)}
    assert site.post("/api/receipts", json=again).json()["held"]

    assert deciding(demo, lambda held: held.release(old)) is None
    assert not deciding(demo, lambda held: held.keep(old, reason="bad"))
    assert used(demo) == (13, 1)
    assert release(demo, upload.key)
    assert objects(demo)[upload.key].data == b"other content"
    bucket.put_object(grant["held"] + upload.key, b"third")
    run(demo, "admin", "reconcile")  # a released upload is replaced by one that waits
    assert (mine(site)[upload.key]["held"], used(demo)) == (True, (18, 2))
    release(demo, upload.key)
    assert (objects(demo)[upload.key].data, used(demo)) == (b"third", (5, 1))
    assert events(demo, upload.key) == ["uploaded", "uploaded"]


def test_an_upload_that_must_not_replace_another_stays_held(demo: Demo, site: httpx.Client) -> None:
    first = recorded(demo, site)
    release(demo, first.key)
    grant = site.post("/api/grant").json()
    headers = {"x-oss-meta-same-name": "refuse"}
    bucket = granted_bucket(grant, demo)
    bucket.put_object(grant["held"] + first.key, b"other", headers=headers)
    run(demo, "admin", "reconcile")

    assert release(demo, first.key) is None
    assert objects(demo)[first.key].data == b"hello"
    assert mine(site)[first.key]["reason"] == "Another file has this name."


def test_only_one_of_several_releases_an_upload(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)

    async def work(held: HeldUploads) -> list[Any]:
        hold = await held.find(upload.key)
        return await asyncio.gather(*(held.release(hold) for _ in range(4)))

    done = deciding(demo, work)

    assert len([each for each in done if each]) == 1
    assert (events(demo, upload.key), used(demo)) == (["uploaded"], (5, 1))
    assert listed(site, upload)


@pytest.mark.parametrize("moment", ["waiting", "leased", "copied", "held"])
def test_an_upload_that_is_deleted_before_its_release_never_appears(
    demo: Demo, site: httpx.Client, moment: str
) -> None:
    upload = recorded(demo, site)
    hold = deciding(demo, lambda held: held.find(upload.key))
    if moment == "held":
        find_bad(demo, upload.key)
    elif moment != "waiting":
        hold = leased(demo, upload.key)
    if moment == "copied":
        copy(demo, upload.key)

    undo = site.delete(address(upload.key)).json()["undo"]

    assert undo is None
    assert (mine(site), used(demo)) == ({}, (0, 0))
    assert site.post("/api/receipts", json=upload.report).status_code in (200, 404)
    assert deciding(demo, lambda held: held.release(hold)) is None
    assert mine(site) == {}
    demo.oss.clock.advance(61)
    run(demo, "admin", "reconcile")
    deciding(demo, lambda held: held.purge())
    later = utc_now() + timedelta(minutes=2)
    with patch("ossferry.uploads.trash.utc_now", lambda: later):
        deciding(demo, lambda held: held.purge())
    assert [key for key in objects(demo) if upload.key in key] == []
    assert rows(demo, "SELECT key FROM holds WHERE key = ?", upload.key) == []
    assert (mine(site), events(demo, upload.key)) == ({}, [])


def copy(demo: Demo, key: str) -> None:
    """Copy a held object to its key, as a scanner does that ends before it records the copy."""
    operators_bucket(demo).copy_object(demo.bucket, "incoming/" + key, key)


def test_a_scanner_that_ended_between_copy_and_record_is_taken_over(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site)
    leased(demo, upload.key, lease_s=0)
    copy(demo, upload.key)
    invisible = [sees(demo, site, upload) for name, sees in READERS.items() if name != "links key"]

    hold = leased(demo, upload.key)
    assert not any(invisible)
    assert deciding(demo, lambda held: held.release(hold))
    assert (events(demo, upload.key), used(demo)) == (["uploaded"], (5, 1))


def test_a_copy_of_what_turned_out_bad_is_removed(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    copy(demo, upload.key)

    find_bad(demo, upload.key)

    assert [key for key in objects(demo) if upload.key in key] == ["incoming/" + upload.key]


def test_what_a_release_left_below_incoming_is_removed(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    release(demo, upload.key)
    operators_bucket(demo).put_object("incoming/" + upload.key, b"hello", headers=IMAGE)
    operators_bucket(demo).put_symlink(upload.key, f"incoming/{upload.key}.link")

    assert listed(site, upload, sort="newest")
    assert site.post("/api/receipts", json=upload.report).json()["held"] is False
    run(demo, "admin", "reconcile")
    assert [key for key in objects(demo) if upload.key in key] == [upload.key]
    assert (events(demo, upload.key), used(demo)) == (["uploaded"], (5, 1))


@pytest.mark.parametrize("operation", ["CopyObject", "HeadObject", "DeleteObject"])
@pytest.mark.parametrize("when", ["before", "before-answer"])
def test_a_lost_answer_releases_nothing_twice(
    demo: Demo, site: httpx.Client, operation: str, when: str
) -> None:
    upload = recorded(demo, site)
    demo.oss.faults.add("reset", operation=operation, when=when, times=1)
    done = None
    for _ in range(2):
        if not listed(site, upload, sort="newest"):
            try:
                done = release(demo, upload.key) or done
            except OssLostError:
                continue

    demo.oss.faults.clear()
    assert done is not None
    assert (events(demo, upload.key), used(demo)) == (["uploaded"], (5, 1))
    run(demo, "admin", "reconcile")
    assert [key for key in objects(demo) if upload.key in key] == [upload.key]


def test_t68_credentials_from_before_the_setting_release_nothing(
    demo: Demo, site: httpx.Client
) -> None:
    grant = site.post("/api/grant").json()
    released = recorded(demo, site)
    release(demo, released.key)
    early = Upload(key=f"{grant['prefix']}2026-03-14/{'b' * 32}/e.txt", report={})
    for key in (early.key, released.key):
        operators_bucket(demo).put_object(key, b"unscanned")

    for upload in (early, released):
        share = site.post("/api/share", json={"key": upload.key, "expires_s": 60})
        assert (share.status_code, share.json()["code"]) == (409, "held")
    assert early.key not in mine(site)
    run(demo, "admin", "reconcile")
    assert [each["held"] for each in mine(site).values()] == [True, True]
    site.delete(address(released.key))
    assert release(demo, early.key)
    assert [listed(site, upload) for upload in (early, released)] == [True, False]
    assert released.key not in objects(demo)


def test_after_the_setting_is_switched_back_what_waits_is_still_held(
    demo: Demo, site: httpx.Client
) -> None:
    upload = recorded(demo, site)
    grant = site.post("/api/grant").json()
    back = demo.settings.model_copy(update={"release": "uploaded", "clamd": ""})
    with Other(demo, back) as other:
        share = other.post("/api/share", json={"key": upload.key, "expires_s": 60})
        late = put_with(grant, demo, b"sent with the earlier grant")
        assert other.post("/api/receipts", json=late.report).json()["held"]
        assert share.json()["code"] == "held"
        assert {each["held"] for each in mine(other).values()} == {True}
        assert other.post("/api/grant").json()["held"] == ""

        for key in (upload.key, late.key):
            assert release(demo, key, back)

        assert [listed(other, each) for each in (upload, late)] == [True, True]
        unheld = recorded(demo, other)
        assert listed(other, unheld)


class Other:
    """Another server with the same ledger and bucket; the value is a client signed in as Alice."""

    def __init__(self, demo: Demo, settings: Settings) -> None:
        self._demo = demo
        self._settings = settings

    def __enter__(self) -> httpx.Client:
        from ossferry.app import create_app
        from ossferry.cli.demo import SERVER
        from ossferry.oss.bucket import OssBucket
        from ossferry.oss.sts import StsClient, access_key, objects_sts
        from support.app_client import app_client

        (pair,) = SERVER.keys.items()
        keys, clock = access_key(*pair), self._demo.oss.clock.now
        store = OssBucket(self._settings, objects_sts(self._settings, keys), clock=clock)
        sts = StsClient(self._settings, keys)
        app = create_app(self._settings, assume_role=sts, clock=clock, store=store)
        self._client = app_client(app, self._demo.url)
        self._client.headers.update(SAME_SITE)
        become(self._client, "alice")
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()


def test_a_damaged_upload_that_waits_is_removed(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    damaged = put(demo, site, b"damaged")
    run(demo, "admin", "reconcile")  # records it before the page reports it
    etag = objects(demo)["incoming/" + damaged.key].etag
    refusal = {**damaged.report, "crc64": "1", "etag": etag}

    kept = site.post("/api/receipts/refused", json=upload.report)
    gone = site.post("/api/receipts/refused", json=refusal)

    assert kept.json()["code"] == "upload-stands"
    assert gone.json()["outcome"] == "removed"
    assert (list(mine(site)), used(demo)) == ([upload.key], (5, 1))


def test_an_operator_downloads_releases_and_removes(
    demo: Demo, site: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    uploads = [recorded(demo, site, name=name) for name in ("first.txt", "second.txt")]
    find_bad(demo, uploads[1].key, reason="<b>bad</b>")

    page = site.get("/admin").text
    answers = [
        site.post(f"/admin/held/{action}", data={"key": upload.key})
        for action, upload in (
            ("look", uploads[0]),
            ("release", uploads[0]),
            *((action, uploads[0]) for action in ("release", "remove", "look")),
            ("remove", uploads[1]),
        )
    ]
    become(site, "bob")
    foreign = site.post("/admin/held/release", data={"key": uploads[1].key})
    cross = site.post(
        "/admin/held/remove", data={"key": "x"}, headers={"sec-fetch-site": "cross-site"}
    )

    assert "waits for the scanner" in page
    assert "&lt;b&gt;bad&lt;/b&gt;" in page
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    buttons = {
        name: row.count("<details>")
        for row in rows
        for name in re.findall(r"(\w+\.txt)<", row)
        if "held/release" in row
    }
    assert buttons == {"first.txt": 0, "second.txt": 1}  # only a refused one asks before
    assert {each.status_code for each in answers} == {303}
    again, said = "/admin", "/admin?gone="  # as to an administrator who was slower
    assert [each.headers["location"] for each in answers[1:]] == [again, said, said, said, again]
    become(site, "alice")
    pages = [site.get(path).text for path in (again, said)]
    assert ["Nothing was done" in each for each in pages] == [False, True]
    link = answers[0].headers["location"]
    assert "/incoming/uploads/alice-" in link
    assert "attachment" in link
    assert (foreign.json()["code"], cross.json()["code"]) == ("not-admin", "cross-site")
    become(site, "alice")
    assert list(mine(site)) == [uploads[0].key]
    lines = [line for line in caplog.messages if "held-" in line]
    assert [name for line in lines for name in ("look", "release", "remove") if name in line] == [
        *("look", "release", "release", "remove", "look", "remove", "release", "remove")
    ]
    assert [json.loads(line)["outcome"] for line in lines[2:5]] == ["not-stored"] * 3
    assert all(("second" not in line and "alice-" not in line) for line in lines)


def test_a_bad_upload_is_removed_after_the_operators_time(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    find_bad(demo, upload.key)

    deciding(demo, lambda held: held.purge())
    assert list(mine(site)) == [upload.key]
    later = utc_now() + timedelta(seconds=demo.settings.held_s + 1)
    with patch("ossferry.uploads.trash.utc_now", lambda: later):
        assert deciding(demo, lambda held: held.purge())

    assert (mine(site), used(demo)) == ({}, (0, 0))
    assert [key for key in objects(demo) if upload.key in key] == []


def test_the_server_removes_by_itself(web_dir: Path) -> None:
    with (
        patch("ossferry.background.PURGE_S", 0.1),
        Demo(web_dir=web_dir, **OPTIONS) as demo,
        httpx.Client(base_url=demo.url, trust_env=False, headers=SAME_SITE) as site,
    ):
        become(site, "alice")
        upload = recorded(demo, site)
        leased(demo, upload.key, lease_s=1)

        site.delete(address(upload.key))

        assert "incoming/" + upload.key in objects(demo)
        until(lambda: "incoming/" + upload.key not in objects(demo))


def test_a_bucket_with_versions_keeps_none_below_incoming(web_dir: Path) -> None:
    with (
        Demo(web_dir=web_dir, undo="versions", **OPTIONS) as demo,
        httpx.Client(base_url=demo.url, trust_env=False, headers=SAME_SITE) as site,
    ):
        become(site, "alice")
        released, deleted = (recorded(demo, site, name=name) for name in "ab")

        release(demo, released.key)
        site.delete(address(deleted.key))

        found = operators_bucket(demo).list_object_versions(prefix="incoming/")
        assert (found.versions, found.delete_marker) == ([], [])
        assert list(objects(demo)) == [released.key]


async def test_a_report_that_comes_after_the_release_holds_nothing_again(ledger_url: str) -> None:
    alice, key, claim = owner(), "uploads/x/1", {"version": "", "ran": []}
    async with opened(ledger_url) as database:
        await record(database, alice, key)
        before = await usage(database, alice)
        async with database.write() as connection:
            seen = stored(key, is_held=True)  # before the release
            [found] = await holds.record_all(
                connection, alice, [(seen, "")], source="page", now=NOW, checks={key: claim}
            )
            hold_ = await holds.find(connection, key)
        after = await usage(database, alice)

    assert (found.is_held, found.is_news, found.checks, hold_) == (False, False, claim, None)
    assert after == before


async def test_scanners_share_the_uploads_that_wait(ledger_url: str) -> None:
    alice, bob = owner(), owner("bob")
    async with opened(ledger_url) as database:
        await record(database, alice, "uploads/x/9")
        for number in range(5):
            await hold(database, (alice, bob)[number % 2], f"uploads/x/{number}")
        async with database.write() as connection:
            every = {"words": "", "sort": "size", "after": "uploads/x/0", "limit": 9}
            shown = await listing.page(connection, alice, **every)  # type: ignore[arg-type]
            first = await holds.lease(connection, holder="a", now=NOW, lease_s=60, limit=3)
            second = await holds.lease(connection, holder="b", now=NOW, lease_s=60, limit=3)
            bad, later, lost = first
            kept = await holds.keep(connection, bad, reason="bad", remove_at=NOW)
            put_off = await holds.put_off(connection, later, next_at=NOW + timedelta(hours=1))
            end = NOW + timedelta(seconds=60)
            taken_over = await holds.lease(connection, holder="b", now=end, lease_s=60, limit=9)
            renewed = [
                await holds.renew(connection, each, now=end, lease_s=60)
                for each in (lost, taken_over[0])
            ]
            page = await holds.page(connection, principal=alice.hash, limit=2)
            rest = await holds.page(connection, principal=alice.hash, after=page[-1], limit=2)
            states = await holds.page(connection, state="held", limit=9)
            found = await holds.take(connection, lost.key, lost.etag)
            again = await holds.take(connection, lost.key, lost.etag)
            oldest = await holds.oldest(connection)
            overdue = await holds.overdue(connection, NOW, limit=9)

    assert [(each.key[-1], receipt.is_held) for each, receipt in shown or ()] == [
        *(("2", True), ("4", True), ("9", False))
    ]
    assert [len(each) for each in (first, second, taken_over)] == [3, 2, 3]
    assert {each.key for each in first}.isdisjoint(each.key for each in second)
    assert (kept, put_off, renewed) == (True, True, [False, True])
    assert [each.attempts for each in taken_over if each.key == lost.key] == [2]
    assert [each.key[-1] for each in (*page, *rest)] == ["0", "2", "4"]
    assert [each.key for each in states] == [each.key for each in overdue] == [bad.key]
    assert found is not None
    assert (again, oldest) == (None, NOW)
