"""The page of `ossferry demo`, on which a person drops the files to try the checks."""

import re
from pathlib import Path

import pytest

from e2e.axe import violations
from e2e.conftest import StartDemo, operator_bucket
from e2e.pages.repair import RepairDialog
from e2e.pages.uploader import CHECKED_MS
from ossferry.cli.demo import WITH_CHECKS
from ossferry.cli.samples.files import SAMPLES, Sample, sample_folder
from support.expecting import expect

pytestmark = pytest.mark.e2e

STATES = {"uploaded": "done", "changed": "done", "asks": "paused", "refused": "failed"}


def last_name(sample: Sample) -> str:
    """Return the name of the file after the checks; the README names it if it is a new one."""
    found = re.search(r"new name is (\S+)\.", sample.why)
    return found[1] if found else sample.name


@pytest.mark.timeout(600)  # with Pyodide in WebKit, each file takes some ten seconds
@pytest.mark.slow  # unit/server/test_sample_files.py checks the same files without a page
def test_each_sample_file_does_what_its_readme_says(start_demo: StartDemo, tmp_path: Path) -> None:
    demo, uploader = start_demo(**WITH_CHECKS)
    uploader.start()
    expect(uploader.page.locator("#demo")).to_contain_text("Files are checked in your browser")

    with sample_folder(tmp_path) as folder:
        uploader.choose(*folder.iterdir())
        for each in SAMPLES:
            row = uploader.row(last_name(each))
            row.expect_state(STATES[each.outcome], timeout_ms=CHECKED_MS)
            for line in re.findall(r"[Ll]ine (\d+)", each.why):
                row.expect_says(f"Line {line}:")
            if each.outcome == "changed":
                row.expect_says("→")
        uploader.row("README.txt").expect_state("done")
    expect(uploader.row("IMG_0417.jpg").locator.locator("canvas")).to_have_count(1)  # was HEIC

    dialog = RepairDialog(uploader, uploader.row("orders-broken.csv"))
    dialog.open()
    dialog.find_problems()
    dialog.fix("Written as day.month.year", "Convert")
    dialog.button("Write the corrected file").click()
    dialog.button("Upload the corrected file").click()
    dialog.row.expect_state("done", timeout_ms=CHECKED_MS)

    assert violations(uploader.page) == []
    uploader.page.set_viewport_size({"width": 390, "height": 844})
    box = uploader.row("notes.txt").locator.locator(".facts").bounding_box()
    assert box
    assert box["width"] > 200  # the buttons are below the question
    found = operator_bucket(demo).head_object(uploader.row("report.pdf").key)
    assert re.fullmatch("[0-9a-f]{64}", found.headers["x-oss-meta-audit-sha256"])
