"""A page's own Python code that uses the uploader, as in `docs/uploader-api.md`."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo, operator_bucket, page_with
from e2e.storage_side import asked
from support.expecting import expect

pytestmark = pytest.mark.e2e

GUIDE = Path(__file__).parents[2] / "docs" / "uploader-api.md"


STREAMS = """
import js

from ossferry_uploader.browser.streams import file_from_stream
from upload_page.main import queue

queue.add(file_from_stream(js.File.new([js.big], "").stream(), "big.bin"))
queue.add(file_from_stream(js.chunks(), "small.txt", path="notes", content_type="text/plain"))
"""
CHUNKS = """
window.big = new Uint8Array(20_000_001).map((_, index) => (index * 7919) >> 5);
window.chunks = async function* () {
  yield "all ";
  yield new TextEncoder().encode("is ");
  yield new Blob(["well"]);
};
"""


def test_the_example_of_the_guide_and_streams_of_unknown_length_arrive_whole(
    start_demo: StartDemo, page: Page, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.+?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    demo, uploader = start_demo(web_dir=page_with(f"{example}\n{STREAMS}", tmp_path))
    page.add_init_script(CHUNKS)

    uploader.start()

    uploader.row("small.txt").expect_state("done")
    uploader.row("big.bin").expect_state("done", timeout_ms=60_000)
    uploader.row("big.bin").expect_says("20.0 MB")
    assert uploader.row("small.txt").key.endswith("/notes/small.txt")
    objects = demo.oss.bucket(demo.bucket).objects
    assert objects[uploader.row("small.txt").key].data == b"all is well"
    period = bytes((index * 7919 >> 5) & 255 for index in range(8192))
    sent = (period * 2442)[:20_000_001]
    assert objects[uploader.row("big.bin").key].data == sent
    assert len(asked(demo, "UploadPart", "big.bin")) == 3

    uploader.row("report.txt").expect_state("done")
    digest = hashlib.sha256(b"all is well").hexdigest()
    expect(page.locator("body")).to_have_attribute("data-report", re.compile(f"done .+ {digest}"))
    stored = operator_bucket(demo).get_object(uploader.row("report.txt").key)
    assert stored.read() == b"all is well"
    assert stored.headers["x-oss-meta-project"] == "spring"
