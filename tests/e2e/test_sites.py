"""The examples for React and Vue, built with the npm package, in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from e2e.conftest import Console
from e2e.pages.uploader import framed
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.npm_package import build_site, pack, site_folder
from support.serving import serve

pytestmark = pytest.mark.e2e

PHOTO: FilePayload = {
    "name": "wheel.png",
    "mimeType": "image/png",
    "buffer": b"\x89PNG\r\n\x1a\n" + bytes(200),
}
LETTER: FilePayload = {
    "name": "letter.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.7 words",
}


@contextmanager
def example(name: str, folder: Path) -> Iterator[tuple[str, Demo]]:
    """Build an example and serve it, beside a server that trusts it."""
    copy = site_folder(name, pack(folder), folder)
    (copy / "dist").mkdir()
    site = Starlette(routes=[Mount("/", StaticFiles(directory=copy / "dist", html=True))])
    with serve(site) as url, Demo(frame_origins={url: "results"}) as demo:
        build_site(copy, demo.url)
        yield url, demo


def test_the_component_for_react(page: Page, console: Console, tmp_path: Path) -> None:
    with example("react", tmp_path) as (url, demo):
        page.goto(url)
        frame = framed(page)
        frame.locator("#files").set_input_files([PHOTO, LETTER])

        expect(page.get_by_role("button", name="Send order, photos: 1")).to_be_enabled()
        expect(frame.get_by_test_id("upload").last).to_have_attribute("data-state", "failed")
        page.get_by_role("button", name="Send order, photos: 1").click()

        ((key, stored),) = demo.oss.bucket(demo.bucket).objects.items()
        expect(page.locator("output")).to_have_text(f"Sent: {key}")
        assert "/orders/42/" in key
        assert stored.headers["x-oss-meta-reference"] == "order%2042"
        assert stored.headers["x-oss-meta-shop"] == "Hamburg"
        frame.locator(f"[data-key='{key}']").get_by_role(
            "button", name="Remove", exact=True
        ).click()
        expect(page.get_by_role("button", name="Send order, photos: 0")).to_be_visible()


@pytest.mark.slow  # builds a site, as the story of React does
def test_the_component_for_vue(page: Page, console: Console, tmp_path: Path) -> None:
    with example("vue", tmp_path) as (url, demo):
        page.goto(url)
        frame = framed(page)
        frame.locator("#files").set_input_files([LETTER, PHOTO])

        expect(frame.get_by_test_id("upload").first).to_have_attribute("data-state", "paused")
        expect(page.locator("output")).to_contain_text("Files of this type are not taken here")
        page.get_by_role("button", name="Apply").click()

        expect(page.locator("output").first).to_contain_text("Stored: uploads/alice-")
        (key,) = demo.oss.bucket(demo.bucket).objects
        expect(page.locator("output").first).to_have_text(f"Stored: {key}")
        assert "/applications/" in key
        frame.locator(f"[data-key='{key}']").get_by_role(
            "button", name="Remove", exact=True
        ).click()
        expect(page.locator("output").first).not_to_contain_text("Stored")
