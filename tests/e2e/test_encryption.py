"""With the operator's public key, files are encrypted in the browser, and the SDKs read them."""

from pathlib import Path

import oss2
import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, noise, until
from ossferry.cli.demo import Demo
from support.encryption import DESCRIPTION, KeyPair, crypto_bucket, read_with_v2
from support.expecting import expect

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("ignore:The 'warn' method:DeprecationWarning"),  # of oss2
]

LARGE = noise(20 * MIB + 5, seed=21)
SMALL = b"Confidential: the plan for next year."
SECTION = (MIB - 3, 2 * MIB + 7)  # crosses parts, and begins inside a block


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return KeyPair()


@pytest.fixture
def start(start_demo: StartDemo, keys: KeyPair, tmp_path: Path) -> StartDemo:
    """Start a demo whose page encrypts files."""

    def begin(**overrides: object) -> tuple[Demo, UploaderPage]:
        public = keys.write_public(tmp_path)
        return start_demo(
            encrypt_public_key=public, encrypt_description=dict(DESCRIPTION), **overrides
        )

    return begin


def expect_encrypted(demo: Demo, keys: KeyPair, key: str, content: bytes) -> None:
    """Check that OSS has no byte of a file, and that both SDKs decrypt all of them."""
    stored = operator_bucket(demo).get_object(key).read()
    assert len(stored) == len(content)
    assert stored != content or not content
    assert SMALL not in stored
    assert crypto_bucket(demo, keys).get_object(key).read() == content
    assert read_with_v2(demo, keys, key) == content


@pytest.mark.core
def test_t56_the_sdks_decrypt_what_the_page_has_encrypted(
    start: StartDemo, keys: KeyPair, make_file: MakeFile, console: Console
) -> None:
    console.expected += ["Failed to load resource"]
    demo, uploader = start()
    demo.oss.faults.add("wrong-crc", part_number=3, times=1, operation="UploadPart")
    demo.oss.faults.add("error", code="InternalError", times=2, operation="UploadPart")
    uploader.start()
    expect(uploader.page.locator("#hint")).to_contain_text("Files are encrypted in this browser.")
    contents = {"small.txt": SMALL, "empty.txt": b"", "large.bin": LARGE}

    uploader.choose(*[make_file(name, content) for name, content in contents.items()])

    for name, content in contents.items():
        row = uploader.row(name)
        row.expect_state("done", timeout_ms=60_000)
        expect_encrypted(demo, keys, row.key, content)
    large = uploader.row("large.bin").key
    read = crypto_bucket(demo, keys).get_object(large, byte_range=SECTION).read()
    assert read == LARGE[SECTION[0] : SECTION[1] + 1]
    with pytest.raises(oss2.exceptions.ClientError):
        crypto_bucket(demo, KeyPair()).get_object(large)


def test_a_pause_and_a_reload_keep_the_parts_and_the_key(
    start: StartDemo, keys: KeyPair, make_file: MakeFile, page: Page
) -> None:
    demo, uploader = start()
    demo.oss.faults.add("bandwidth", bytes_per_s=10_000, operation="UploadPart", skip=3)
    path = make_file("large.bin", LARGE)
    uploader.start()
    row = uploader.choose(path)
    until(page, lambda: len(arrived(demo, "large.bin")) == 3)
    row.locator.get_by_role("button", name="Pause", exact=True).click()
    row.expect_state("paused")
    row.locator.get_by_role("button", name="Resume", exact=True).click()
    row.expect_state("uploading")
    first = row.key
    uploader.start()
    expect(page.get_by_test_id("unfinished")).to_have_count(1)
    demo.oss.faults.clear()

    uploader.choose(path)

    row.expect_state("done", timeout_ms=60_000)
    assert row.key == first
    assert sum(seen.received_bytes for seen in arrived(demo, "large.bin")) == len(LARGE)
    expect_encrypted(demo, keys, row.key, LARGE)
    expect(page.get_by_test_id("unfinished")).to_have_count(0)


def test_a_form_carries_an_encrypted_file(
    start: StartDemo, keys: KeyPair, make_file: MakeFile
) -> None:
    demo, uploader = start(grant="form")
    uploader.start()

    uploader.choose(make_file("small.txt", SMALL), make_file("large.bin", LARGE))

    for name, content in (("small.txt", SMALL), ("large.bin", LARGE)):
        row = uploader.row(name)
        row.expect_state("done", timeout_ms=60_000)
        expect_encrypted(demo, keys, row.key, content)


@pytest.mark.skip_browser("webkit")  # its name resolution cannot be configured
def test_t56_where_the_browser_cannot_encrypt_nothing_is_sent(
    start: StartDemo, console: Console
) -> None:
    console.expected += ["Cross-Origin-Opener-Policy header has been ignored"]
    demo, uploader = start(allowed_hosts=("127.0.0.1", "plain.test"))
    uploader.url = uploader.url.replace("127.0.0.1", "plain.test")
    uploader.start()

    row = uploader.drop(small__txt="a few words")

    row.expect_state("failed")
    row.expect_says("This browser cannot encrypt files here, so nothing was sent.")
    expect(row.retry_button).to_have_count(0)
    assert [each.operation for each in demo.oss.requests if each.key] == []
