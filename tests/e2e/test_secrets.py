"""Credentials stay in Python's memory, and the browser's storage is not trusted.

Threats T42, T43, T44 and T55.
"""

import json
import random
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.test_leaving import HIDE
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.fake_issuer import CLIENT_ID, CLIENT_SECRET, FakeIssuer
from support.programs import free_port
from support.reach import heap_strings_with, plant, reached_from_window
from support.serving import serve

pytestmark = pytest.mark.e2e

MIB = 1024**2
INTERPRETER = re.compile("proxy_|pyProxy|Module")  # objects that hold MicroPython's state
PLANTED = {
    "window.planted.text",
    "window.planted.list.0.bytes",
    "window.planted.table.entries.0.1.awaited",
}
ASK_BY_STUN = """async (port) => {
  try {
    const peer = new RTCPeerConnection({iceServers: [{urls: `stun:127.0.0.1:${port}`}]});
    peer.createDataChannel("x");
    await peer.setLocalDescription(await peer.createOffer());
    return "asked";
  } catch (error) {
    return error.message;
  }
}"""
SEARCH = """async (secrets) => {
  const found = [];
  const look = (where, text) => {
    if (secrets.some((secret) => text.includes(secret))) found.push(where);
  };
  look("localStorage", JSON.stringify({ ...localStorage }));
  look("sessionStorage", JSON.stringify({ ...sessionStorage }));
  look("cookies", document.cookie);
  look("address", location.href + JSON.stringify(history.state));
  look("document", document.documentElement.outerHTML);
  look("performance", JSON.stringify(performance.getEntries()));
  for (const name of await caches.keys()) look("cache", name);
  const wait = (asked) => new Promise((done, fail) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  let records = 0;
  for (const { name } of await indexedDB.databases()) {
    const database = await wait(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const kept = database.transaction(store).objectStore(store);
      const entries = [await wait(kept.getAllKeys()), await wait(kept.getAll())];
      records += entries[0].length;
      look(`IndexedDB ${name}`, JSON.stringify(entries));
    }
    database.close();
  }
  const workers = (await navigator.serviceWorker?.getRegistrations() ?? []).length;
  return { found, records, workers };
}"""
POISON = """async (records) => {
  const wait = (asked) => new Promise((done, fail) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  const opened = indexedDB.open("keyval-store");
  opened.onupgradeneeded = () => opened.result.createObjectStore("keyval");
  const database = await wait(opened);
  const store = database.transaction("keyval", "readwrite").objectStore("keyval");
  for (const [name, value] of records) await wait(store.put(value, name));
  database.close();
}"""


NAMES = """() => new Promise((done) => {
  const opened = indexedDB.open("keyval-store");
  opened.onsuccess = () => {
    const asked = opened.result.transaction("keyval").objectStore("keyval").getAllKeys();
    asked.onsuccess = () => { opened.result.close(); done(asked.result); };
  };
})"""


class Secrets:
    """The credentials that the server has given to the page."""

    def __init__(self, page: Page) -> None:
        self.values: set[str] = set()
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if response.url.endswith("/api/grant") and response.ok:
            grant = response.json()
            self.values |= {grant["access_key_secret"], grant["security_token"]}
            self.values.add(grant["access_key_id"])


def test_t42_t43_credentials_are_in_pythons_memory_only(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    console.expected.append(".")  # the search calls getters that log warnings
    secrets = Secrets(page)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    expect(uploader.grant).to_contain_text("May add")
    before = reached_from_window(page, secrets.values)
    demo.oss.faults.add("bandwidth", bytes_per_s=MIB, operation="UploadPart")
    uploader.choose(make_file("secret.bin", random.Random(5).randbytes(20 * MIB)))
    uploader.row("secret.bin").expect_state("uploading")
    during: dict[str, Any] = {"records": 0}
    while not during["records"]:
        page.wait_for_timeout(50)
        during = page.evaluate(SEARCH, list(secrets.values))
    reached = reached_from_window(page, secrets.values)
    plant(page, secrets.values)
    planted = reached_from_window(page, secrets.values)
    demo.oss.faults.clear()
    uploader.row("secret.bin").expect_state("done", timeout_ms=60_000)
    after: dict[str, Any] = page.evaluate(SEARCH, list(secrets.values))
    names = [name for name in page.evaluate("Object.keys(window)") if INTERPRETER.match(name)]
    page.evaluate(HIDE)  # an idle page that nobody sees gives up its credentials
    with page.expect_request("**/api/grant"):
        uploader.choose(make_file("later.txt", b"later"))
    uploader.row("later.txt").expect_state("done")

    assert len(secrets.values) >= 3
    assert (during["found"], after["found"], before, reached) == ([], [], [], [])
    assert set(planted) >= PLANTED
    assert names == []
    assert (during["workers"], after["workers"]) == (0, 0)


@pytest.mark.slow  # the story before looks at all that scripts can reach
@pytest.mark.only_browser("chromium")  # only Chromium gives access to its heap
@pytest.mark.own_page("it looks into the whole heap")
def test_t42_t43_no_copy_of_a_secret_stays_in_the_heap_of_javascript(
    page: Page, console: Console, runtime: str, start_demo: StartDemo, make_file: MakeFile
) -> None:
    console.expected.append(".")
    secrets = Secrets(page)
    kept: dict[str, list[str]] = {}
    port, issuer = free_port(), FakeIssuer()
    with serve(issuer.app()) as issuer.url:
        demo, _ = start_demo(
            port=port,
            auth="oidc",
            oidc_issuer=issuer.url,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
            public_url=f"http://localhost:{port}",
        )
        uploader = UploaderPage(page, f"http://localhost:{port}/?runtime={runtime}")
        page.goto(uploader.url)
        page.get_by_role("link", name="Sign in").click()
        uploader.start()
        expect(uploader.grant).to_contain_text("May add")

        def look(when: str) -> None:
            kept[when] = heap_strings_with(page, secrets.values)
            kept[when] += reached_from_window(page, secrets.values)

        demo.oss.faults.add("bandwidth", bytes_per_s=2 * MIB, operation="UploadPart")
        small = [make_file(f"small-{number}.txt", b"x" * number) for number in range(1, 20)]
        uploader.choose(make_file("large.bin", random.Random(5).randbytes(20 * MIB)), *small)
        uploader.row("small-19.txt").expect_state("done")
        look("during")
        demo.oss.faults.clear()
        uploader.row("large.bin").expect_state("done", timeout_ms=60_000)
        demo.oss.faults.add("bandwidth", bytes_per_s=MIB, operation="UploadPart")
        uploader.choose(make_file("left.bin", random.Random(6).randbytes(20 * MIB)))
        uploader.row("left.bin").expect_state("uploading")
        page.on("dialog", lambda dialog: dialog.dismiss())  # stay on the page
        with page.expect_response("**/logout"):
            page.get_by_role("button", name="Sign out").click()
        expect(uploader.notice("login_ended")).to_be_visible()
        look("signed out")

    assert len(secrets.values) >= 3
    assert kept == {"during": [], "signed out": []}


def looks(path: Path) -> dict[str, object]:
    """Return the fingerprint by which the page recognises a file."""
    found = path.stat()
    modified = int(found.st_mtime * 1000)
    return {"name": path.name, "path": "", "size": found.st_size, "modified": modified}


def forged_records(
    prefix: str, path: Path, letter: Path, treasure: str, *, now_s: float
) -> list[list[str]]:
    """Return records (name, text) that an attacker could write into the browser's storage."""
    good = {
        "version": 2,
        "owner": prefix,
        **looks(path),
        "key": f"{prefix}2026-01-01/x/video.bin",
        "upload_id": "EVIL",
        "part_size": 8 * MIB,
        "sent": 8 * MIB,
        "saved_at_s": now_s,
        "page": "page-1",
        "options": {},
        "endpoint": "https://evil.example",
        "bucket": "evil",
    }
    bob = "uploads/bob-aaaaaaaaaaaaaaaaaaaaaaaaaa/"
    records = [
        good,
        {**good, "owner": bob, "key": f"{bob}x"},
        {**good, "key": f"{bob}x"},
        {**good, "key": f"{prefix}../../{bob}x"},
        {
            **good,
            "key": f"{prefix}2026-01-01/y/video.bin",
            "upload_id": "<img src=x onerror=alert(1)>",
            "name": "<b>video.bin",
        },
        {**good, "key": treasure, "upload_id": "", "part_size": 0, "sent": 0, **looks(letter)},
    ]
    texts = [["1", ""], ["2", "{"], ["3", "null"]]
    texts += [[str(record["key"]), json.dumps(record)] for record in records]
    return texts


def test_t44_records_that_somebody_else_has_written_lead_nowhere(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    path = make_file("video.bin", random.Random(6).randbytes(17 * MIB))
    prefix = page.request.post(f"{demo.url}/api/grant").json()["prefix"]
    letter = make_file("letter.txt", b"not a treasure")
    treasure = f"{prefix}2026-01-01/z/treasure.txt"
    demo.oss.clock.advance(-600)  # too old to wait for a receipt
    operator_bucket(demo).put_object(treasure, b"treasure")
    demo.oss.clock.reset()
    page.goto(f"{demo.url}/healthz")
    now_s = page.evaluate("Date.now()") / 1000
    texts = forged_records(prefix, path, letter, treasure, now_s=now_s)
    page.evaluate(POISON, [[f"ossferry/{name}", text] for name, text in texts])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    console.expected += ["status of 404", "status of 409"]  # no such upload, and a refused deletion
    console.expected.append("favicon")  # Firefox requests it for a page without an icon
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    expect(page.get_by_test_id("unfinished").first).to_be_visible()

    row = uploader.choose(path)
    row.expect_state("done", timeout_ms=60_000)

    uploader.choose(letter)
    uploader.row("letter.txt").expect_state("done")

    assert operator_bucket(demo).get_object(treasure).read() == b"treasure"
    assert row.key.startswith(prefix)
    assert "evil.example" not in " ".join(asked)
    assert operator_bucket(demo).get_object(row.key).read() == path.read_bytes()
    at_bobs = [seen.status for seen in demo.oss.requests if "bob-aaaa" in seen.key + seen.path]
    assert [status for status in at_bobs if status is not None and status < 400] == []


def test_r60_what_another_person_left_in_this_browser_is_kept_a_month_and_not_shown(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    console.expected.append("favicon")
    page.goto(f"{demo.url}/healthz")
    now_s = page.evaluate("Date.now()") / 1000
    bob = "uploads/bob-aaaaaaaaaaaaaaaaaaaaaaaaaa/"
    record = {
        "version": 2,
        "owner": bob,
        **{"name": "hers.bin", "path": "", "size": 17 * MIB, "modified": 1},
        "upload_id": "U1",
        "part_size": 8 * MIB,
        "sent": 8 * MIB,
        "page": "page-1",
        "options": {},
    }
    ages_s = {"new": 0, "old": 31 * 86400}
    texts = {
        f"ossferry/{bob}{name}": json.dumps(
            {**record, "key": f"{bob}{name}", "saved_at_s": now_s - age_s}
        )
        for name, age_s in ages_s.items()
    }
    page.evaluate(POISON, [*texts.items()])
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")

    uploader.start()
    expect(uploader.grant).to_contain_text("May add")
    kept: list[str] = list(texts)
    while len(kept) > 1:
        page.wait_for_timeout(50)
        kept = [name for name in page.evaluate(NAMES) if name in texts]

    assert kept == [f"ossferry/{bob}new"]
    expect(page.get_by_test_id("unfinished")).to_have_count(0)
    assert "hers.bin" not in page.content()


def test_t55_the_page_reaches_nobody_by_webrtc(uploader: UploaderPage, page: Page) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(2)
        words = page.evaluate(ASK_BY_STUN, listener.getsockname()[1])
        with pytest.raises(TimeoutError):
            listener.recv(2048)

    assert "not a constructor" in words
