"""Makes the pictures in `docs/images`: the page in its states, light and dark, wide and narrow."""

import random
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from e2e.pages.uploader import UploaderPage
from ossferry.demo import Demo
from support.chromium import executable
from support.config import ROOT, load

IMAGES = ROOT / "docs" / "images"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
FILES = {
    "harbour at dawn 2026-11 final cut.mov": 24_000_000,
    "写真 — 夏の港 🌻.zip": 18_000_000,
    "sales-q3.csv": 45_200,
    "survey-disc-1.iso": 12_000_000,
    "report.docx": 310_000,
    "diagram.png": 2_400_000,
    "contract-draft.pdf": 1_100_000,
    "تقرير.xlsx": 88_000,
}


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    use = load().use
    with Demo() as demo, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        for name, size in FILES.items():
            Path(folder, name).write_bytes(random.Random(size).randbytes(size))
        browser = playwright.chromium.launch(executable_path=executable(), args=use.args)
        page = browser.new_page(viewport=WIDE, locale=use.locale, device_scale_factor=2)  # type: ignore[arg-type]
        _plan_faults(demo)
        uploader = UploaderPage(page, demo.url)
        uploader.open()
        uploader.expect_ready()
        expect(uploader.grant).to_contain_text("until")
        _shoot(page, "empty")
        uploader.choose(*[Path(folder, name) for name in FILES])
        expect(uploader.row("report.docx").locator).to_have_attribute("data-state", "failed")
        expect(uploader.row("diagram.png").locator).to_have_attribute("data-state", "done")
        expect(uploader.total).to_contain_text("left")
        _shoot(page, "busy")
        uploader.row("survey-disc-1.iso").cancel_button.click()
        _shoot(page, "cancelled")
        browser.close()


def _plan_faults(demo: Demo) -> None:
    """Make some files slow and one fail, so that every state is in the picture."""
    for name in ("harbour*", "写真*", "survey*"):
        demo.oss.faults.add("bandwidth", bytes_per_s=1_500_000, key=f"*/{name}", method="PUT")
    demo.oss.faults.add("error", code="AccessDenied", key="*/report.docx", method="PUT")


def _shoot(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, viewport in (("", WIDE), ("-phone", NARROW)):
            page.set_viewport_size(viewport)  # type: ignore[arg-type] # a dict with its two keys
            page.screenshot(path=IMAGES / f"{name}-{scheme}{width}.png", full_page=True)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type] # as above


if __name__ == "__main__":
    main()
