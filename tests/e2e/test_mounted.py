"""The page below a path of an application, which signs people in itself."""

import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, until
from support.browser_page import BUILT
from support.checking import NO_SHORT_TEXTS
from support.content import pdf
from support.examples import Example, running
from support.expecting import expect
from support.mounting import BELOW, mounting_site

pytestmark = pytest.mark.e2e

CONTENT = random.Random(3).randbytes(24 * MIB)


@pytest.mark.slow  # starts Pyodide, and waits for a slow line
def test_the_page_works_below_a_path_of_an_application(
    start_demo: StartDemo, page: Page, console: Console, make_file: MakeFile, runtime: str
) -> None:
    console.expected.append("net::ERR")  # the requests that the reload ends
    checks = make_file("checks.py", NO_SHORT_TEXTS.encode())
    demo, _ = start_demo(checks=checks, checks_built_in={"pdf": True})
    large = make_file("video.bin", CONTENT)
    with mounting_site(demo) as site:
        uploader = UploaderPage(page, f"{site.url}{BELOW}/?runtime={runtime}")
        uploader.open()
        page.get_by_role("button", name="I am Carol").click()
        uploader.expect_ready()
        expect(page.locator("#who")).to_have_text("Carol")

        uploader.choose(make_file("essay.txt", b"words"), make_file("plan.pdf", pdf(1)))
        plan, essay = uploader.row("plan.pdf"), uploader.row("essay.txt")
        plan.expect_state("done", timeout_ms=60_000)
        essay.expect_state("failed")
        essay.expect_says("Line 1: Write more.")
        assert plan.key.startswith("uploads/carol-")

        demo.oss.faults.add("bandwidth", bytes_per_s=100_000, operation="UploadPart", skip=1)
        uploader.choose(large)
        until(page, lambda: arrived(demo, "video.bin"))
        uploader.open()
        demo.oss.faults.clear()
        uploader.expect_ready()
        expect(page.get_by_test_id("unfinished")).to_contain_text("video.bin")
        video = uploader.choose(large)
        video.expect_state("done", timeout_ms=60_000)
        page.get_by_role("button", name="My uploads").click()
        mine = uploader.dialog("my-uploads")
        expect(mine.get_by_test_id("stored")).to_have_count(2)

    assert operator_bucket(demo).get_object(video.key).read() == CONTENT
    elsewhere = {path for path in site.asked if not path.startswith(f"{BELOW}/")}
    assert elsewhere - {"/favicon.ico"} == {"/sign-in"}
    assert {f"{BELOW}/api/receipts", f"{BELOW}/api/checks"} <= set(site.asked)


def test_the_fastapi_example_uploads_with_its_own_session(
    page: Page, console: Console, make_file: MakeFile, tmp_path: Path
) -> None:
    console.expected += ["status of 403", "favicon.ico"]  # Dave's grant; the sign-in page has none
    with running(Example(target="fastapi_app:app"), tmp_path, BUILT) as site:
        uploader = UploaderPage(page, f"{site.url}/uploads/")
        uploader.open()
        page.get_by_label("Name").fill("carol")
        page.get_by_role("button", name="Sign in").click()
        uploader.expect_ready()
        picture = uploader.choose(make_file("cat.png", b"\x89PNG\r\n\x1a\n"))
        picture.expect_state("done")
        key = picture.key
        uploader.choose(make_file("notes.txt", b"words"))
        uploader.row("notes.txt").expect_says("only images")

        page.context.clear_cookies()
        uploader.open()
        page.get_by_label("Name").fill("dave")
        page.get_by_role("button", name="Sign in").click()
        uploader.expect_ready()
        expect(uploader.grant).to_contain_text("Only Carol may upload pictures.")

    assert re.fullmatch(r"uploads/carol-[a-z0-9]+/pictures/[0-9-]{10}/[0-9a-f]{32}/cat\.png", key)
