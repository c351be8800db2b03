"""Actions on a completed upload with the page's buttons."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from e2e.conftest import Console
from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

SIZE = "async (image) => (await image.decode(), [image.naturalWidth, image.naturalHeight])"
SAME_AGAIN = """async () => {
  const answer = await fetch(location.href, {cache: "reload"});
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return [answer.status, btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))];
}"""


@pytest.fixture
def own_demo() -> Iterator[Demo]:
    """A separate demo, whose clock may be moved."""
    with Demo() as demo:
        yield demo


def test_an_upload_is_found_shared_deleted_and_brought_back(
    own_demo: Demo, page: Page, browser: Browser, console: Console, make_file: Callable[..., Path]
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (640, 320), "teal").save(picture, "PNG")
    uploader = UploaderPage(page, own_demo.url)
    uploader.open()
    uploader.expect_ready()
    uploader.choose(make_file("harbour.png", picture.getvalue()))
    row = uploader.row("harbour.png")
    row.expect_state("done")
    key = row.key

    page.reload()
    uploader.expect_ready()
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    stored = mine.get_by_test_id("stored")
    expect(stored).to_have_count(1)
    expect(stored).to_contain_text("harbour.png")
    expect(stored).to_contain_text("Arrived and verified")

    stored.get_by_role("button", name="Share…").click()
    share = uploader.dialog("share")
    preview = share.locator("img.preview")
    expect(preview).to_be_visible()
    assert preview.evaluate(SIZE) == [640, 320]
    share.get_by_label("Works for").select_option("1 hour")
    share.get_by_label("Open in the browser").check()
    share.get_by_role("button", name="Make a link").click()
    link = share.get_by_label("Link", exact=True).input_value()
    share.get_by_role("button", name="Close").click()
    working = mine.locator("summary").filter(has_text="active link")
    assert seen(browser, link) == (200, picture.getvalue())
    own_demo.oss.clock.advance(3601)
    assert seen(browser, link)[0] == 403
    own_demo.oss.clock.reset()

    expect(working).to_have_text("1 active link")
    stored.get_by_role("button", name="Delete").click()
    expect(mine.get_by_role("status")).to_contain_text("harbour.png was deleted.")
    expect(stored).to_have_count(0)
    assert seen(browser, link)[0] == 404
    expect(working).to_be_hidden()
    mine.get_by_role("button", name="Undo").click()
    expect(stored).to_have_count(1)
    expect(working).to_be_visible()
    assert own_demo.oss.bucket(own_demo.bucket).objects[key].data == picture.getvalue()

    page.goto(f"{own_demo.url}/admin")
    expect(page.get_by_role("cell", name=key)).to_be_visible()
    expect(page.locator("table").first).to_have_css("border-collapse", "collapse")


def seen(browser: Browser, link: str) -> tuple[int, bytes]:
    """Return the status and content that another person gets with a link."""
    with browser.new_context() as stranger:  # an empty profile without cache
        page = stranger.new_page()
        page.goto(link)
        status, letters = page.evaluate(SAME_AGAIN)
        return status, base64.b64decode(letters)
