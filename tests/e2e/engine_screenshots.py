"""Creates the images in `docs/images` that show the three browser engines side by side."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import cast

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from e2e.pages.uploader import UploaderPage
from e2e.screenshots import IMAGES, NARROW, make_files, throttle
from ossferry.cli.demo import Demo
from support import browsers, webkitgtk
from support.config import load

GAP_PX = 10
LABEL_PX = 40
WIDEST_PX = 2400
GREY = "#8a8f94"
SIZES = {"busy": (820, 1120), "phone": NARROW}
NAMES = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKitGTK"}


def main() -> None:
    """Write the images."""
    pictures: dict[str, list[Image.Image]] = {name: [] for name in SIZES}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder))
        for engine in browsers.ENGINES:
            with start(playwright, engine) as open_page, Demo() as demo:
                page = open_page()
                make_busy(UploaderPage(page, demo.url), demo, files)
                for name, (width, height) in SIZES.items():
                    page.set_viewport_size({"width": width, "height": height})
                    page.wait_for_timeout(500)
                    pictures[name].append(Image.open(BytesIO(page.screenshot())))
    for name, taken in pictures.items():
        joined = side_by_side(taken)
        joined.thumbnail((WIDEST_PX, joined.height))
        joined.save(IMAGES / f"engines-{name}.png", optimize=True)


@contextmanager
def start(playwright: Playwright, engine: str) -> Iterator[Callable[[], Page]]:
    """Start an engine, and yield a function that opens a page in it."""
    found = browsers.find(engine)
    if found is None:
        raise browsers.NoBrowserError(f"no {engine}: run `make prerequisites`")
    if found.driver:
        with webkitgtk.launched(found) as gtk, gtk.new_context() as context:
            yield lambda: cast(Page, context.new_page())
        return
    channel = "moz-firefox" if engine == "firefox" and found.path else None
    args = load().use.args if engine == "chromium" else []
    kind = getattr(playwright, engine)
    browser: Browser = kind.launch(executable_path=found.path, channel=channel, args=args)
    yield lambda: browser.new_page(locale="en-US")
    browser.close()


def make_busy(uploader: UploaderPage, demo: Demo, files: list[Path]) -> None:
    """Upload files, some of which are slow and one of which fails."""
    throttle(demo)
    uploader.start()
    uploader.choose(*files)
    uploader.row("report.docx").expect_state("failed")
    uploader.row("sales-q3.csv").expect_state("done")
    uploader.page.wait_for_timeout(2500)


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Join the engines' screenshots side by side, below their names."""
    width = sum(each.width for each in pictures) + GAP_PX * (len(pictures) - 1)
    height = LABEL_PX + max(each.height for each in pictures)
    joined = Image.new("RGB", (width, height), GREY)
    draw = ImageDraw.Draw(joined)
    font = ImageFont.load_default(LABEL_PX / 2)
    left = 0
    for engine, each in zip(browsers.ENGINES, pictures, strict=True):
        joined.paste(each, (left, LABEL_PX))
        middle = (left + each.width / 2, LABEL_PX / 2)
        draw.text(middle, NAMES[engine], fill="white", font=font, anchor="mm")
        left += each.width + GAP_PX
    return joined


if __name__ == "__main__":
    main()
