"""A page with a single byte changed in transit does not start, and says so. Threat T37."""

import hashlib
import re

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console
from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import SENDING

pytestmark = [pytest.mark.e2e, pytest.mark.own_page("an empty cache")]

PARTS = {
    "micropython": ("boot.js", "core.js", "uploader.py", "micropython.bin", "micropython.wasm"),
    "pyodide": ("boot.js", "pyodide.asm.wasm"),
}
IN_THE_WORKER = "fetch('/healthz?changed');"
SHA256 = """() => ossferry.checksum("sha256", new Blob(["x"]), 0, 1).text"""


def run_in_the_worker(route: Route) -> None:
    """Fulfil the request with a modified script."""
    answer = route.fetch()
    headers = {**answer.headers, "cache-control": "no-store"}
    for name in ("content-encoding", "content-length"):
        headers.pop(name, None)
    route.fulfill(status=200, headers=headers, body=IN_THE_WORKER + answer.text())


def change_one_byte(route: Route) -> None:
    answer = route.fetch()
    body = bytearray(answer.body())
    body[-1] ^= 1
    headers = {**answer.headers, "content-length": str(len(body))}
    headers.pop("content-encoding", None)
    route.fulfill(status=200, headers=headers, body=bytes(body))


def test_t37_a_byte_changed_on_the_way_stops_the_page(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    console.expected.append(".")  # each engine words the error differently
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for part in PARTS[runtime]:
        wanted = re.compile("/assets/.*/" + re.escape(part))
        page.route(wanted, change_one_byte)

        UploaderPage(page, f"{demo.url}/?runtime={runtime}").open()

        expect(page.locator("html")).to_have_attribute("data-app", "failed", timeout=30_000)
        expect(page.get_by_role("alert")).to_contain_text("This page could not start.")
        page.wait_for_timeout(500)  # anything that runs nevertheless would be visible by then
        expect(page.locator("html")).to_have_attribute("data-app", "failed")
        assert "Error" not in page.locator("body").inner_text()
        assert any(wanted.search(url) for url in asked), part
        page.unroute_all(behavior="wait")
    assert not any(url.endswith("/api/grant") for url in asked)


def test_t37_a_changed_script_of_the_checksum_worker_never_runs(
    uploader: UploaderPage, demo: Demo, page: Page, console: Console
) -> None:
    console.expected.append(".")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    scripts = re.compile(r"/assets/.*/(checksum_worker|crc64_wasm)\.js")
    page.context.route(scripts, run_in_the_worker)
    uploader.start()

    row = uploader.drop(patient__txt="x")

    row.expect_says("Waiting for the server of this page")
    assert any(scripts.search(url) for url in asked)
    assert [url for url in asked if url.endswith("?changed")] == []
    assert [seen for seen in demo.oss.requests if seen.operation in SENDING] == []
    page.context.unroute(scripts)
    row.expect_state("done", timeout_ms=30_000)


def test_t37_a_changed_script_for_sha256_never_runs(
    uploader: UploaderPage, page: Page, console: Console
) -> None:
    console.expected.append(".")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.context.route("**/sha256.js", run_in_the_worker)
    uploader.start()

    changed = page.evaluate(SHA256)
    page.context.unroute("**/sha256.js")
    right = page.evaluate(SHA256)

    assert any(url.endswith("/sha256.js") for url in asked)
    assert [url for url in asked if url.endswith("?changed")] == []
    assert changed == "!NetworkError: the checksum worker was not loaded"
    assert right == hashlib.sha256(b"x").hexdigest()


@pytest.mark.only_browser("chromium")  # WebDriver does not report preloads
@pytest.mark.pyodide
def test_t37_every_file_is_fetched_once_and_checked(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    assets = [url.removeprefix(demo.url) for url in asked if "/assets/" in url]

    checked = page.locator("script[type=importmap]").text_content() or ""
    assert assets
    assert sorted(set(assets)) == sorted(assets)
    assert [url for url in assets if f'".{url}":"sha256-' not in checked] == []
