"""The mock as a program: its options, its start, and being killed."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Thread

import oss2
import pytest
from oss2.credentials import StaticCredentialsProvider
from oss2.exceptions import OssError

from contract.mock_oss.clients import REGION, oss2_bucket
from mock_oss import BUCKET, DataDirInUseError, MockOSS, PortInUseError, WorldError
from mock_oss.world import World

WORLD = """
region = "cn-beijing"

[[users]]
name = "tester"
keys = { LTAItester = "secret" }
policies = ['{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}']

[[roles]]
name = "reader"
max_session_s = 7200
[[roles.policies]]
Version = "1"
Statement = [{ Effect = "Allow", Action = "oss:GetObject", Resource = "*" }]

[[buckets]]
name = "from-world"
region = "cn-beijing"
acl = "public-read"
"""


@contextmanager
def program(*options: str) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Run the mock; return process, port and the lines it greeted with."""
    command = [sys.executable, "-m", "mock_oss.cli", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not lines or "role:" not in lines[-1]:
            line = process.stdout.readline()
            assert line, "the program ended"
            lines.append(line)
        found = re.search(r"http://127\.0\.0\.1:(\d+)", "".join(lines))
        assert found is not None
        yield process, int(found[1]), lines
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def client(port: int, name: str = BUCKET) -> oss2.Bucket:
    provider = StaticCredentialsProvider(
        "LTAI5tMockOssAccessKey01", "MockOssAccessKeySecret00000001"
    )
    return oss2.Bucket(
        oss2.ProviderAuthV4(provider), f"http://127.0.0.1:{port}", name, region=REGION
    )


def test_it_says_where_it_listens_and_ends_on_sigterm() -> None:
    with program() as (process, port, lines):
        client(port).put_object("a", b"hello")

        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=10) == 0
        assert any("LTAI5tMockOssAccessKey01" in line for line in lines)


def test_it_is_up_in_about_a_second() -> None:
    started = time.monotonic()
    with program():
        took_s = time.monotonic() - started

    assert took_s < 3  # an idle machine needs under one; leave room for a busy one


def content(key: str) -> bytes:
    """Some bytes that only this key has; small and large ones."""
    digest = sha256(key.encode()).digest()
    return digest * (1 if digest[0] % 2 else 10_000)


def test_kill_9_loses_no_answered_object_and_shows_no_half_one(tmp_path: Path) -> None:
    answered: dict[str, None] = {}
    with program("--data-dir", str(tmp_path)) as (process, port, _):

        def write(worker: int) -> None:
            bucket = client(port)
            for number in range(100_000):
                key = f"{worker}/{number}"
                try:
                    bucket.put_object(key, content(key))
                except OssError:
                    return
                answered[key] = None

        threads = [Thread(target=write, args=(worker,)) for worker in range(3)]
        for thread in threads:
            thread.start()
        while len(answered) < 120:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()

    with MockOSS(data_dir=tmp_path) as oss:
        objects = oss.bucket(BUCKET).objects
        assert set(answered) <= set(objects)
        assert len(objects) - len(answered) <= 3
        for key, found in objects.items():
            assert found.data == content(key)
            assert found.crc64
        assert len(oss.store.blobs.names()) == len(objects)


def test_a_data_directory_keeps_everything(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        bucket.put_object("a", b"hello", headers={"x-oss-meta-a": "1"})
        upload_id = bucket.init_multipart_upload("big").upload_id
        bucket.upload_part("big", upload_id, 1, b"x" * 200_000)

    with MockOSS(data_dir=tmp_path) as oss:
        assert oss.bucket(BUCKET).objects["a"].data == b"hello"
        assert oss.bucket(BUCKET).uploads[upload_id].parts == {1: 200_000}


def test_two_mocks_do_not_share_a_port_or_a_directory(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        with pytest.raises(PortInUseError, match=str(oss.port)), MockOSS(port=oss.port):
            pass
        with pytest.raises(DataDirInUseError), MockOSS(data_dir=tmp_path):
            pass


def test_the_program_says_why_it_does_not_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "mock_oss.cli", "--port", str(taken.getsockname()[1])]

        run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - ours

    assert run.returncode == 1
    assert run.stderr.startswith("mock-oss: cannot listen on 127.0.0.1:")


def test_world_seed_and_faults_come_from_files(tmp_path: Path) -> None:
    world, faults, seed = tmp_path / "w.toml", tmp_path / "f.json", tmp_path / "seed"
    world.write_text(WORLD)
    faults.write_text(json.dumps([{"effect": "error", "code": "InternalError", "key": "bad"}]))
    (seed / "seeded" / "dir").mkdir(parents=True)
    (seed / "seeded" / "dir" / "a.html").write_text("<p>hello")
    options = ("--world", str(world), "--seed", str(seed), "--faults", str(faults))

    with program(*options, "--data-dir", str(tmp_path / "data")) as (process, port, lines):
        provider = StaticCredentialsProvider("LTAItester", "secret")
        bucket = oss2.Bucket(
            oss2.ProviderAuthV4(provider),
            f"http://127.0.0.1:{port}",
            "from-world",
            region="cn-beijing",
        )
        bucket.put_object("good", b"1")
        with pytest.raises(oss2.exceptions.ServerError) as error:
            bucket.put_object("bad", b"1")
        process.send_signal(signal.SIGTERM)
        process.wait()

    assert error.value.code == "InternalError"
    assert "stored 1 objects" in lines[0]
    with MockOSS(data_dir=tmp_path / "data") as oss:
        stored = oss.bucket("seeded").objects["dir/a.html"]
        assert (stored.data, stored.headers["content-type"]) == (b"<p>hello", "text/html")
        assert list(oss.bucket("from-world").objects) == ["good"]


@pytest.mark.parametrize(
    "text",
    ["x = 1", "[[users]]\nnme = 'x'", "[[roles]]\nname = 'x'\npolicies = ['{']", "users ="],
    ids=["unknown table", "unknown key", "bad policy", "no TOML"],
)
def test_a_world_that_cannot_be_read_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "world.toml"
    path.write_text(text)

    with pytest.raises(WorldError, match=r"world\.toml"):
        World.load(path)


def test_reset_goes_back_to_the_beginning(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object("a", b"hello")
    mock_oss.clock.advance(-60)
    mock_oss.faults.add("hang")

    mock_oss.reset()

    assert (
        len(mock_oss.bucket(BUCKET).objects) == len(mock_oss.requests) == len(mock_oss.faults) == 0
    )
    bucket.put_object("b", b"hello")
    assert list(mock_oss.bucket(BUCKET).objects) == ["b"]


def test_a_snapshot_can_be_gone_back_to_any_number_of_times(
    mock_oss: MockOSS, tmp_path: Path
) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object("small", b"hello")
    bucket.put_object("large", b"x" * 200_000)
    mock_oss.snapshot(tmp_path / "saved")

    for _ in range(2):
        bucket.put_object("small", b"other")
        bucket.delete_object("large")
        mock_oss.restore(tmp_path / "saved")

        objects = mock_oss.bucket(BUCKET).objects
        assert {key: found.size for key, found in objects.items()} == {"large": 200_000, "small": 5}
        assert objects["large"].data == b"x" * 200_000
    with pytest.raises(WorldError, match="not empty"):
        mock_oss.snapshot(tmp_path / "saved")
    with pytest.raises(WorldError, match="no snapshot"):
        mock_oss.restore(tmp_path)


def test_a_seed_makes_ids_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        with MockOSS(seed=7) as oss:
            bucket = oss2_bucket(oss)
            upload_id = bucket.init_multipart_upload("a").upload_id
            runs.append((upload_id, oss.requests[0].request_id))

    assert runs[0] == runs[1]
    assert re.fullmatch("[0-9A-F]{32}", runs[0][0])


def test_the_process_leaves_no_directory_behind() -> None:
    with MockOSS() as oss:
        directory = oss.store.directory
        assert directory.is_dir()

    assert not directory.exists()
