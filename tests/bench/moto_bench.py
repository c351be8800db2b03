"""The mock beside moto: what each installs, and how long installation, start and tests take.

Both get an empty environment and a package index, and nothing is cached. moto is a mock of AWS and
always installs an SDK, boto3; one row counts oss2 with our mock, too. The tests do the same with
both: five requests to a new bucket. moto checks no signature; the mock checks everything, as
always.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from xml.etree import ElementTree as ET

from bench.starting import environment, seconds_to_answer
from bench.table import Bench, Only, Peer, Row, Value
from support.programs import free_port
from support.wheels import build_mock

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
TITLE = "mock OSS beside moto: "
SIZE = f"{TITLE}installed"
SIZE_WITH_SDK = f"{TITLE}installed, with an SDK"
INSTALL = f"{TITLE}installation, nothing cached"
START = f"{TITLE}the program to its first answer"
TEST = f"{TITLE}a test, with a port"
TEST_IN_PROCESS = f"{TITLE}a test, without a port"
UNITS = {
    SIZE: "MB",
    SIZE_WITH_SDK: "MB",
    INSTALL: "s",
    START: "s",
    TEST: "ms",
    TEST_IN_PROCESS: "ms",
}
MOTO = "moto[s3,server]==5.2.5"
PEER = Peer(
    name="moto[s3] 5.2.5", work="mock_aws, in the process, or moto_server; checks no signature"
)

OURS = """
import oss2, pytest
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET

@pytest.mark.parametrize("number", range(20))
def test_upload({fixture}, number):
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, {fixture}.endpoint, BUCKET, region="cn-hangzhou")
    for key in ("a.txt", "b.txt"):
        bucket.put_object(key, b"hello")
    assert bucket.get_object("a.txt").read() == b"hello"
    bucket.delete_object("a.txt")
    assert [each.key for each in bucket.list_objects().object_list] == ["b.txt"]
"""
THEIRS = """
import boto3, pytest
from moto import mock_aws

@pytest.mark.parametrize("number", range(20))
@mock_aws
def test_upload(number):
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    for key in ("a.txt", "b.txt"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"hello")
    assert s3.get_object(Bucket="bucket", Key="a.txt")["Body"].read() == b"hello"
    s3.delete_object(Bucket="bucket", Key="a.txt")
    assert [each["Key"] for each in s3.list_objects(Bucket="bucket")["Contents"]] == ["b.txt"]
"""


@dataclass(slots=True)
class Environment:
    """An environment with one of the two mocks, and what was measured of it."""

    folder: Path
    found: dict[str, float] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / "bin"

    @property
    def size_mb(self) -> float:
        """The size of its files, with compiled modules, in MB of 1,000,000 bytes."""
        files = [
            path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()
        ]
        return sum(path.stat().st_size for path in files) / 1e6

    def install(self, *requirements: str) -> float:
        """Install packages without a cache; return the seconds."""
        started = time.perf_counter()
        python = self.programs / "python"
        _run(UV, "pip", "install", "--quiet", "--no-cache", "--python", python, *requirements)
        return time.perf_counter() - started

    def create(self, *requirements: str) -> None:
        """Create the environment, and measure the installation and the size."""
        _run(UV, "venv", "--quiet", "--python", sys.executable, self.folder)
        self.found[INSTALL] = self.install("--compile-bytecode", *requirements)
        self.found[SIZE] = self.size_mb

    def measure_test(self, name: str, text: str) -> None:
        """Measure a test with its fixtures."""
        (self.folder / "test_it.py").write_text(text)
        report = self.folder / "report.xml"
        options = ("-q", "-p", "no:cacheprovider", f"--junitxml={report}", "--rootdir=.")
        _run(self.programs / "python", "-m", "pytest", *options, "test_it.py", at=self.folder)
        cases = ET.parse(report).iter("testcase")  # noqa: S314 - of our own run
        self.found[name] = median(float(each.attrib["time"]) * 1000 for each in cases)

    def measure_start(self, program: str, port_option: str) -> None:
        """Measure the seconds until the program answers."""
        port = free_port()
        command = (str(self.programs / program), port_option, str(port))
        self.found[START] = seconds_to_answer(command, port, self.folder)


def _run(*command: str | Path, at: Path = ROOT) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, cwd=at, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _ours(folder: Path) -> Environment:
    wheel = build_mock(folder / "dist")
    made = Environment(folder / "ours")
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    made.create(*constraints, str(wheel))
    made.measure_start("mock-oss", "--port")
    made.install("--compile-bytecode", *constraints, "oss2")
    made.found[SIZE_WITH_SDK] = made.size_mb
    made.install("--compile-bytecode", *constraints, "pytest")
    made.measure_test(TEST, OURS.format(fixture="mock_oss"))
    made.measure_test(TEST_IN_PROCESS, OURS.format(fixture="mock_oss_in_process"))
    return made


def _theirs(folder: Path) -> Environment:
    made = Environment(folder / "theirs")
    library = MOTO.replace(",server", "")
    made.create(library)
    made.found[SIZE_WITH_SDK] = made.found[SIZE]
    made.install("--compile-bytecode", library, "pytest")
    made.measure_test(TEST, THEIRS)
    made.found[TEST_IN_PROCESS] = made.found[TEST]
    made.install("--compile-bytecode", MOTO)
    made.measure_start("moto_server", "-p")
    return made


def _measure(_only: Only) -> Iterator[Value]:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _ours(Path(folder)).found, _theirs(Path(folder)).found
    for name in UNITS:
        yield name, ours[name], theirs[name]


ROWS = tuple(Row(name, unit, peer=PEER) for name, unit in UNITS.items())
BENCHES = (Bench(rows=ROWS, measure=_measure),)
