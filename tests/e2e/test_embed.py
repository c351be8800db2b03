"""The uploader embedded in another site's page, only for sites that the settings name."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from e2e.conftest import Console, slow_on_pyodide
from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.serving import serve

pytestmark = pytest.mark.e2e

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
EXAMPLE = Path(__file__).parents[2] / "docs/examples/embed.html"
LOCAL = "http://127.0.0.1:8000"


@contextmanager
def other_site(server: list[str]) -> Iterator[str]:
    """Serve the example page with `server[0]` as the server's URL."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(EXAMPLE.read_text("utf-8").replace(LOCAL, server[0]))

    async def icon(_request: Request) -> Response:
        return Response(status_code=204)

    async def head(_request: Request) -> Response:
        tag = f'<script type="module" src="{server[0]}/embed.js"></script>'
        return HTMLResponse(f"<!DOCTYPE html><head>{tag}</head><body><h1>A site</h1></body>")

    with serve(
        Starlette(routes=[Route("/", page), Route("/head", head), Route("/favicon.ico", icon)])
    ) as url:
        yield url


@slow_on_pyodide
def test_a_tag_in_the_head_shows_the_uploader_all_the_same(
    start_demo: StartDemo, page: Page
) -> None:
    server = [""]
    with other_site(server) as site:
        demo, _ = start_demo(frame_origins=(site,))
        server[0] = demo.url
        page.goto(f"{site}/head")

        expect(page.frame_locator("body > iframe").locator("#dropzone")).to_be_visible()


@slow_on_pyodide
def test_another_site_shows_the_uploader_and_hears_of_it(
    start_demo: StartDemo, page: Page, console: Console
) -> None:
    server = [""]
    with other_site(server) as site:
        demo, _ = start_demo(frame_origins=(site,))
        server[0] = demo.url
        page.goto(site)
        frame = page.frame_locator("#here iframe")
        expect(frame.locator("html[data-app=ready]")).to_be_attached(timeout=60_000)
        low = page.locator("#here iframe").bounding_box()

        for _ in range(4):
            frame.locator("#files").set_input_files(
                {"name": "essay.txt", "mimeType": "text/plain", "buffer": b"words"}
            )
            if frame.get_by_role("dialog").is_visible():
                frame.get_by_role("button", name="Keep both").click()

        expect(page.locator("#told")).to_have_text("All is there.")
        expect(frame.get_by_test_id("upload").first).to_have_attribute("data-state", "done")
        high = page.locator("#here iframe").bounding_box()
        assert low is not None
        assert high is not None
        assert high["height"] > low["height"]
        page.locator("#here iframe").evaluate("frame => frame.ossferry('language', 'ja')")
        expect(frame.get_by_role("heading", level=1)).to_have_text(re.compile("ドロップ"))
        page.locator("#here iframe").evaluate("frame => frame.ossferry('clear')")
        expect(frame.get_by_test_id("upload")).to_have_count(0)


@slow_on_pyodide
@pytest.mark.skip_browser("firefox")  # in Firefox, Playwright confuses the frame with the window
def test_what_opens_in_a_high_frame_opens_where_a_person_looks(
    start_demo: StartDemo, page: Page, console: Console
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    server = [""]
    with other_site(server) as site:
        demo, _ = start_demo(frame_origins=(site,))
        server[0] = demo.url
        page.goto(site)
        frame = page.frame_locator("#here iframe")
        expect(frame.locator("html[data-app=ready]")).to_be_attached(timeout=60_000)
        essays: list[FilePayload] = [
            {"name": f"essay-{number}.txt", "mimeType": "text/plain", "buffer": b"words"}
            for number in range(40)
        ]
        frame.locator("#files").set_input_files(essays)
        expect(page.locator("#told")).to_have_text("All is there.")

        last = frame.get_by_test_id("upload").last
        last.get_by_role("button", name="Copy link").click()
        expect(frame.locator("#toast span")).to_be_in_viewport(ratio=1)
        frame.get_by_role("button", name="My uploads").click()
        mine = frame.get_by_test_id("dialog-my-uploads")
        expect(mine.get_by_test_id("stored").nth(30)).to_be_attached()

        expect(mine).to_be_in_viewport(ratio=1)
        expect(frame.locator("#dropzone")).not_to_be_in_viewport()


def test_a_site_that_is_not_named_shows_nothing(demo: Demo, page: Page, console: Console) -> None:
    console.expected.append("frame-ancestors|X-Frame-Options|chrome-error")
    with other_site([demo.url]) as site:
        page.goto(site)

        expect(page.locator("#here iframe")).to_be_attached()
        expect(page.frame_locator("#here iframe").locator("#dropzone")).to_have_count(0)
