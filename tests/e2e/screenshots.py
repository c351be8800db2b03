"""Creates the images in `docs/images`: the page in its states, as users see it."""

import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from e2e.pages.uploader import CHECKED_MS, UploaderPage
from ossferry.cli.demo import WITH_CHECKS, Demo
from ossferry.cli.samples.files import sample_folder
from support.browsers import executable
from support.config import ROOT, load
from support.faults import fault_for, refuse

IMAGES = ROOT / "docs" / "images"
WIDE = (1280, 900)
NARROW = (390, 844)
FILES = {
    "harbour at dawn 2026-11 the long way round, final cut.mov": 24_000_000,
    "写真 — 夏の港 🌻.zip": 18_000_000,
    "sales-q3.csv": 45_200,
    "survey-disc-1.iso": 40_000_000,
    "report.docx": 310_000,
    "contract-draft.pdf": 64_000_000,
    "تقرير.xlsx": 88_000,
}
CHECKED = {
    "orders.csv": "done",
    "orders-ragged.csv": "failed",
    "bomb.zip": "failed",
    "contract.pdf": "failed",
    "notes.txt": "paused",
    "harbour.jpg": "paused",
    "IMG_0417.jpg": "paused",
    "panorama.jpg": "paused",
}
"""States of the rows of samples; a row has the name of the changed file."""

CHANGED = {"IMG_0417.jpg": "IMG_0417.heic", "panorama.jpg": "panorama.png"}
PICTURE = "sunset.png"
SUNSET = """(async () => {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d");
  const sky = context.createLinearGradient(0, 0, 0, 480);
  const colours = [[0, "#27476e"], [0.55, "#f2a65a"], [0.56, "#1d3f4f"], [1, "#0b2530"]];
  for (const [at, colour] of colours) sky.addColorStop(at, colour);
  context.fillStyle = sky;
  context.fillRect(0, 0, 640, 480);
  context.fillStyle = "#fff1c9";
  context.beginPath();
  context.arc(320, 245, 52, Math.PI, 0);
  context.fill();
  const blob = await canvas.convertToBlob();
  return [...new Uint8Array(await blob.arrayBuffer())];
})()"""
MANY = """(zone) => {
  const dataTransfer = new DataTransfer();
  for (let i = 1; i <= 2000; i++) {
    const name = `IMG_${String(i).padStart(4, "0")}.jpg`;
    dataTransfer.items.add(new File(["x".repeat(200 + i)], name));
  }
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""


class Studio:
    """A browser, and files to upload."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.files = make_files(folder)

    @contextmanager
    def page(
        self, demo: Demo, *, locale: str = "en-US", phone: bool = False
    ) -> Iterator[UploaderPage]:
        """Open the page of a demo and wait until it is ready."""
        width, height = NARROW if phone else WIDE
        context = self.browser.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            device_scale_factor=1.5,
            has_touch=phone,
            is_mobile=phone,
        )
        uploader = UploaderPage(context.new_page(), demo.url)
        uploader.open()
        uploader.expect_ready()
        expect(uploader.grant.locator("code")).to_be_visible()
        yield uploader
        context.close()


def make_files(folder: Path) -> list[Path]:
    """Write the files to upload."""
    for name, size in FILES.items():
        (folder / name).write_bytes(random.Random(size).randbytes(size))
    return [folder / name for name in FILES]


def throttle(demo: Demo) -> None:
    """Make some files slow, and one fail."""
    for name in ("harbour*", "写真*", "survey*", "contract*"):
        fault_for(demo, name, "bandwidth", bytes_per_s=600_000)
    refuse(demo, "report.docx", "AccessDenied")


def main() -> None:
    """Write all images."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    use = load().use
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable(), args=use.args)
        studio = Studio(browser, Path(folder))
        for story in (busy, phone, many, errors, done, resume, japanese, right_to_left):
            with Demo() as demo:
                story(studio, demo)
        with Demo(**{**WITH_CHECKS, "checks_undo_s": 60}) as demo:
            checked(studio, demo)
        browser.close()


def busy(studio: Studio, demo: Demo) -> None:
    """The empty page, then eight files in all states."""
    with studio.page(demo) as uploader:
        page = uploader.page
        shoot(page, "empty")
        shoot(page, "empty-dark", scheme="dark")
        make_busy(studio, demo, uploader)
        shoot(page, "busy")
        shoot(page, "busy-dark", scheme="dark")


def phone(studio: Studio, demo: Demo) -> None:
    """Eight files in all states, and a share link, on a phone."""
    with studio.page(demo, phone=True) as uploader:
        make_busy(studio, demo, uploader)
        shoot(uploader.page, "busy-phone", NARROW)
        shoot(uploader.page, "busy-phone-dark", NARROW, scheme="dark")
        share_picture(uploader)
        shoot(uploader.page, "share-phone", NARROW, full=False)


def make_busy(studio: Studio, demo: Demo, uploader: UploaderPage) -> None:
    """Bring uploads into all states: slow, waiting, failed and cancelled."""
    add_picture(studio, uploader)
    throttle(demo)
    uploader.choose(*studio.files)
    uploader.row("report.docx").expect_state("failed")
    uploader.row("sales-q3.csv").expect_state("done")
    page = uploader.page
    page.wait_for_timeout(2500)
    uploader.row("contract-draft.pdf").locator.locator("[data-does=pause]").click()
    uploader.row("写真 — 夏の港 🌻.zip").locator.locator("[data-does=cancel]").click()
    page.wait_for_timeout(400)


def add_picture(studio: Studio, uploader: UploaderPage) -> None:
    """Upload an image, so that there is a thumbnail."""
    path = studio.folder / PICTURE
    path.write_bytes(bytes(uploader.page.evaluate(SUNSET)))
    uploader.choose(path)
    row = uploader.row(PICTURE)
    row.expect_state("done")
    expect(row.locator.locator("canvas")).to_have_count(1)


def share_picture(uploader: UploaderPage) -> None:
    """Create a share link to the image; the dialog stays open."""
    uploader.row(PICTURE).locator.get_by_role("button", name="Share…").click()
    dialog = uploader.dialog("share")
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()


def many(studio: Studio, demo: Demo) -> None:
    """Two thousand files."""
    with studio.page(demo) as uploader:
        uploader.drop_zone.evaluate(MANY)
        expect(uploader.total).to_contain_text("of 2,000 files", timeout=60_000)
        expect(uploader.total).to_contain_text(re.compile("1,[0-9]{3} of 2,000"), timeout=60_000)
        shoot(uploader.page, "two-thousand", full=False)


def errors(studio: Studio, demo: Demo) -> None:
    """Failed uploads, the notice for all of them, and an explained signature error."""
    with studio.page(demo) as uploader:
        for name, code in (
            ("sales-q3.csv", "NoSuchBucket"),
            ("report.docx", "AccessDenied"),
            ("تقرير.xlsx", "SignatureDoesNotMatch"),
        ):
            refuse(demo, name, code)
        names = ("sales-q3.csv", "report.docx", "تقرير.xlsx")
        uploader.choose(*[studio.folder / name for name in names])
        for name in names:
            uploader.row(name).expect_state("failed")
        shoot(uploader.page, "errors")
        shoot(uploader.page, "errors-dark", scheme="dark")
        uploader.page.route(re.compile("/report.docx$"), change_the_type)
        demo.oss.faults.clear()
        row = uploader.row("report.docx")  # too large for a form
        row.retry_button.click()
        row.locator.get_by_role("button", name="Explain signature").click()
        expect(uploader.dialog("signature")).to_be_visible()
        shoot(uploader.page, "signature", full=False)


def change_the_type(route: Route) -> None:
    """Change the content type, as a faulty proxy might."""
    route.continue_(headers={**route.request.headers, "content-type": "application/octet-stream"})


def done(studio: Studio, demo: Demo) -> None:
    """All uploads completed, and one shared by a link."""
    with studio.page(demo) as uploader:
        add_picture(studio, uploader)
        names = ("sales-q3.csv", "report.docx", "تقرير.xlsx")
        uploader.choose(*[studio.folder / name for name in names])
        for name in names:
            uploader.row(name).expect_state("done")
        shoot(uploader.page, "done")
        page = uploader.page
        share_picture(uploader)
        shoot(page, "share", full=False)
        page.keyboard.press("Escape")
        page.locator("#more").get_by_role("button", name="My uploads").click()
        expect(uploader.dialog("my-uploads").get_by_test_id("stored")).to_have_count(4)
        shoot(page, "my-uploads", full=False)
        shoot(page, "my-uploads-phone", NARROW, full=False)
        page.keyboard.press("Escape")
        uploader.choose(studio.folder / "report.docx")
        expect(uploader.dialog("same-name")).to_be_visible()
        shoot(page, "same-name", full=False)


def checked(studio: Studio, demo: Demo) -> None:
    """Files that checks have refused and changed, and one about which a check asks."""
    for phone, suffix in ((False, ""), (True, "-phone")):
        size = NARROW if phone else WIDE
        with sample_folder(studio.folder) as folder, studio.page(demo, phone=phone) as uploader:
            uploader.choose(*[folder / CHANGED.get(name, name) for name in CHECKED])
            for name, state in CHECKED.items():
                uploader.row(name).expect_state(state, timeout_ms=CHECKED_MS)
            shoot(uploader.page, f"checks{suffix}", size)
            if not phone:
                shoot(uploader.page, "checks-dark", size, scheme="dark")


def resume(studio: Studio, demo: Demo) -> None:
    """A reload in the middle of three uploads, with other files waiting."""
    with studio.page(demo) as uploader:
        for key, skip in (("*/survey*", 3), ("*/contract*", 1), ("*/harbour*", 2)):
            demo.oss.faults.add(
                "bandwidth", bytes_per_s=50_000, key=key, operation="UploadPart", skip=skip
            )
        fault_for(demo, "*", "hang", times=50)
        uploader.choose(*[path for path in studio.files if path.name.isascii()])
        uploader.page.wait_for_timeout(6000)
        uploader.open()
        uploader.expect_ready()
        expect(uploader.page.get_by_test_id("unfinished").first).to_be_visible()
        shoot(uploader.page, "resume", full=False)


def japanese(studio: Studio, demo: Demo) -> None:
    """Files in several states in Japanese."""
    with studio.page(demo, locale="ja-JP") as uploader:
        fault_for(demo, "harbour*", "bandwidth", bytes_per_s=600_000)
        refuse(demo, "report.docx", "AccessDenied")
        uploader.choose(*studio.files[:5])
        uploader.row("report.docx").expect_state("failed")
        uploader.row("sales-q3.csv").expect_state("done")
        uploader.page.wait_for_timeout(2500)
        shoot(uploader.page, "japanese")


def right_to_left(studio: Studio, demo: Demo) -> None:
    """The same in Arabic, which is written from right to left."""
    with studio.page(demo, locale="ar-EG") as uploader:
        make_busy(studio, demo, uploader)
        shoot(uploader.page, "right-to-left")


def shoot(
    page: Page,
    name: str,
    size: tuple[int, int] = WIDE,
    *,
    scheme: Literal["light", "dark"] = "light",
    full: bool = True,
) -> None:
    """Take one screenshot."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(200)
    if full:  # with a window of the page's full height, so that the footer is at the end
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size[0], "height": height})
        page.wait_for_timeout(200)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


if __name__ == "__main__":
    main()
