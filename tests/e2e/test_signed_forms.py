"""`OSSFERRY_GRANT=form`: the page uploads with signed forms, and never has credentials."""

import pytest

from e2e.conftest import MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, asked, expect_whole, noise
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

SIZES = {"empty.bin": 0, "small.bin": 10_000, "larger.bin": MIB, "large.bin": 20 * MIB}
OF_PARTS = {"InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"}


def started(start_demo: StartDemo, **options: object) -> tuple[Demo, UploaderPage]:
    demo, uploader = start_demo(grant="form", **options)
    uploader.start()
    return demo, uploader


@pytest.mark.core
def test_files_of_any_size_arrive_with_one_form_each(
    start_demo: StartDemo, make_file: MakeFile
) -> None:
    demo, uploader = started(start_demo)

    uploader.choose(*(make_file(name, noise(size)) for name, size in SIZES.items()))
    for name in SIZES:
        uploader.row(name).expect_state("done", timeout_ms=60_000)

    for name, size in SIZES.items():
        expect_whole(demo, name, noise(size))
        assert len(asked(demo, "PostObject", name)) == 1
    assert not [seen for seen in demo.oss.requests if seen.operation in OF_PARTS]


def test_only_a_large_file_needs_a_preflight(start_demo: StartDemo, make_file: MakeFile) -> None:
    demo, uploader = started(start_demo)

    def preflights() -> int:
        return len([seen for seen in demo.oss.requests if seen.method == "OPTIONS"])

    uploader.choose(make_file("a.bin", noise(10_000)), make_file("b.bin", noise(200_000)))
    for name in ("a.bin", "b.bin"):
        uploader.row(name).expect_state("done")
    assert preflights() == 0
    uploader.choose(make_file("c.bin", noise(MIB)))
    uploader.row("c.bin").expect_state("done")
    uploader.choose(make_file("d.bin", noise(2 * MIB)))
    uploader.row("d.bin").expect_state("done")

    assert preflights() == 1


def test_the_page_says_that_files_start_again_and_offers_no_speed_limit(
    start_demo: StartDemo,
) -> None:
    _, uploader = started(start_demo, max_file_size=5_000_000)

    expect(uploader.drop_zone).to_contain_text("Up to 5.0 MB each")
    expect(uploader.drop_zone).to_contain_text("after an interruption, a file starts again")
    expect(uploader.page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()
    expect(uploader.page.locator("#speed")).to_have_count(0)
