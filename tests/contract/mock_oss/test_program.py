"""The mock as a program: its options, its start, and killing it."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import oss2
import pytest
from oss2.credentials import StaticCredentialsProvider
from oss2.exceptions import OssError

from contract.mock_oss.clients import REGION, oss2_bucket, refusal, run_program
from mock_oss import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    BUCKET,
    Clock,
    DataDirInUseError,
    MockOSS,
    MockOSSError,
    PortInUseError,
    WorldError,
)
from mock_oss.environment import OVERRIDE
from mock_oss.world.model import World

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
    """Run the mock; yield the process, its port and its first lines of output."""
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


def test_options_bind_domains_and_refuse_public_endpoints() -> None:
    options = ("--cname", f"files.localhost={BUCKET}", "--refuse-public")
    with program(*options) as (_, port, lines):
        answer = urlopen(f"http://127.0.0.1:{port}/_mock/endpoints")
        said = json.load(answer)
        answer.close()

    assert said == {"cnames": {"files.localhost": BUCKET}, "refuse_public_endpoints": True}
    assert f"  custom domain: http://files.localhost:{port} ({BUCKET})\n" in lines
    assert "  public endpoints of mainland regions refuse objects\n" in lines


def test_a_world_file_says_that_public_endpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "world.toml"
    path.write_text("refuse_public_endpoints = true")

    with MockOSS(world=World.load(path)) as oss:
        assert oss.refuse_public_endpoints
    with MockOSS(world=World.load(path), refuse_public_endpoints=False) as oss:
        assert not oss.refuse_public_endpoints


def client(port: int, name: str = BUCKET, region: str = REGION, **user: str) -> oss2.Bucket:
    """Return a bucket of the program; `user` maps an access key id to its secret."""
    ((key_id, secret),) = (user or {ACCESS_KEY_ID: ACCESS_KEY_SECRET}).items()
    provider = StaticCredentialsProvider(key_id, secret)
    return oss2.Bucket(
        oss2.ProviderAuthV4(provider), f"http://127.0.0.1:{port}", name, region=region
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_says_where_it_listens_and_ends_when_told_to(number: signal.Signals) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("nohup hides the signal")
    with program() as (process, port, lines):
        client(port).put_object("a", b"hello")

        process.send_signal(number)

        assert process.wait(timeout=10) == 0
        assert any(ACCESS_KEY_ID in line for line in lines)


def modules_after(code: str) -> set[str]:
    """Return the modules that a new interpreter has loaded after it ran this code."""
    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_program_starts_without_packages_that_few_requests_need() -> None:
    rarely = {"PIL", "cryptography", "jinja2", "pydantic", "requests", "rich", "typer"}
    others = {"alibabacloud_oss_v2", "oss2", "ossferry", "sqlalchemy"}
    start = "import mock_oss.cli; mock_oss.MockOSS().__enter__().__exit__(None, None, None)"

    loaded = modules_after(start)

    assert not (rarely | others | {"starlette", "urllib.request"}) & loaded
    assert "uvicorn" in loaded


def test_pytest_loads_nothing_of_the_mock_before_a_test_needs_it() -> None:
    before, loaded = modules_after("import pytest"), modules_after("import mock_oss.pytest_plugin")

    assert {each for each in loaded - before if not each.startswith("_")} == {
        "mock_oss",
        "mock_oss.pytest_plugin",
    }


def content(key: str) -> bytes:
    """Return bytes that are unique to this key; small for some keys, large for others."""
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


def test_a_bucket_that_is_not_there_is_not_just_empty(mock_oss: MockOSS) -> None:
    assert not mock_oss.bucket("tpyo").exists
    with pytest.raises(MockOSSError, match="there is no bucket tpyo"):
        list(mock_oss.bucket("tpyo").objects)


def test_two_mocks_do_not_share_a_port_or_a_directory(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        with pytest.raises(PortInUseError, match=str(oss.port)), MockOSS(port=oss.port):
            pass
        with pytest.raises(DataDirInUseError), MockOSS(data_dir=tmp_path):
            pass


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A folder with data directories, and a file, that the mock cannot use."""
    (tmp_path / "file").write_text("not a database")
    for name in ("rotten", "older", "blobless"):
        (tmp_path / name).mkdir()
    (tmp_path / "rotten" / "mock_oss.sqlite3").write_bytes(b"not a database at all" * 300)
    with closing(sqlite3.connect(tmp_path / "older" / "mock_oss.sqlite3")) as older:
        older.execute("PRAGMA user_version = 1")
    (tmp_path / "blobless" / "blobs").write_text("")
    return tmp_path


UNUSABLE = "mock-oss: cannot use the data directory {folder}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--data-dir {folder}/file", f"{UNUSABLE}/file: File exists"),
        ("--data-dir {folder}/file/below", UNUSABLE),
        ("--data-dir {folder}/rotten", "file is not a database"),
        ("--data-dir {folder}/older", "(format 1, not 3); delete the directory"),
        ("--data-dir {folder}/blobless", UNUSABLE),
        ("--bucket Not_OSS", "mock-oss: 'Not_OSS' is not a bucket name"),
        ("--bucket abc --bucket abc", "mock-oss: the bucket abc is defined 2 times"),
        (f"{OVERRIDE} --host no.such.invalid", "mock-oss: cannot listen on no.such.invalid"),
        ("--world {folder}/file", "mock-oss: {folder}/file: "),
        ("--world {folder}/none", "none: No such file or directory"),
        ("--faults {folder}/none", "none: No such file or directory"),
        ("--seed {folder}/file", "mock-oss: "),
        *(
            (f"--cname {text}", f"--cname requires DOMAIN=BUCKET, not {text!r}")
            for text in ("files.localhost", "=bucket", "files.localhost=")
        ),
        ("--port 99999", "a port is a number from 0 to 65535"),
    ],
)
def test_options_at_fault_are_one_sentence(wrong: Path, options: str, words: str) -> None:
    code, _, said = run_program("--port", "0", *options.format(folder=wrong).split())

    assert code == (2 if "--port" in options else 1)
    assert words.format(folder=wrong) in said
    assert "Traceback" not in said


def test_what_the_data_directory_has_wins_over_the_seed(tmp_path: Path) -> None:
    seed, data = tmp_path / "seed", tmp_path / "data"
    (seed / BUCKET).mkdir(parents=True)
    (seed / BUCKET / "a").write_text("from the seed")
    (seed / BUCKET / "b").write_text("from the seed")
    with MockOSS(data_dir=data, seed_dir=seed) as oss:
        assert oss.seeded == 2
        oss2_bucket(oss).put_object("a", b"changed")
        oss2_bucket(oss).delete_object("b")

    with MockOSS(data_dir=data, seed_dir=seed) as oss:
        objects = oss.bucket(BUCKET).objects

        assert oss.seeded == 1
        assert {key: found.data for key, found in objects.items()} == {
            "a": b"changed",
            "b": b"from the seed",
        }


def test_reset_brings_seed_faults_and_clock_back(tmp_path: Path) -> None:
    (tmp_path / BUCKET).mkdir()
    (tmp_path / BUCKET / "a").write_text("seed")
    start = Clock().now()  # the SDK signs with the real time
    with MockOSS(
        seed_dir=tmp_path,
        faults=[{"effect": "error", "code": "InternalError", "key": "b", "times": 1}],
        clock=Clock(start, frozen=True),
    ) as oss:
        bucket = oss2_bucket(oss)
        for _ in range(2):
            with pytest.raises(OssError):
                bucket.put_object("b", b"")
            bucket.put_object("a", b"changed")
            oss.faults.add("hang", key="never")
            oss.clock.advance(60)

            oss.reset()

            assert [(f.key, f.hits) for f in oss.faults] == [("b", 0)]
            assert oss.bucket(BUCKET).objects["a"].data == b"seed"
            assert oss.clock.now() == start
            assert len(oss.requests) == 0


def test_world_seed_and_faults_come_from_files(tmp_path: Path) -> None:
    world, faults, seed = tmp_path / "w.toml", tmp_path / "f.json", tmp_path / "seed"
    world.write_text(WORLD)
    faults.write_text(json.dumps([{"effect": "error", "code": "InternalError", "key": "bad"}]))
    (seed / "seeded" / "dir").mkdir(parents=True)
    (seed / "seeded" / "dir" / "a.html").write_text("<p>hello")
    options = ("--world", str(world), "--seed", str(seed), "--faults", str(faults))

    with program(*options, "--data-dir", str(tmp_path / "data")) as (process, port, lines):
        bucket = client(port, "from-world", "cn-beijing", LTAItester="secret")
        bucket.put_object("good", b"1")
        assert refusal(bucket.put_object, "bad", b"1") == (500, "InternalError")
        process.send_signal(signal.SIGTERM)
        process.wait()

    assert lines[0] == "stored 1 object from the seed\n"
    with MockOSS(data_dir=tmp_path / "data") as oss:
        stored = oss.bucket("seeded").objects["dir/a.html"]
        assert (stored.data, stored.headers["content-type"]) == (b"<p>hello", "text/html")
        assert list(oss.bucket("from-world").objects) == ["good"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "the world has no 'x'; it has users, roles"),
        ("[[users]]\nname = 'x'\nnme = 'x'", "[[users]] number 1 has no 'nme'; it has name, "),
        ("[[users]]\nkeys = {}", "[[users]] number 1 needs 'name'"),
        ("[[users]]\nname = 5", "[[users]] number 1: name must be a text, not 5"),
        ("[[users]]\nname = 'x'\nkeys = 'k'", "keys must be a table of texts, not 'k'"),
        ("[[users]]\nname = 'x'\npolicies = [5]", "policies must be a policy"),
        ("users = 'x'", "users must be an array of tables: [[users]]"),
        ("[[roles]]\nname = 'x'\npolicies = ['{']", "a policy of the world is not valid"),
        (
            "[[roles]]\nname = 'x'\nmax_session_s = 60",
            "role x: max_session_s must be 3600 to 43200",
        ),
        ("users =", "Invalid value"),
        ("[[buckets]]\nname = 'Not_OSS'", "'Not_OSS' is not a bucket name: 3 to 63"),
        ("[[buckets]]\nname = 'abc'\nacl = 'open'", "bucket abc: acl must be one of private, "),
        ("[[buckets]]\nname = 'abc'\ncors = '<X/>'", "bucket abc: cors is refused, MalformedXML"),
        (
            "[[buckets]]\nname = 'abc'\n[[buckets]]\nname = 'abc'",
            "the bucket abc is defined 2 times",
        ),
        ("max_buckets = 'many'", "the world: max_buckets must be a whole number, not 'many'"),
        ("cnames = { a = 1 }", "the world: cnames must be a table of texts"),
        ("cnames = { 'x.aliyun.com' = 'b' }", "'x.aliyun.com' is not allowed as a custom domain"),
        ("refuse_public_endpoints = 1", "refuse_public_endpoints must be true or false, not 1"),
    ],
)
def test_a_world_that_cannot_be_read_says_where_and_why(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "world.toml"
    path.write_text(text)

    with pytest.raises(WorldError, match=r"world\.toml") as error:
        World.load(path)

    assert words in str(error.value)
    assert "__init__" not in str(error.value)


def test_a_seed_makes_ids_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        with MockOSS(seed=7) as oss:
            bucket = oss2_bucket(oss)
            upload_id = bucket.init_multipart_upload("a").upload_id
            bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
            versions = {bucket.put_object("a", b"").versionid for _ in range(3)}
            runs.append((upload_id, versions, oss.requests[0].request_id))

    assert runs[0] == runs[1]
    assert re.fullmatch("[0-9A-F]{32}", runs[0][0])
    assert len(runs[0][1]) == 3


def test_the_process_leaves_no_directory_behind() -> None:
    with MockOSS() as oss:
        directory = oss.store.directory
        assert directory.is_dir()

    assert not directory.exists()
