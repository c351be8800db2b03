"""Creates the images of the example sites in `docs/images`."""

import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FilePayload, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from e2e import test_python_apps
from e2e.test_sites import LETTER, PHOTO, example
from ossferry.cli.demo import Demo
from support.browsers import executable
from support.config import ROOT, load
from support.npm_package import EXAMPLES
from support.serving import serve

IMAGES = ROOT / "docs" / "images"
LOCAL = "http://127.0.0.1:8000"
ESSAYS: list[FilePayload] = [
    {"name": name, "mimeType": "text/plain", "buffer": name.encode() * 900}
    for name in ("The harbour at night.txt", "Tides.txt", "写真.txt")
]


def photograph(
    browser: Browser,
    url: str,
    name: str,
    files: list[FilePayload],
    *,
    width: int = 860,
    height: int = 500,
    settle_ms: int = 1500,
    scheme: Literal["light", "dark"] = "light",
) -> None:
    """Open a site, upload files, and save an image of the whole page.

    Args:
        height: of the window. Streamlit scrolls in its page, which is as high as the window.
        settle_ms: time after the last file is in the list.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=1.5, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(url)
    frame = page.frame_locator("oss-ferry iframe")
    frame.locator("html[data-app=ready]").wait_for(state="attached", timeout=60_000)
    frame.locator("#files").set_input_files(files)
    frame.get_by_test_id("upload").nth(len(files) - 1).wait_for()
    page.wait_for_timeout(settle_ms)
    page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
    context.close()


def form_site(browser: Browser) -> None:
    text = (EXAMPLES / "embed.html").read_text("utf-8")
    servers: list[str] = []

    async def page(_request: Request) -> Response:
        return HTMLResponse(text.replace(LOCAL, servers[0]))

    with (
        serve(Starlette(routes=[Route("/", page)])) as url,
        Demo(frame_origins={url: "results"}) as demo,
    ):
        servers.append(demo.url)
        photograph(browser, url, "site-form", ESSAYS)


def main() -> None:
    """Create all images."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable(), args=load().use.args)
        form_site(browser)
        with example("react", Path(folder)) as (url, _):
            photograph(browser, url, "site-react", [PHOTO, LETTER])
            photograph(browser, url, "site-react-dark", [PHOTO], scheme="dark")
        with example("vue", Path(folder)) as (url, _):
            photograph(browser, url, "site-vue", [LETTER])
            photograph(browser, url, "site-vue-phone", [LETTER], width=390)
        with test_python_apps.example("streamlit", Path(folder)) as (url, _):
            plates = test_python_apps.PLATES[:2]
            photograph(browser, url, "site-streamlit", plates, height=1140, settle_ms=4000)
        browser.close()


if __name__ == "__main__":
    main()
