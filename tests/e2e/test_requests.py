"""Requests for files: a person asks guests for files by a link."""

import csv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page

from e2e.conftest import Console, StartDemo
from e2e.pages.uploader import DROP, UploaderPage
from e2e.storage_side import until
from e2e.test_phones import LANGUAGES, PHONE, SPILLS, flat, too_small, violations
from ossferry.cli.demo import Demo
from ossferry.scanning.clamd import EICAR
from support.clamd import clamd
from support.expecting import expect

pytestmark = pytest.mark.e2e

PASSWORD = "lorry on the ferry"
HOSTILE = '<img src=x onerror="document.body.remove()"> {by} &amp; ' + "W" * 60
FILES = {f"crate {number}.jpg": bytes([number]) * 3000 for number in range(1, 5)} | {
    "contract — signed.pdf": b"%PDF-1.7 " + EICAR.encode()
}
NO_PICKER = "delete window.showSaveFilePicker"  # no test can answer its dialog


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[str]:
    """The socket of a clamd that finds EICAR."""
    with clamd(tmp_path) as socket:
        yield socket


def payloads(files: dict[str, bytes]) -> list[FilePayload]:
    kinds = {"jpg": "image/jpeg", "pdf": "application/pdf"}
    return [
        FilePayload(name=name, mimeType=kinds[name.rpartition(".")[2]], buffer=content)
        for name, content in files.items()
    ]


@contextmanager
def guest_page(browser: Browser, link: str, runtime: str, **context: Any) -> Iterator[UploaderPage]:
    """Open a link in a browser of its own; unexpected console messages fail the test."""
    with browser.new_context(**context) as opened:
        page = opened.new_page()
        console = Console()
        console.expected.append("status of (403|410)")
        console.listen(page)
        yield UploaderPage(page, f"{link}/?runtime={runtime}").start()
        assert console.unexpected() == []


def open_at_second_try(uploader: UploaderPage) -> Locator:
    """Open the dialog for a request; its sentences cannot be loaded at the first try."""
    opener = uploader.page.locator("#more").get_by_role("button", name="Ask for files")
    uploader.page.route("**/requests.json", lambda route: route.abort())
    opener.click()
    expect(uploader.page.locator("#toast")).to_contain_text("does not answer")
    uploader.page.unroute("**/requests.json")
    opener.click()
    return uploader.dialog("ask")


def ask_in_dialog(uploader: UploaderPage, asking: Locator) -> Locator:
    """Fill in the dialog for a request, and return the dialog with its link."""
    asking.get_by_label("Title").fill("Photos of the crates")
    asking.get_by_label("Message").fill("All four sides.\nThank you!")
    asking.get_by_text("More options").click()
    asking.get_by_label("Password").fill(PASSWORD)
    asking.get_by_label("Questions").fill("Order number *")
    asking.get_by_role("button", name="Make the link").click()
    return uploader.dialog("request")


def head(guest: UploaderPage) -> Locator:
    """Return who asks and for what, and the questions."""
    return guest.page.get_by_test_id("request")


def link_in(dialog: Locator) -> str:
    return dialog.get_by_label("Link", exact=True).input_value()


def ask(demo: Demo, **wish: Any) -> tuple[str, str]:
    """Make a request, open for a day, and return its link and its address in the API."""
    with httpx.Client(base_url=demo.url, trust_env=False) as site:
        now = parsedate_to_datetime(site.get("/healthz").headers["date"])
        wish["ends_at"] = (now + timedelta(days=1)).isoformat()
        made = site.post("/api/requests", json=wish).raise_for_status().json()
    return made["link"], f"{demo.url}/api/requests/{made['id']}"


def names_in_receipt(guest: UploaderPage) -> set[str]:
    """Save the open receipt, and return the names in it."""
    with guest.page.expect_download() as saved:
        guest.dialog("receipt").get_by_role("button", name="Save as CSV").click()
    rows = csv.DictReader(saved.value.path().read_text("utf-8-sig").splitlines())
    return {row["name"] for row in rows}


def unpacked(archive: Path) -> dict[str, bytes]:
    """Return the names and contents of the files in an archive."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.only_browser("chromium")  # only its downloads can be read
def test_a_guest_sends_five_files_by_phone_and_the_person_who_asked_saves_the_clean_ones(
    start_demo: StartDemo,
    page: Page,
    browser: Browser,
    console: Console,
    runtime: str,
    scanner: str,
) -> None:
    console.expected.append("ERR_FAILED")
    page.add_init_script(NO_PICKER)
    uploader = start_demo(requests=True, scans=True, clamd=scanner)[1].start()
    request = ask_in_dialog(uploader, open_at_second_try(uploader))
    expect(request.get_by_role("img", name="QR code of the link")).to_be_visible()
    expect(request).to_contain_text("No file has arrived yet.")

    with guest_page(browser, link_in(request), runtime, **PHONE) as guest:
        asked = head(guest)
        expect(asked.get_by_role("heading")).to_have_text("Alice asks you for files")
        expect(asked).to_contain_text("All four sides.")
        expect(guest.drop_zone).to_be_hidden()
        asked.get_by_label("Your name").fill("Gus")
        asked.get_by_label("Order number").fill("4711")
        asked.get_by_label("Password").fill("not this one")
        asked.get_by_role("button", name="Continue").click()
        expect(asked.get_by_role("alert")).to_contain_text("This password is wrong.")
        asked.get_by_label("Password").fill(PASSWORD)
        asked.get_by_role("button", name="Continue").click()

        expect(guest.drop_zone).to_be_visible()
        guest.choose(*payloads(FILES))
        expect(asked).to_contain_text("5 files have arrived.")
        asked.get_by_role("button", name="Save the receipt").click()
        assert names_in_receipt(guest) == set(FILES)
        guest.start()
        expect(guest.drop_zone).to_be_visible()  # the same device is known again
        expect(guest.rows).to_have_count(0)

        sent = request.get_by_test_id("sent")
        expect(sent).to_have_count(5)
        expect(request.get_by_test_id("guest")).to_have_text("GusOrder number: 4711")
        expect(sent.filter(has=page.get_by_role("button", name="Download"))).to_have_count(4)
        expect(sent.filter(has_text="pdf")).to_contain_text("Held: The virus scanner has found")
        with page.expect_download() as archive:
            request.get_by_role("button", name="Download all").click()
        assert archive.value.suggested_filename == "Photos of the crates.zip"
        assert unpacked(archive.value.path()) == {
            f"Gus/{name}": FILES[name] for name in FILES if name.endswith(".jpg")
        }
        saving = uploader.dialog("download")
        expect(saving.get_by_role("status")).to_have_text("Photos of the crates.zip is complete.")
        saving.get_by_role("button", name="Close", exact=True).last.click()

        request.get_by_role("button", name="Close the request").click()
        expect(request).to_contain_text("Closed")
    request.get_by_role("button", name="Close", exact=True).click()
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    mine.get_by_text("Asked for: 1 request").click()
    expect(mine.get_by_test_id("asked")).to_contain_text("Closed")


def test_a_guest_who_is_asked_nothing_adds_files_at_once_until_the_request_is_closed(
    start_demo: StartDemo, page: Page, console: Console, runtime: str
) -> None:
    console.expected.append("status of 410")
    demo, _ = start_demo(requests=True)
    link, in_api = ask(demo, title="Pictures", ask_name=False, max_files=2)
    guest = UploaderPage(page, f"{link}/?runtime={runtime}").start()

    expect(head(guest)).to_contain_text("Pictures")
    guest.drop(a__txt="a").expect_state("done")
    expect(head(guest)).to_contain_text("1 file has arrived.")
    asked = f"{demo.url}/api/requests"
    until(page, lambda: httpx.get(asked, trust_env=False).json()["requests"][0]["files"] == 1)
    guest.start()
    expect(guest.drop_zone).to_contain_text("up to 1 file")
    httpx.patch(in_api, json={"closed": True}, trust_env=False).raise_for_status()
    guest.drop_zone.evaluate(DROP, [["late.txt", "late"]])
    expect(head(guest).get_by_role("alert")).to_contain_text("This request takes no more files.")
    expect(guest.drop_zone).to_be_hidden()
    expect(guest.rows).to_have_count(0)


@pytest.mark.only_browser("chromium")  # only Chromium emulates touch
def test_hostile_texts_are_shown_as_text_and_fit_a_phone_in_all_languages(
    start_demo: StartDemo, page: Page, browser: Browser, runtime: str
) -> None:
    demo, uploader = start_demo(requests=True)
    uploader.start()
    fields = [{"name": "q1", "label": HOSTILE[:80], "required": True, "choices": [HOSTILE[:80]]}]
    link, _ = ask(demo, title=HOSTILE, text=HOSTILE * 3, fields=fields)
    found: dict[str, Any] = {}

    with guest_page(browser, link, runtime, **PHONE) as guest:
        asked = head(guest)
        for language in LANGUAGES:
            guest.page.locator("#language").select_option(language)
            expect(guest.page.locator("html")).to_have_attribute("lang", language)
            expect(asked.get_by_text(HOSTILE, exact=True)).to_be_visible()
            found[f"guest, {language}"] = problems(guest.page)
        guest.page.locator("#language").select_option("en")
        found["guest, axe"] = violations(guest.page)
        asked.get_by_label("Your name").fill(HOSTILE[:100])
        asked.get_by_label(HOSTILE[:80]).select_option(HOSTILE[:80])
        asked.get_by_role("button", name="Continue").tap()
        guest.choose(*payloads({"a.jpg": b"a"}))
        expect(asked).to_contain_text("1 file has arrived.")
        found["arrived"] = [*problems(guest.page), *violations(guest.page)]

    with browser.new_context(**PHONE, storage_state=page.context.storage_state()) as phone:
        mine = UploaderPage(phone.new_page(), uploader.url).start()
        mine.page.locator("#more").get_by_role("button", name="My uploads").tap()
        mine.page.get_by_text("Asked for: 1 request").tap()
        expect(mine.page.get_by_test_id("asked").locator("bdi")).to_have_text(HOSTILE)
        found["list"] = [*problems(mine.page), *violations(mine.page)]
        mine.page.get_by_test_id("asked").get_by_role("button", name="Open").tap()
        expect(mine.page.get_by_test_id("guest")).to_contain_text(HOSTILE[:100])
        found["request"] = [*problems(mine.page), *violations(mine.page)]
        mine.dialog("request").get_by_role("button", name="Close", exact=True).tap()
        mine.dialog("my-uploads").get_by_role("button", name="Ask for files").tap()
        mine.dialog("ask").get_by_text("More options").tap()
        found["ask"] = [*problems(mine.page), *violations(mine.page)]

    assert {state: each for state, each in found.items() if each} == {}


def problems(page: Page) -> list[Any]:
    """Return what does not fit the screen or a finger."""
    return [*too_small(page), *flat(page.evaluate(SPILLS))]
