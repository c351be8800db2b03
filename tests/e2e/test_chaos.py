"""Many faults at once: many files over a bad connection, with short-lived credentials."""

import gzip
import random
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Route

from e2e.conftest import Console, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, noise, until
from ossferry.cli.demo import Demo
from support.encryption import DESCRIPTION, KeyPair, crypto_bucket
from support.expecting import expect
from support.faults import SENDING
from support.records import record_keys

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

FILES = 100
LARGEST = 64 * MIB
TOKEN_LIFE_S = 20
PATIENCE_S = 600


def make_files(
    folder: Path, seed: int, *, files: int = FILES, largest: int = LARGEST, endings: str = "bin"
) -> dict[str, bytes]:
    """Write files of 0 B to `largest`, with equally many in each order of magnitude."""
    chance = random.Random(seed)
    pool = noise(largest, seed)
    sizes = [0, largest] + [int(largest ** chance.random()) for _ in range(files - 2)]
    contents = {}
    for number, size in enumerate(sizes):
        at = chance.randrange(largest - size + 1)
        name = f"chaos-{number}.{chance.choice(endings.split())}"
        contents[name] = pool[at : at + size]
        (folder / name).write_bytes(contents[name])
    return contents


def plan(demo: Demo, seed: int) -> None:
    """Plan 3 % resets, 2 % busy responses, 2 % lost responses, 1 % wrong checksums."""
    common = {"bucket": demo.bucket, "seed": seed}
    for operation in SENDING:
        sending = {**common, "operation": operation}
        demo.oss.faults.add("reset", when="mid-body", probability=0.03, **sending)
        demo.oss.faults.add("wrong-crc", probability=0.01, **sending)
    demo.oss.faults.add("unavailable", probability=0.02, **common)
    demo.oss.faults.add("reset", when="before-answer", probability=0.02, **common)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_files_arrive_whole_through_chaos(
    start_demo: StartDemo, console: Console, tmp_path: Path, seed: int
) -> None:
    console.expected.append("Failed to load resource|net::ERR|blocked by CORS")
    demo, uploader = start_demo()
    contents = make_files(tmp_path, seed)
    demo.oss.faults.add("short-lived", operation="AssumeRole", seconds=TOKEN_LIFE_S)
    uploader.start()
    expect(uploader.grant).to_contain_text("May add")
    plan(demo, seed)

    uploader.choose(*[tmp_path / name for name in contents])

    arrived = uploader.total.get_by_text(f"{FILES} of {FILES} files")
    expect(arrived).to_be_visible(timeout=PATIENCE_S * 1000)
    struck = sum(fault.hits for fault in demo.oss.faults)
    demo.oss.faults.clear()
    assert struck > FILES // 10
    stored = demo.oss.bucket(demo.bucket).objects
    assert sorted(key.rpartition("/")[2] for key in stored) == sorted(contents)
    for key in list(stored):
        assert stored[key].data == contents[key.rpartition("/")[2]], key
    bucket = operator_bucket(demo)
    for upload in bucket.list_multipart_uploads().upload_list:  # initiated with a lost response
        assert bucket.list_parts(upload.key, upload.upload_id).parts == []


CHECKS = """
import gzip
from ossferry_checks import Note, Replace, check


@check("*.log")
def compress(file):
    new = file.folder / f"{file.name}.gz"
    new.write_bytes(gzip.compress(file.path.read_bytes(), mtime=0))
    return Replace(new, name=new.name)


@check("*.md")
def shorten(file):
    new = file.folder / file.name
    new.write_bytes(file.path.read_bytes()[:1000])
    return Replace(new)


@check("*.csv")
def note(file):
    return Note(checked="yes")
"""
LISTED = """fetch("/api/objects?sort=name&limit=1000")
  .then((answer) => answer.json()).then(({objects}) => objects.map(({key}) => key))"""
MANY = 500
SETTLE_MS = 5000
KILLED_AFTER = 150  # objects


def keep_both(uploader: UploaderPage) -> None:
    """Answer the question about names that another tab has just stored; the files are the same."""
    dialog = uploader.dialog("same-name")
    button = dialog.get_by_role("button", name="Keep both")

    def answer() -> None:
        for_all = dialog.get_by_role("checkbox")
        if for_all.count():
            for_all.check()
        button.click()

    uploader.page.add_locator_handler(button, answer)


def expected(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the content of each object, by the name in its key."""
    wanted = {}
    for name, content in contents.items():
        if name.endswith(".log"):
            wanted[f"{name}.gz"] = content
        else:
            wanted[name] = content[:1000] if name.endswith(".md") else content
    return wanted


@pytest.mark.filterwarnings("ignore:The 'warn' method:DeprecationWarning")  # of oss2
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_hundred_checked_and_encrypted_files_in_two_tabs_are_stored_once(
    start_demo: StartDemo, console: Console, tmp_path: Path, seed: int
) -> None:
    console.expected.append("Failed to load resource|net::ERR|blocked by CORS|status of 409")
    keys = KeyPair()
    checks = tmp_path / "checks.py"
    checks.write_text(CHECKS, encoding="utf-8")
    demo, first = start_demo(
        checks=checks,
        encrypt_public_key=keys.write_public(tmp_path),
        encrypt_description=dict(DESCRIPTION),
    )
    (tmp_path / "files").mkdir()
    contents = make_files(
        tmp_path / "files", seed, files=MANY, largest=20 * MIB, endings="bin log md csv bin bin"
    )
    paths = [tmp_path / "files" / name for name in contents]
    second = UploaderPage(first.page.context.new_page(), first.url)
    for each in (first, second):
        each.start()
        expect(each.grant).to_contain_text("May add")
    plan(demo, seed)
    bucket = demo.oss.bucket(demo.bucket)

    held: list[Route] = []  # the first tab does not end before the third one has the files
    first.page.route(lambda url: "/held.bin" in url, lambda route: held.append(route))
    last = tmp_path / "held.bin"
    last.write_bytes(contents.setdefault("held.bin", noise(17 * MIB, seed)))
    first.choose(*paths, last)
    second.choose(*paths)
    until(first.page, lambda: len(bucket.objects) >= KILLED_AFTER, timeout_s=PATIENCE_S)
    second.page.close()
    third = UploaderPage(first.page.context.new_page(), first.url)
    first.page.wait_for_timeout(SETTLE_MS)  # the time in which a person opens another tab
    third.open()
    keep_both(third)
    third.choose(*paths)
    expect(third.total).to_contain_text(f"of {MANY} files", timeout=PATIENCE_S * 1000)
    first.page.unroute_all(behavior="ignoreErrors")
    for route in held:
        with suppress(Error):  # its request was given up
            route.continue_()
    for each, count in ((first, MANY + 1), (third, MANY)):
        arrived = each.total.get_by_text(f"{count} of {count} files")
        expect(arrived).to_be_visible(timeout=PATIENCE_S * 1000)
    demo.oss.faults.clear()
    wanted = expected(contents)
    stored = {key.rpartition("/")[2]: key for key in bucket.objects}
    assert sorted(key.rpartition("/")[2] for key in bucket.objects) == sorted(wanted)
    reader = crypto_bucket(demo, keys)
    for name, content in wanted.items():
        found = reader.get_object(stored[name]).read()
        assert (gzip.decompress(found) if name.endswith(".gz") else found) == content, name
    until(first.page, lambda: len(first.page.evaluate(LISTED)) == MANY + 1, timeout_s=300)
    assert sorted(first.page.evaluate(LISTED)) == sorted(stored.values())
    until(first.page, lambda: not record_keys(first.page), timeout_s=60)
