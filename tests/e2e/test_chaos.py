"""Many faults at once: a hundred files over a bad connection, with short-lived credentials."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import Console, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, noise
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import SENDING

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
FILES = 100
LARGEST = 64 * MIB
TOKEN_LIFE_S = 20
PATIENCE_S = 600


def make_files(folder: Path, seed: int) -> dict[str, bytes]:
    """Write files of 0 B to 64 MiB, with equally many in each order of magnitude."""
    chance = random.Random(seed)
    pool = noise(LARGEST, seed)
    sizes = [0, LARGEST] + [int(LARGEST ** chance.random()) for _ in range(FILES - 2)]
    contents = {}
    for number, size in enumerate(sizes):
        at = chance.randrange(LARGEST - size + 1)
        name = f"chaos-{number}.bin"
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
    uploader.open()
    uploader.expect_ready()
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
