"""Stored objects that differ from the file are removed, and listed nowhere. Fault R59."""

import re
import socket

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, asked, noise, stored, until
from support.expecting import expect
from support.records import record_keys

pytestmark = pytest.mark.e2e

# Damages the last byte of each body, as a fault that TCP's checksum does not detect.
DAMAGING = """{
  const { send } = XMLHttpRequest.prototype;
  const damaged = (blob) => new Blob([blob.slice(0, blob.size - 1), new Uint8Array([0])]);
  XMLHttpRequest.prototype.send = function (body) {
    if (body instanceof FormData) {
      body.set("file", damaged(body.get("file")));
      return send.call(this, body);
    }
    if (body instanceof Uint8Array) { // a form whose file is in memory
      const end = new TextDecoder("latin1").decode(body).lastIndexOf("\\r\\n--");
      body[end - 1] = 0;
      return send.call(this, body);
    }
    const blob = new Blob(body && typeof body !== "string" ? [body] : []);
    send.call(this, blob.size ? damaged(blob) : body);
  };
}"""


def take_little_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the servers' socket buffers; otherwise the whole file is read before the test changes
    it.

    With the kernel's defaults, 12 MiB were read within 2.5 s, however slow the server was.
    """
    listen = socket.socket.listen

    def listen_with_small_buffer(sock: socket.socket, backlog: int) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        listen(sock, backlog)

    monkeypatch.setattr(socket.socket, "listen", listen_with_small_buffer)


def expect_nothing_listed(uploader: UploaderPage) -> None:
    """Check that *My uploads* is empty."""
    uploader.page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    expect(mine.get_by_role("status")).to_have_text("Nothing is stored here yet.")
    expect(mine.get_by_test_id("stored")).to_have_count(0)


def test_what_was_damaged_in_every_put_is_not_among_my_uploads(
    start_demo: StartDemo, page: Page, console: Console
) -> None:
    page.add_init_script(DAMAGING)
    console.expected.append("status of 503")
    demo, uploader = start_demo()
    uploader.start()
    reports: list[int] = []

    def away_once(route: Route) -> None:
        reports.append(1)
        if len(reports) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"})
        else:
            route.continue_()

    page.route("**/api/receipts/refused", away_once)
    uploader.drop(flipped__txt="a file of text")

    uploader.row("flipped.txt").expect_state("failed")
    uploader.row("flipped.txt").expect_says("not what was sent")
    assert len(asked(demo, "PostObject", "flipped.txt")) == 3
    until(page, lambda: not stored(demo), timeout_s=30)
    assert len(reports) == 2
    expect_nothing_listed(uploader)


def test_a_file_that_is_overwritten_during_its_put_is_not_among_my_uploads(
    start_demo: StartDemo,
    page: Page,
    console: Console,
    make_file: MakeFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console.expected.append(".")  # the browser may abort the request itself
    take_little_ahead(monkeypatch)
    demo, uploader = start_demo()
    uploader.start()
    path = make_file("notes.bin", noise(12 * MIB, seed=71))
    demo.oss.faults.add("bandwidth", operation="PutObject", bytes_per_s=3 * MIB, times=1)

    uploader.choose(path)
    expect(uploader.row("notes.bin").locator).to_contain_text(re.compile("[1-9][0-9]? ?%"))
    path.write_bytes(noise(12 * MIB, seed=72))

    uploader.row("notes.bin").expect_state("failed", timeout_ms=60_000)
    until(page, lambda: not stored(demo), timeout_s=30)
    expect_nothing_listed(uploader)


def test_what_the_next_page_finds_under_the_key_is_never_removed(
    start_demo: StartDemo, page: Page, console: Console, make_file: MakeFile
) -> None:
    """The page cannot tell a damaged object from another file of the same size and time."""
    console.expected.append("status of 409")
    demo, uploader = start_demo()
    path = make_file("damaged.bin", noise(MIB, seed=74))
    uploader.start()
    page.evaluate(f"() => {DAMAGING}")
    uploader.hold_checksums()
    uploader.choose(path)
    uploader.row("damaged.bin").expect_says("Finishing: being verified")
    until(page, lambda: record_keys(page))
    damaged = stored(demo)

    uploader.start()
    uploader.choose(path)
    uploader.row("damaged.bin").expect_state("done")

    assert sorted(stored(demo)) == sorted([*damaged, uploader.row("damaged.bin").key])
