"""The user interface apart from uploads: texts, announcements and interactions."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from e2e.axe import violations
from e2e.conftest import Console, MakeFile, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import asked, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import fault_for, refuse

pytestmark = pytest.mark.e2e

REFUSED = "Failed to load resource: the server responded with a status of 403"
HEADINGS = {
    "ja-JP": ("ja", "ファイルやフォルダーをドロップ"),
    "ar-EG": ("ar", "أفلت ملفات أو مجلدًا هنا"),
}
HEAR = """() => {
  window.heard = [];
  const region = document.getElementById("announce");
  new MutationObserver(() => heard.push(region.textContent)).observe(region, {childList: true});
}"""
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
DOTS = """() => {
  const ends = [...document.querySelectorAll("#hint .dot")].filter((dot) =>
    dot.previousElementSibling.getBoundingClientRect().bottom
      <= dot.nextElementSibling.getBoundingClientRect().top);
  return ends.map((dot) => dot.getBoundingClientRect().width);
}"""
PASTE = """() => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(["pasted"], "image.png", {type: "image/png"}));
  const pasted = new Event("paste", {bubbles: true});  // Firefox makes no ClipboardEvent with files
  document.body.dispatchEvent(Object.assign(pasted, {clipboardData}));
}"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


def hold(demo: Demo, name: str) -> None:
    """Make OSS accept a file slowly, until the faults are cleared."""
    fault_for(demo, name, "bandwidth", bytes_per_s=200_000)


def test_axe_finds_nothing_in_any_state(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append(REFUSED)
    refuse(demo, "refused.txt", "SignatureDoesNotMatch")
    refuse(demo, "homeless.txt", "NoSuchBucket")
    console.expected.append("status of 404")
    uploader = UploaderPage(page, demo.url).start()
    expect(uploader.grant).to_contain_text("May add files to")
    found = {"empty": violations(page)}

    key = f"{uploader.grant.locator('code').inner_text()}elsewhere.bin"
    upload_id = operator_bucket(demo).init_multipart_upload(key).upload_id
    operator_bucket(demo).upload_part(key, upload_id, 1, b"x")
    uploader.start()
    expect(page.get_by_test_id("other-device")).to_be_visible()
    found["elsewhere"] = violations(page)

    hold(demo, "slow.bin")
    uploader.drop(done__txt="x", refused__txt="x", homeless__txt="x")
    uploader.choose(make_file("slow.bin", b"x" * 60_000_000))
    uploader.row("slow.bin").expect_state("uploading")
    uploader.row("refused.txt").expect_state("failed")
    uploader.row("homeless.txt").expect_state("failed")
    uploader.row("done.txt").expect_state("done")
    found["busy"] = violations(page)
    slow = uploader.row("slow.bin")
    slow.locator.get_by_role("button", name="Pause", exact=True).click()
    slow.expect_state("paused")
    found["paused"] = violations(page)
    slow.cancel_button.click()
    found["cancelled"] = violations(page)

    found |= in_dialogs(uploader)
    uploader.drop(done__txt="other")
    expect(uploader.dialog("same-name")).to_be_visible()
    found["same name"] = violations(page)
    demo.oss.faults.clear()

    assert {state: each for state, each in found.items() if each} == {}


def in_dialogs(uploader: UploaderPage) -> dict[str, list[str]]:
    """Open each dialog; return what axe finds in it."""
    page, found = uploader.page, {}
    foot = page.locator("#more")
    opened = {
        "signature": uploader.row("refused.txt").locator.get_by_role(
            "button", name="Explain signature"
        ),
        "share": uploader.row("done.txt").locator.get_by_role("button", name="Share…"),
        "my-uploads": foot.get_by_role("button", name="My uploads"),
        "receipt": foot.get_by_role("button", name="Receipt"),
        "shortcuts": foot.get_by_role("button", name="Keyboard shortcuts"),
    }
    for name, button in opened.items():
        button.click()
        dialog = uploader.dialog(name)
        expect(dialog).to_be_visible()
        if name == "share":
            dialog.get_by_role("button", name="Make a link").click()
            expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()
        found[name] = violations(page)
        if name == "my-uploads":
            dialog.get_by_role("button", name="Preview").first.click()
            expect(uploader.dialog("preview")).to_be_visible()
            found["preview"] = violations(page)
            page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
    page.keyboard.press("Alt+KeyT")
    expect(uploader.dialog("timeline")).to_be_visible()
    found["timeline"] = violations(page)
    page.keyboard.press("Escape")
    return found


@pytest.mark.core
def test_all_of_it_by_keyboard(
    uploader: UploaderPage, demo: Demo, page: Page, make_file: MakeFile
) -> None:
    hold(demo, "b.bin")
    uploader.drop(a__txt="x")
    second = uploader.choose(make_file("b.bin", b"x" * 3_000_000))
    uploader.row("a.txt").expect_state("done")
    second.expect_state("uploading")
    files = page.locator("#files")
    files.focus()
    expect(page.locator(".button:has(+ #files:focus-visible)")).to_have_count(1)

    uploader.row("a.txt").locator.get_by_role("button").first.focus()
    page.keyboard.press("ArrowDown")
    expect(second.locator.locator("button:focus")).to_have_count(1)
    page.keyboard.press("Alt+KeyP")
    second.expect_state("paused")
    page.keyboard.press("Delete")
    second.expect_state("cancelled")
    expect(second.undo_button).to_be_focused()
    demo.oss.faults.clear()
    page.keyboard.press("Enter")
    second.expect_state("paused")
    page.keyboard.press("Alt+KeyP")
    second.expect_state("done")
    page.keyboard.press("Alt+KeyK")
    expect(uploader.dialog("shortcuts")).to_contain_text("Alt+P")
    page.keyboard.press("Escape")
    expect(uploader.dialog("shortcuts")).to_have_count(0)


def test_what_is_heard_and_how_the_list_reads(
    uploader: UploaderPage, demo: Demo, page: Page, console: Console
) -> None:
    console.expected.append(REFUSED)
    refuse(demo, "no.txt", "AccessDenied", times=2)
    page.evaluate(HEAR)

    uploader.drop(yes__txt="x", no__txt="y")

    uploader.row("no.txt").expect_state("failed")
    uploader.row("yes.txt").expect_state("done")
    expect(page.locator("#announce")).to_contain_text("Finished")
    heard = [re.sub(r" *no\.txt: .*", "", each) for each in page.evaluate("heard")]
    assert heard[0] == "Uploading 2 files."
    assert heard[-1] == "Finished. 1 file arrived and verified. 1 file failed."
    assert len(heard) == len(set(heard))
    assert "".join(page.evaluate("heard")).count("no.txt: ") == 1
    expect(page.locator("#uploads")).to_match_aria_snapshot(
        """
        - paragraph: /1 of 2 files/
        - button "Retry 1 failed"
        - button "Clear finished"
        - progressbar "Progress of all uploads"
        - list "Uploads":
          - listitem:
            - paragraph: yes.txt
            - paragraph: /Arrived and verified/
            - group "yes.txt":
              - button "Copy link"
              - button "Share…"
              - button "Remove"
          - listitem:
            - paragraph: no.txt
            - paragraph:
              - text: /The storage service refused this file.*/
              - code: /AccessDenied EC .* request .*/
              - button "Copy report for support"
              - button "Show requests"
            - group "no.txt":
              - button "Retry"
              - button "Remove"
            - progressbar "Progress of no.txt"
        """
    )
    expect(page).to_have_title("ossferry")
    page.keyboard.press("Alt+r")
    until(page, lambda: [each.status for each in asked(demo, "PutObject", "no.txt")] == [403, 403])
    uploader.total.get_by_role("button", name="Retry 1 failed").click()
    uploader.row("no.txt").expect_state("done")


def test_the_language_is_that_of_the_browser(demo: Demo, browser: Browser) -> None:
    for locale, (code, heading) in HEADINGS.items():
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(demo.url, wait_until="commit")  # translated even before Python has started
        expect(page.get_by_role("heading", level=1)).to_have_text(heading, use_inner_text=True)
        expect(page.locator("html")).to_have_attribute("lang", code)
        direction = "rtl" if code == "ar" else "ltr"
        expect(page.locator("html")).to_have_attribute("dir", direction)
        context.close()


def test_a_name_that_is_there_is_asked_about_once_for_all(
    uploader: UploaderPage, demo: Demo, page: Page
) -> None:
    uploader.drop(a__txt="1", b__txt="1", c__txt="1")
    for name in ("a.txt", "b.txt", "c.txt"):
        uploader.row(name).expect_state("done")

    uploader.drop(a__txt="22", b__txt="22", c__txt="22", d__txt="22")

    dialog = uploader.dialog("same-name")
    expect(dialog).to_contain_text("“a.txt” is in the list already, with other content.")
    uploader.row("d.txt").expect_state("done")  # a question about other files does not block it
    dialog.get_by_role("button", name="Skip").click()
    expect(dialog).to_contain_text("b.txt")
    dialog.get_by_label("Do the same for 1 more file").check()
    dialog.get_by_role("button", name="Replace").click()
    expect(dialog).to_have_count(0)
    expect(uploader.row("b.txt").locator).to_contain_text("2 B")
    expect(uploader.row("c.txt").locator).to_contain_text("2 B")
    expect(uploader.rows).to_have_count(4)
    uploader.row("a.txt").expect_says("1 B")
    wanted = [("a.txt", b"1"), ("b.txt", b"22"), ("c.txt", b"22"), ("d.txt", b"22")]
    until(page, lambda: texts(demo) == wanted)  # the server replaces with the receipt


def texts(demo: Demo) -> list[tuple[str, bytes]]:
    """Return the names and contents of the stored texts, without those in the trash."""
    return sorted(
        (key.rpartition("/")[2], each.data)
        for key, each in demo.oss.bucket(demo.bucket).objects.items()
        if key.startswith("uploads/")
        and key.endswith(".txt")  # a closed page may have had other requests in flight
    )


def test_all_are_paused_cancelled_resumed_and_told_in_the_tab(
    uploader: UploaderPage, demo: Demo, page: Page, make_file: MakeFile
) -> None:
    hold(demo, "*.bin")
    names = [f"{letter}.bin" for letter in "abcdefgh"]
    uploader.choose(*[make_file(name, b"x" * 2_000_000) for name in names])
    expect(uploader.total).to_contain_text("0 of 8 files")
    expect(page).to_have_title(re.compile(r"^\d+% . ossferry$"))
    expect(page.locator("#icon")).to_have_attribute("href", re.compile("^data:image/svg"))

    uploader.total.get_by_role("button", name="Pause all").click()

    for name in names:
        uploader.row(name).expect_state("paused")
    uploader.total.get_by_role("button", name="Resume all").click()
    uploader.total.get_by_role("button", name="Cancel all").click()
    for name in names:
        uploader.row(name).expect_state("cancelled")
        uploader.row(name).undo_button.click()
    demo.oss.faults.clear()
    for name in names:
        uploader.row(name).expect_state("done")
    expect(page).to_have_title("ossferry")
    expect(page.locator("#icon")).to_have_attribute("href", re.compile("favicon"))
    uploader.total.get_by_role("button", name="Clear finished").click()
    expect(uploader.rows).to_have_count(0)


@pytest.mark.core
def test_folder_paste_and_thumbnail(uploader: UploaderPage, page: Page, tmp_path: Path) -> None:
    (tmp_path / "trip" / "day 1").mkdir(parents=True)
    (tmp_path / "trip" / "day 1" / "pixel.png").write_bytes(PNG)
    uploader.choose_folder(tmp_path / "trip")
    row = uploader.row("pixel.png")
    row.expect_state("done")
    assert "/trip/day 1/pixel.png" in row.key
    expect(row.locator.locator("canvas")).to_have_count(1)

    page.evaluate(PASTE)

    expect(uploader.rows.filter(has_text="pasted 20")).to_have_attribute("data-state", "done")


@pytest.mark.only_browser("chromium")  # only there can a test read the clipboard
def test_a_refused_signature_is_explained(
    uploader: UploaderPage, page: Page, console: Console
) -> None:
    console.expected.append(REFUSED)

    def change_the_type(route: Route) -> None:  # as a faulty proxy might
        route.continue_(headers={**route.request.headers, "content-type": "text/html"})

    page.route(re.compile(r"/changed\.txt$"), change_the_type)
    content = b"x" * 300_000  # too large for a form
    row = uploader.choose({"name": "changed.txt", "mimeType": "text/plain", "buffer": content})
    row.expect_state("failed")

    row.locator.get_by_role("button", name="Explain signature").click()

    dialog = uploader.dialog("signature")
    expect(dialog).to_contain_text("line 4: the content type was changed in transit")
    expect(dialog.locator("mark")).to_have_text(["plain", "html"])
    expect(dialog).to_contain_text("x-oss-security-token:(hidden)")
    expect(dialog).not_to_contain_text("x-oss-security-token:C")
    page.keyboard.press("Escape")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row.locator.get_by_role("button", name="Copy report for support").click()
    expect(page.locator("#toast")).to_have_text("Copied")
    report = page.evaluate("navigator.clipboard.readText()")
    assert "code: SignatureDoesNotMatch" in report
    assert "changed.txt" not in report
    row.locator.get_by_role("button", name="Show requests").click()
    lines = uploader.dialog("timeline").get_by_role("row")
    expect(lines.last).to_contain_text("PutObject")
    expect(lines.last).to_contain_text("403")
    uploader.dialog("timeline").get_by_role("button", name="Copy as JSON").click()
    until(page, lambda: page.evaluate("navigator.clipboard.readText()") != report)
    requests = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert requests[-1]["request_id"] in report
    assert requests[-1].keys().isdisjoint({"name", "key", "url"})


def test_nothing_shifts_or_overflows(demo: Demo, page: Page, console: Console) -> None:
    page.add_init_script(SHIFTS)
    uploader = UploaderPage(page, demo.url).start()
    expect(uploader.grant).to_contain_text("May add files to")
    assert page.evaluate("shifted") < 0.02
    uploader.drop(**{"a" * 4000 + "__txt": "x", "b__txt": "y"})
    uploader.row("b.txt").expect_state("done")

    for width, direction in ((320, "ltr"), (320, "rtl"), (1280, "rtl")):  # 320: 1280 at 400 %
        page.set_viewport_size({"width": width, "height": 256})
        page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_viewport_size({"width": width, "height": 640})  # lower windows show no hint
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(DOTS) == ([0] if width == 320 else [])  # no dot at the end of a line
