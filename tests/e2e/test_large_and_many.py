"""One file of a gigabyte, thousands of small files, and both together. Faults R42 and R45."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, pending
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

MANY = 2000
MOST = 10_000
KEEP_MEMORIES = """for (const name of ["instantiate", "instantiateStreaming"]) {
  const real = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const made = await real(...given);
    const found = Object.values((made.instance ?? made).exports);
    (window.memories ??= []).push(...found.filter((each) => each instanceof WebAssembly.Memory));
    return made;
  };
}"""
MEMORY = "() => memories.reduce((sum, each) => sum + each.buffer.byteLength, 0)"
HUGE = 20 * 1024 * MIB
DROP_MANY = """(zone, [count, size]) => {
  const transfer = new DataTransfer();
  for (let i = 0; i < count; i++) {
    transfer.items.add(new File([crypto.getRandomValues(new Uint8Array(size))], `${i}.bin`));
  }
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""


@pytest.mark.timeout(1200)
@pytest.mark.skip_browser("firefox")  # WebDriver buffers all bodies: 22 GB
def test_r42_r45_two_thousand_small_files_and_a_large_one_share_a_queue(
    uploader: UploaderPage, demo: Demo, tmp_path: Path, runtime: str, console: Console
) -> None:
    console.expected.append("503")  # on a busy machine the mock may answer the server too late
    path = tmp_path / f"huge-{runtime}.bin"
    with path.open("wb") as file:
        file.truncate(HUGE)
    large = uploader.choose(path)
    large.expect_state("uploading")

    uploader.drop_zone.evaluate(DROP_MANY, [MANY, 10240])

    total = uploader.total
    assert uploader.rows.count() < 100
    expect(total).to_contain_text(f"{MANY:,} of {MANY + 1:,} files", timeout=180_000)
    large.expect_state("uploading")  # added first, but small files overtake it
    large.expect_state("done", timeout_ms=900_000)
    expect(total).to_contain_text(f"{MANY + 1:,} of {MANY + 1:,} files")
    objects = demo.oss.bucket(demo.bucket).objects
    assert sorted(found.size for found in objects.values()) == [10240] * MANY + [HUGE]
    assert pending(demo, path.name) == []
    keys = {seen.access_key_id for seen in demo.oss.requests if seen.method == "POST"}
    assert len([key for key in keys if key.startswith("STS.")]) == 1


def measure_heap(page: Page) -> Callable[[], float]:
    """Return a function that returns the bytes of JavaScript's heap, without WebAssembly's."""
    browser = page.context.new_cdp_session(page)

    def used() -> float:
        usage = browser.send("Runtime.getHeapUsage")
        return float(usage["usedSize"]) + float(usage["backingStorageSize"])

    return used


@pytest.mark.only_browser("chromium")  # measured by DevTools
def test_ten_thousand_files_have_a_list_that_scrolls_and_a_right_total(
    uploader: UploaderPage, demo: Demo, page: Page
) -> None:
    page.add_init_script(KEEP_MEMORIES)
    uploader.start()
    heap, total = measure_heap(page), uploader.total
    before = heap() + page.evaluate(MEMORY)

    uploader.drop_zone.evaluate(DROP_MANY, [MOST, 100])

    expect(uploader.rows.first).to_be_visible(timeout=2_000)
    expect(total).to_contain_text(f"of {MOST:,} files", timeout=60_000)
    last = uploader.row(f"{MOST - 1}.bin").locator
    page.keyboard.press("End")
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("aria-posinset", str(MOST))
    assert uploader.rows.count() < 200
    expect(total).to_contain_text(f"{MOST:,} of {MOST:,} files", timeout=500_000)
    assert len(demo.oss.bucket(demo.bucket).objects) == MOST
    grown = heap() + page.evaluate(MEMORY) - before
    assert grown < 150e6


@pytest.mark.only_browser("chromium")  # measured by DevTools
def test_r45_a_large_file_costs_no_memory(
    uploader: UploaderPage, demo: Demo, page: Page, tmp_path: Path, runtime: str
) -> None:
    path = tmp_path / f"large-{runtime}.bin"
    with path.open("wb") as file:
        file.truncate(1024 * MIB)
    used = measure_heap(page)
    before = used()
    row = uploader.choose(path)
    most = 0.0
    for _ in range(2400):
        most = max(most, used() - before)
        if row.locator.get_attribute("data-state") == "done":
            break
        page.wait_for_timeout(100)

    row.expect_state("done")
    assert most < 40e6
    assert pending(demo, path.name) == []
