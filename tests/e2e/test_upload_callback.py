"""OSS calls the server about each upload, and an upload arrives even if the call fails."""

import sqlite3
from contextlib import closing

import pytest

from e2e.conftest import MakeFile, StartDemo
from e2e.storage_side import MIB, expect_whole, noise, until
from support.programs import free_port

pytestmark = pytest.mark.e2e

SIZES = {"form.bin": 10_000, "put.bin": 2 * MIB, "parts.bin": 17 * MIB}
STORING = ("PostObject", "PutObject", "CompleteMultipartUpload")


@pytest.mark.only_browser("chromium")  # engines do nothing differently here
@pytest.mark.parametrize("source", ["callback", "page"])
def test_each_upload_is_recorded_by_the_callback_or_else_by_the_page(
    start_demo: StartDemo, make_file: MakeFile, source: str
) -> None:
    port, nobody = free_port(), free_port()
    called = port if source == "callback" else nobody
    demo, uploader = start_demo(port=port, public_url=f"http://127.0.0.1:{called}")
    uploader.start()

    uploader.choose(*(make_file(name, noise(size)) for name, size in SIZES.items()))
    for name, size in SIZES.items():
        uploader.row(name).expect_says("Arrived and verified")
        expect_whole(demo, name, noise(size))

    answers = [each for each in demo.oss.requests if each.operation in STORING]
    status = 200 if source == "callback" else 203
    assert sorted(each.operation for each in answers) == sorted(STORING)
    assert {each.status for each in answers} == {status}
    ledger = demo.settings.ledger_url.partition("///")[2]

    def recorded() -> list[tuple[str, int]]:
        with closing(sqlite3.connect(ledger)) as connection:
            return connection.execute("select source, count(*) from receipts group by 1").fetchall()

    until(uploader.page, lambda: recorded() == [(source, 3)])
