"""Actions on a completed file."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Download, FilePayload, Page, Route
from zxingcpp import read_barcodes

from e2e.axe import violations
from e2e.conftest import Console, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import asked, until
from mock_oss.world.model import BUCKET
from ossferry.cli.demo import WORLD, Demo
from support.after_upload import fetch
from support.expecting import expect
from support.programs import free_port

pytestmark = pytest.mark.e2e

LINKS = "files.localhost"
SHOWS_PDF = "() => void Object.defineProperty(navigator, 'pdfViewerEnabled', { value: true })"
RECEIPTS = re.compile(r"/api/receipts(/batch)?$")
SIZE = "async (image) => (await image.decode(), [image.naturalWidth, image.naturalHeight])"
LISTED = """fetch("/api/objects?sort=name&limit=1000")
  .then((answer) => answer.json()).then((found) => found.objects.length)"""


def test_a_picture_is_shown_before_it_is_shared_and_its_links_are_not_active_while_it_is_deleted(
    start_demo: StartDemo, page: Page, console: Console
) -> None:
    console.expected.append("blocked an inline style")  # Playwright's, for a screenshot in Firefox
    picture = io.BytesIO()
    Image.new("RGB", (640, 320), "teal").save(picture, "PNG")
    demo, uploader = start_demo()
    uploader.start()
    uploader.choose(FilePayload(name="a.png", mimeType="image/png", buffer=picture.getvalue()))
    row = uploader.row("a.png")

    row.locator.get_by_role("button", name="Share…").click()
    share = uploader.dialog("share")
    preview = share.locator("img.preview")
    expect(preview).to_be_visible()
    assert preview.evaluate(SIZE) == [640, 320]
    share.get_by_text("Change the picture").click()
    share.get_by_label("Size").select_option("400")
    share.get_by_label("Format").select_option("JPEG")
    share.get_by_label("Watermark").fill("写" * 22)
    share.get_by_role("button", name="Make a link").click()
    watermark = share.locator("[name=watermark]:invalid")
    assert "too long" in watermark.evaluate("(it) => it.validationMessage")
    share.get_by_label("Watermark").fill("© Alice")
    share.get_by_role("button", name="Make a link").click()
    link = share.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("^http"))
    location = httpx.get(link.input_value(), trust_env=False).headers["location"]
    shared = Image.open(io.BytesIO(fetch(demo, location).content))
    assert (shared.format, shared.size) == ("JPEG", (400, 200))
    code = share.get_by_role("img", name="QR code of the link").screenshot()
    codes = read_barcodes(Image.open(io.BytesIO(code)))
    assert [each.text for each in codes] == [link.input_value()]
    share.get_by_role("button", name="Close").click()

    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    assert mine.get_by_test_id("stored").locator("img").evaluate(SIZE) == [160, 160]
    mine.get_by_test_id("stored").get_by_role("button", name="Preview").click()
    assert uploader.dialog("preview").locator("img").evaluate(SIZE) == [640, 320]
    page.keyboard.press("Escape")
    active = mine.locator("summary").filter(has_text="active link")
    expect(active).to_have_text("1 active link")
    mine.get_by_test_id("stored").get_by_role("button", name="Delete").click()
    expect(active).to_be_hidden()
    mine.get_by_role("button", name="Undo").click()
    expect(active).to_be_visible()

    key = row.key
    page.goto(f"{demo.url}/admin")
    expect(page.get_by_role("cell", name=key)).to_be_visible()
    expect(page.locator("table").first).to_have_css("border-collapse", "collapse")


@pytest.mark.only_browser("chromium")  # only its clipboard can be read
def test_links_list_and_receipt(uploader: UploaderPage, demo: Demo, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#speed").select_option("250000")
    row = uploader.drop(report__txt="quarterly", photo__txt="not a photo")
    row.expect_state("done")
    uploader.row("photo.txt").expect_state("done")
    sent = [each for each in demo.oss.requests if each.key == row.key and each.method == "PUT"]
    assert [dict(each.headers)["x-oss-traffic-limit"] for each in sent] == ["2000000"]

    row.locator.get_by_role("button", name="Copy link").click()

    expect(page.locator("#toast")).to_contain_text("Link copied. It works until")
    link = page.evaluate("navigator.clipboard.readText()")
    assert page.evaluate("(url) => fetch(url).then((answer) => answer.text())", link) == "quarterly"

    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    mine.get_by_label("Search names").fill("report")
    stored = mine.get_by_test_id("stored").first
    expect(stored).to_contain_text("report.txt")
    expect(mine.get_by_test_id("stored").filter(has_text="photo")).to_have_count(0)
    page.set_viewport_size({"width": 360, "height": 740})
    name = stored.get_by_text("report.txt").bounding_box()
    assert name is not None
    assert name["width"] > 60  # beside or above the buttons, but never too narrow
    page.set_viewport_size({"width": 1280, "height": 900})
    mine.get_by_role("button", name="Close").click()

    key, crc64 = row.key, row.crc64
    uploader.total.get_by_role("button", name="Clear finished").click()
    expect(uploader.rows).to_have_count(0)
    page.locator("#more").get_by_role("button", name="Receipt").click()
    with page.expect_download() as table:
        uploader.dialog("receipt").get_by_role("button", name="Save as CSV").click()
    lines = Path(table.value.path()).read_text("utf-8-sig").splitlines()
    assert {each["name"]: each["key"] for each in csv.DictReader(lines)}["report.txt"] == key
    with page.expect_download() as saved:
        uploader.dialog("receipt").get_by_role("button", name="Save as JSON").click()
    receipt = json.loads(Path(saved.value.path()).read_text("utf-8"))
    names = {each["name"]: each for each in receipt["files"]}
    assert names["report.txt"]["key"] == key
    assert names["report.txt"]["crc64"] == crc64


def test_what_was_deleted_is_told_and_comes_back(start_demo: StartDemo, page: Page) -> None:
    _, uploader = start_demo()
    uploader.start()
    uploader.drop(one__txt="1", two__txt="2", three__txt="3")
    expect(uploader.rows.and_(page.locator("[data-state=done]"))).to_have_count(3)
    opener = page.locator("#more").get_by_role("button", name="My uploads")
    opener.click()
    mine = uploader.dialog("my-uploads")
    stored = mine.get_by_test_id("stored")
    expect(stored).to_have_count(3)
    expect(mine.get_by_role("button", name="Load more")).to_be_hidden()

    for name in ("one.txt", "two.txt"):
        stored.filter(has_text=name).get_by_role("button", name="Delete").dblclick()
        expect(mine.get_by_role("status")).to_contain_text(f"{name} was deleted.")
    mine.get_by_label("Search names").fill("thr")
    expect(mine.get_by_role("status")).to_have_text("1 file")
    mine.get_by_role("button", name="Close").click()

    uploader.row("one.txt").expect_says("Arrived, then deleted")
    buttons = uploader.row("one.txt").locator.get_by_role("button")
    expect(buttons.filter(has_text="Copy link")).to_have_count(0)
    opener.click()
    expect(stored).to_have_count(1)  # it appears above the deleted files, which then move down
    mine.get_by_text("2 deleted files can be restored").click()
    back = mine.get_by_test_id("deleted").filter(has_text="one.txt").get_by_role("button")
    back.dblclick()
    expect(stored).to_have_count(2)
    expect(mine.get_by_text("1 deleted file can be restored")).to_be_visible()
    page.keyboard.press("Escape")
    uploader.row("one.txt").expect_says("Arrived and verified")
    expect(buttons.filter(has_text="Copy link")).to_have_count(1)


def test_a_stored_file_is_renamed_and_moved_with_the_keyboard(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo()
    uploader.start()
    uploader.drop(report__csv="name;sum\nAnn;1,5\n").expect_state("done")
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    line, opener = mine.get_by_test_id("stored"), mine.get_by_role("button", name="Rename")
    opener.focus()

    page.keyboard.press("Enter")
    field = mine.get_by_label("New name of report.csv")
    expect(field).to_be_focused()
    page.keyboard.type("never")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(line).to_have_attribute("data-name", "report.csv")
    opener.click()
    expect(field).to_be_focused()
    field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})  # of an input method
    page.keyboard.type("Q3 \u202e")
    page.keyboard.press("Home")
    page.keyboard.type("2026/")
    page.keyboard.press("Enter")

    expect(mine.get_by_role("status")).to_have_text("The file is now called 2026/Q3 _.csv.")
    expect(line).to_contain_text("2026/Q3 _.csv")
    expect(opener).to_be_focused()
    line.get_by_role("checkbox").check()
    mine.get_by_label("Search names").fill("2026 q3")
    expect(mine.get_by_role("status")).to_have_text("1 file")
    expect(line.get_by_role("checkbox")).to_be_checked()
    with page.expect_request(lambda each: "Q3%2520_.csv" in each.url):
        line.get_by_role("button", name="Download").click()
    line.get_by_role("button", name="Preview").click()
    table = uploader.dialog("preview").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["name", "sum"])
    expect(table.get_by_role("cell")).to_have_text(["Ann", "1,5"])
    page.keyboard.press("Escape")
    line.get_by_role("button", name="Delete").click()
    expect(mine.get_by_role("status")).to_contain_text("Q3 _.csv was deleted.")
    mine.get_by_role("button", name="Undo").click()
    expect(line).to_contain_text("2026/Q3 _.csv")


@pytest.mark.slow
def test_a_pdf_is_shown_in_place_from_the_origin_of_the_links(
    start_demo: StartDemo, page: Page
) -> None:
    port, document = free_port(), io.BytesIO()
    Image.new("RGB", (600, 800), "teal").save(document, "PDF")
    demo, uploader = start_demo(
        oss_port=port,
        world=replace(WORLD, cnames={LINKS: BUCKET}),
        link_origin=f"http://{LINKS}:{port}",
        allowed_hosts=("127.0.0.1",),
    )
    uploader.start()
    page.evaluate(SHOWS_PDF)
    content = document.getvalue()
    uploader.choose(FilePayload(name="a.pdf", mimeType="application/pdf", buffer=content))
    uploader.row("a.pdf").expect_state("done")
    page.locator("#more").get_by_role("button", name="My uploads").click()

    uploader.dialog("my-uploads").get_by_role("button", name="Preview").click()

    expect(uploader.dialog("preview").locator("iframe")).to_have_attribute("title", "a.pdf")
    until(page, lambda: bool(asked(demo, "GetObject", "a.pdf")))
    shown = asked(demo, "GetObject", "a.pdf")[0]
    assert (shown.host, shown.status) == (f"{LINKS}:{port}", 200)
    assert shown.params["response-content-disposition"] == "inline"


def test_selected_files_are_saved_as_one_archive_and_deleted(
    start_demo: StartDemo, page: Page, browser_name: str
) -> None:
    downloads: list[Download] = []
    if browser_name == "chromium":  # only its downloads can be read
        page.add_init_script("delete window.showSaveFilePicker")  # no test can answer its dialog
        page.on("download", lambda each: downloads.append(each))
    uploader = start_demo()[1].start()
    uploader.drop(one__txt="1", two__txt="22", three__txt="333", four__txt="4444")
    expect(uploader.rows.and_(page.locator("[data-state=done]"))).to_have_count(4)
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    stored = mine.get_by_test_id("stored")
    mine.get_by_label("Select four.txt").check()
    stored.evaluate_all("lines => lines.forEach((line) => line.id = 'before')")
    mine.get_by_label("Order").select_option("size")
    expect(mine.locator("#before")).to_have_count(0)
    expect(stored).to_contain_text(["four.txt", "three.txt", "two.txt", "one.txt"])
    expect(mine.get_by_label("Select four.txt")).to_be_checked()  # also in the new order
    expect(mine.get_by_role("button", name="Download 1 file")).to_be_visible()
    mine.get_by_label("Select two.txt").click(modifiers=["Shift"])
    mine.get_by_role("button", name="Download 3 files").click()
    saving = uploader.dialog("download")
    expect(saving.get_by_role("status")).to_have_text("My uploads.zip is complete.")
    if browser_name == "chromium":
        until(page, lambda: bool(downloads))
        with zipfile.ZipFile(downloads[0].path()) as archive:
            assert {each: archive.read(each) for each in archive.namelist()} == {
                "four.txt": b"4444",
                "three.txt": b"333",
                "two.txt": b"22",
            }
    assert saving.get_by_role("progressbar").evaluate("(bar) => bar.value === bar.max")
    saving.get_by_role("button", name="Close", exact=True).last.click()

    mine.get_by_label("Select three.txt").click()
    mine.get_by_role("button", name="Delete 2 files").click()
    expect(stored).to_have_count(2)
    expect(mine.get_by_text("2 deleted files can be restored")).to_be_visible()
    expect(mine.get_by_role("button", name="Delete 2 files")).to_be_hidden()


def test_where_nothing_is_stored_there_is_nothing_to_search(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo()
    uploader.start()
    mine = uploader.dialog("my-uploads")

    for stored in (0, 1):
        if stored:
            uploader.drop(first__txt="x")
            uploader.row("first.txt").expect_state("done")
        page.locator("#more").get_by_role("button", name="My uploads").click()
        expect(mine.get_by_test_id("stored")).to_have_count(stored)
        expect(mine.get_by_role("status").first).to_have_text(
            "1 file" if stored else "Nothing is stored here yet."
        )
        expect(mine.get_by_role("searchbox")).to_have_count(stored)
        page.keyboard.press("Escape")


def test_all_uploads_are_searched_and_in_order_not_only_the_first_page(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo()
    uploader.start()
    held: list[Route] = []
    page.route(RECEIPTS, lambda route: held.append(route), times=1)  # the others wait for it
    uploader.drop(**{f"many{number}__txt": "x" * (number + 1) for number in range(210)})
    done = page.get_by_test_id("total")
    expect(done).to_contain_text("210 of 210 files", timeout=60_000)
    mine = uploader.dialog("my-uploads")
    for reported in (False, True):
        if reported:
            page.keyboard.press("Escape")
            held.pop().continue_()
            until(page, lambda: page.evaluate(LISTED) == 210, timeout_s=60)
        page.locator("#more").get_by_role("button", name="My uploads").click()
        expect(mine.get_by_role("status")).to_have_text("The first 200 files")
        expect(mine.get_by_test_id("stored")).to_have_count(200)
        mine.get_by_role("button", name="Load more").dblclick()
        expect(mine.get_by_role("status")).to_have_text("210 files")
        expect(mine.get_by_test_id("stored")).to_have_count(210)

    mine.get_by_label("Order").select_option("size")
    expect(mine.get_by_test_id("stored").first).to_contain_text("many209.txt")
    mine.get_by_label("Search names").fill("many7.t")
    expect(mine.get_by_test_id("stored")).to_have_count(1)
    mine.get_by_label("Search names").fill("nowhere")
    words = "No file has these words in its name or folder."
    expect(mine.get_by_role("status")).to_have_text(words)


def opened(demo: Demo, link: str) -> tuple[int, bytes]:
    """Open a link, and return its status and the file to which it leads."""
    answer = httpx.get(link, trust_env=False)
    target = answer.headers.get("location")
    return answer.status_code, fetch(demo, target).content if target else b""


def test_several_files_are_shared_by_one_link_that_lists_them(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo()
    uploader.start()
    uploader.drop(plan__txt="x", budget__csv="1,2")
    for name in ("plan.txt", "budget.csv"):
        uploader.row(name).expect_state("done")
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    for name in ("plan.txt", "budget.csv"):
        mine.get_by_label(f"Select {name}").check()
    mine.get_by_role("button", name="Share 2 files…").click()
    share = uploader.dialog("share")
    share.get_by_text("More options").click()
    share.get_by_label("Password").fill("open sesame")
    share.get_by_role("button", name="Make a link").click()
    field = share.get_by_label("Link", exact=True)
    expect(field).to_have_value(re.compile("/s/"))
    link = field.input_value()
    share.get_by_role("button", name="Close").click()
    mine.get_by_text("1 active link").click()
    expect(mine.get_by_test_id("link")).to_contain_text("2 files")

    page.goto(link)
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Show the files").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download budget.csv").click()

    assert saved.value.suggested_filename == "budget.csv"
    assert saved.value.path().read_text() == "1,2"
    assert violations(page) == []


def test_links_that_were_made_are_listed_with_their_notes_and_revoked(
    start_demo: StartDemo, page: Page
) -> None:
    page.context.grant_permissions(["clipboard-write"])
    demo, uploader = start_demo()
    uploader.start()
    uploader.drop(plan__txt="x")
    uploader.row("plan.txt").locator.get_by_role("button", name="Share…").click()
    share = uploader.dialog("share")
    share.get_by_label("Note, for you only").fill("for Bob")
    share.get_by_role("button", name="Make a link").dblclick()
    expect(share.get_by_label("Link", exact=True)).to_have_value(re.compile("^http"))

    link = share.get_by_label("Link", exact=True).input_value()
    share.get_by_role("button", name="Copy link").click()
    expect(share.locator(".toast")).to_have_text("Copied")

    share.get_by_label("Works for").select_option(label="7 days")

    expect(share.get_by_label("Link", exact=True)).to_have_count(0)
    share.get_by_role("button", name="Close").click()
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    mine.get_by_text("1 active link").click()
    line = mine.get_by_test_id("link")
    expect(line).to_contain_text("opened by 0 people")
    expect(line).to_contain_text("for Bob")
    assert opened(demo, link) == (303, b"x")
    line.get_by_role("button", name="Revoke").click()
    expect(line).to_have_count(0)
    assert opened(demo, link) == (410, b"")
    mine.get_by_test_id("stored").get_by_role("button", name="Preview").click()
    expect(uploader.dialog("preview").locator("pre")).to_have_text("x")
    page.keyboard.press("Escape")
    mine.get_by_test_id("stored").get_by_role("button", name="Share…").click()
    expect(page.get_by_role("dialog", name="Share a link")).to_be_visible()
