"""A large file is uploaded in parts, with faults, pauses and cancels."""

import random

import pytest

from e2e.conftest import MakeFile, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import asked
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

MIB = 1024**2
LARGE = random.Random(7).randbytes(40 * MIB + 3)
CONTENT = LARGE[: 20 * MIB + 3]

COUNT_COPIES = """() => {
  window.copied = 0;
  for (const [made, name] of [
    [Blob, "arrayBuffer"], [Blob, "bytes"], [Blob, "stream"], [Blob, "text"],
    [FileReader, "readAsArrayBuffer"],
  ]) {
    const read = made.prototype[name];
    if (!read) continue;
    made.prototype[name] = function (...given) {
      copied += (given[0] ?? this).size;
      return read.apply(this, given);
    };
  }
}"""


def parts_of(demo: Demo, name: str) -> list[str]:
    """Return the request ids of all part requests for a file."""
    return [
        seen.request_id
        for seen in demo.oss.requests
        if seen.operation == "UploadPart" and seen.key.endswith(f"/{name}")
    ]


def expect_stored(demo: Demo, key: str, content: bytes = CONTENT) -> None:
    bucket = operator_bucket(demo)
    assert bucket.get_object(key).read() == content
    assert bucket.list_multipart_uploads().upload_list == []


@pytest.mark.pyodide
def test_a_large_file_arrives_in_parts_that_the_page_does_not_copy_and_a_small_one_in_one(
    uploader: UploaderPage, runtime: str, demo: Demo, make_file: MakeFile
) -> None:
    uploader.page.evaluate(COUNT_COPIES)
    small, name = random.Random(1).randbytes(300_000), f"parts-{runtime}.bin"
    uploader.choose(make_file("small.bin", small), make_file(name, LARGE))

    uploader.row("small.bin").expect_state("done")
    row = uploader.row(name)
    row.expect_state("done", timeout_ms=60_000)

    # The faster the line, the larger the parts after the first; a connection gets at least one.
    assert 6 <= len(parts_of(demo, name)) < 41
    assert uploader.page.evaluate("new Blob(['abc']).text().then(() => copied)") == 3
    assert row.crc64 == str(demo.oss.bucket(demo.bucket).objects[row.key].crc64)
    expect_stored(demo, row.key, LARGE)
    expect_stored(demo, uploader.row("small.bin").key, small)


def test_a_paused_upload_goes_on_where_it_was(
    uploader: UploaderPage, runtime: str, demo: Demo, make_file: MakeFile
) -> None:
    demo.oss.faults.add(
        "bandwidth",
        bytes_per_s=10_000,
        key=f"*/pause-{runtime}.bin",
        operation="UploadPart",
        skip=2,
    )
    row = uploader.choose(make_file(f"pause-{runtime}.bin", CONTENT))
    expect(row.progress).not_to_have_attribute("value", "0")
    row.expect_says("Uploading")

    row.locator.get_by_role("button", name="Pause", exact=True).click()
    row.expect_state("paused", timeout_ms=1_000)
    row.expect_says("Paused")
    demo.oss.faults.clear()
    row.locator.get_by_role("button", name="Resume", exact=True).click()

    row.expect_state("done", timeout_ms=60_000)
    assert len(asked(demo, "InitiateMultipartUpload", f"pause-{runtime}.bin")) == 1
    expect_stored(demo, row.key)
