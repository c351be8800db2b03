"""Everything at once: a hundred files over a bad line, and permission that ends all the time."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.conftest import Console, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, noise
from ossferry.demo import Demo

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
FILES = 100
LARGEST = 64 * MIB
TOKEN_LIFE_S = 20
PATIENCE_S = 600


def make_files(folder: Path, seed: int) -> dict[str, bytes]:
    """Write files of 0 B to 64 MiB, of each order of magnitude as many."""
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
    """Plan 3 % resets, 2 % busy answers, 2 % lost answers, 1 % wrong checksums."""
    common = {"bucket": demo.bucket, "seed": seed}
    demo.oss.faults.add("reset", when="mid-body", probability=0.03, method="PUT", **common)
    demo.oss.faults.add("unavailable", probability=0.02, **common)
    demo.oss.faults.add("reset", when="before-answer", probability=0.02, **common)
    demo.oss.faults.add("wrong-crc", probability=0.01, method="PUT", **common)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_files_arrive_whole_through_chaos(
    start_demo: StartDemo, console: Console, tmp_path: Path, seed: int
) -> None:
    console.expected.append("Failed to load resource|net::ERR|blocked by CORS")
    demo, uploader = start_demo()
    contents = make_files(tmp_path, seed)
    uploader.open()
    uploader.expect_ready()
    expect(uploader.grant).to_contain_text("May add")
    plan(demo, seed)

    uploader.choose(*[tmp_path / name for name in contents])

    began_s = time.monotonic()
    arrived = uploader.total.get_by_text(f"{FILES} of {FILES} files")
    while not arrived.count() and time.monotonic() - began_s < PATIENCE_S:
        demo.oss.faults.add("expire-tokens", bucket=demo.bucket, method="PUT", times=1)
        uploader.page.wait_for_timeout(TOKEN_LIFE_S * 1000)
    expect(arrived).to_be_visible()
    struck = sum(fault.hits for fault in demo.oss.faults)
    demo.oss.faults.clear()
    assert struck > FILES // 10
    stored = demo.oss.bucket(demo.bucket).objects
    assert sorted(key.rpartition("/")[2] for key in stored) == sorted(contents)
    for key in list(stored):
        assert stored[key].data == contents[key.rpartition("/")[2]], key
    bucket = operator_bucket(demo)
    for upload in bucket.list_multipart_uploads().upload_list:  # of begins whose answer was lost
        assert bucket.list_parts(upload.key, upload.upload_id).parts == []
