"""Creates the image of the example for Streamlit in `docs/images`."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from e2e import test_python_apps
from support.browsers import executable
from support.config import ROOT, load

IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 860, 1140  # Streamlit scrolls in its page, which is as high as the window
SETTLE_MS = 4000  # after the last file is in the list


def photograph(browser: Browser, url: str) -> None:
    """Open the app, upload files, and save an image of the whole page."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5
    )
    page = context.new_page()
    page.goto(url)
    frame = page.frame_locator("oss-ferry iframe")
    frame.locator("html[data-app=ready]").wait_for(state="attached", timeout=60_000)
    frame.locator("#files").set_input_files(test_python_apps.PLATES[:2])
    frame.get_by_test_id("upload").nth(1).wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=IMAGES / "site-streamlit.png", full_page=True)
    context.close()


def main() -> None:
    """Create the image."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable(), args=load().use.args)
        with test_python_apps.example("streamlit", Path(folder)) as (url, _):
            photograph(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
