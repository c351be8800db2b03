"""Creates the images in `docs/images`: the page in its states, as users see it."""

import io
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2e.pages.uploader import CHECKED_MS, UploaderPage
from e2e.test_phones import PHONE
from ossferry.cli.demo import WITH_CHECKS, Demo
from ossferry.cli.samples.files import sample_folder
from support.browsers import executable
from support.config import ROOT, load
from support.faults import fault_for, refuse

IMAGES = ROOT / "docs" / "images"
LANGUAGES = {"en-US": "", "zh-CN": ".zh", "ja-JP": ".ja"}
"""The ending of the pictures for each language of the documents, by the locale of the browser."""

WIDE = (1280, 900)
REPAIR_HEIGHT = 720
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
REQUEST = {
    "Title": "Photos of the delivery",
    "Message": "Hello,\nplease send photos of all four sides of the crates, and the report.",
}
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


class Studio:
    """A browser, and files to upload."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.files = make_files(folder)

    @contextmanager
    def page(self, demo: Demo, locale: str = "en-US") -> Iterator[UploaderPage]:
        """Open the page of a demo and wait until it is ready."""
        width, height = WIDE
        context = self.browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, device_scale_factor=1.5
        )
        uploader = UploaderPage(context.new_page(), demo.url).start()
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
        for locale, ending in LANGUAGES.items():
            with Demo() as demo:
                busy(studio, demo, locale, f"busy{ending}")
        with Demo(**{**WITH_CHECKS, "checks_undo_s": 60}) as demo:
            checked(studio, demo)
            for locale, ending in LANGUAGES.items():
                repaired(studio, demo, locale, f"repair{ending}")
        with Demo(requests=True) as demo:
            asked(studio, demo)
        browser.close()


def busy(studio: Studio, demo: Demo, locale: str, name: str) -> None:
    """Eight files in all states."""
    with studio.page(demo, locale) as uploader:
        make_busy(studio, demo, uploader)
        shoot(uploader.page, name)


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


def checked(studio: Studio, demo: Demo) -> None:
    """Files that checks have refused and changed, and one about which a check asks."""
    with sample_folder(studio.folder) as folder, studio.page(demo) as uploader:
        uploader.choose(*[folder / CHANGED.get(name, name) for name in CHECKED])
        for name, state in CHECKED.items():
            uploader.row(name).expect_state(state, timeout_ms=CHECKED_MS)
        shoot(uploader.page, "checks")


def repaired(studio: Studio, demo: Demo, locale: str, name: str) -> None:
    """The problems of a table that a check has refused, in the dialog that repairs it."""
    with sample_folder(studio.folder) as folder, studio.page(demo, locale) as uploader:
        row = uploader.choose(folder / "orders-broken.csv")
        row.expect_state("failed", timeout_ms=CHECKED_MS)
        row.locator.locator("[data-does=repair]").click()
        dialog = uploader.dialog("repair")
        dialog.locator(".primary").click(timeout=CHECKED_MS)
        dialog.locator(".top-line button").click(timeout=CHECKED_MS)
        expect(dialog.get_by_test_id("problem").first).to_be_visible()
        uploader.page.mouse.move(0, 0)
        shoot(uploader.page, name, REPAIR_HEIGHT)


def asked(studio: Studio, demo: Demo) -> None:
    """A guest's page on a phone after the upload, and the request of the person who asks."""
    with studio.page(demo) as owner:
        owner.page.locator("[data-does=ask_for_files]").click()
        for label, text in REQUEST.items():
            owner.dialog("ask").get_by_label(label).fill(text)
        owner.dialog("ask").get_by_role("button", name="Make the link").click()
        request = owner.dialog("request")
        link = request.get_by_label("Link", exact=True).input_value()
        phone = studio.browser.new_context(**{**PHONE, "device_scale_factor": 1.5})
        guest = UploaderPage(phone.new_page(), link).start()
        guest.page.get_by_label("Your name").fill("Jonas Weber")
        guest.page.get_by_role("button", name="Continue").click()
        expect(guest.drop_zone).to_be_visible()
        guest.choose(*[path for path in studio.files if FILES[path.name] < 1_000_000])
        expect(guest.page.get_by_text("3 files have arrived.")).to_be_visible()
        expect(request.get_by_test_id("sent")).to_have_count(3)
        owner.page.mouse.move(0, 0)
        shoot(owner.page, "request", REPAIR_HEIGHT)
        guest.page.evaluate("scrollTo(0, 0)")
        save(guest.page, "guest")
        phone.close()


def shoot(page: Page, name: str, height: int = 0) -> None:
    """Take a screenshot, which has 256 colours, so that its file is smaller.

    Args:
        height: the height of the window; 0 for that of the page, so that the footer is at the end.
    """
    height = height or page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": WIDE[0], "height": height})
    save(page, name)


def save(page: Page, name: str) -> None:
    """Take a screenshot of the window as it is, with 256 colours."""
    page.wait_for_timeout(200)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
