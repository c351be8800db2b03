"""Runs the official SDKs' own test suites against the mock and counts what passes.

They take minutes and most come with the sources only, so this is no part of `make test`. With
`tests` on `PYTHONPATH`:

    python -m contract.mock_oss.vendor_suites oss2 [DIR-OF-SOURCES [FILE ...]]

The suites are `oss2`, whose tests are in its source package and are fetched from there without a
DIR, `oss-v2` (alibabacloud-oss-v2) and `ali-oss`, whose folder needs `npm install` and a compiled
`lib`; the sources of those two are in the vendor's repositories. Which files count is in `FILES`.

Tests run as they are, but for the cleaning up of `oss-v2`, which would ask the real endpoints over
TLS; each file has a mock of its own. Requests to the vendor's own names reach the mock as a proxy
of HTTP.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

from contract.mock_oss.matrix import ADMIN
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ACCOUNT_ID, MockOSS, World

__all__ = ["FILES", "run"]

# The files about objects, multipart uploads, buckets, CORS, lifecycle, listing, signatures, STS
# and presigned URLs. What is left out is about operations that the mock answers NotImplemented.
FILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "oss2": (
        "tests",
        (
            "test_object",
            "test_bucket",
            "test_upload",
            "test_download",
            "test_multipart",
            "test_iterator",
            "test_list_objects_v2",
            "test_put_object_chunked",
            "test_traffic_limit",
            "test_chinese",
            "test_headers",
            "test_sign",
            "test_exception_ec",
            "test_api_base",
        ),
    ),
    "oss-v2": (
        "tests/integration",
        (
            "test_client",
            "test_client_filelike",
            "test_object_basic",
            "test_paginator",
            "test_presign",
            "test_bucket_cors_client",
            "test_bucket_lifecycle_client",
            "test_encryption_client",
            "aio/test_bucket_basic_async",
            "aio/test_client_extension_async",
            "aio/test_multipart_upload_async",
            "aio/test_object_basic_async",
            "aio/test_paginator_async",
            "aio/test_presign_async",
        ),
    ),
    "ali-oss": (
        "test/node",
        (
            "object.test",
            "multipart.test",
            "bucket.test",
            "client.test",
            "callback.test",
            "sts.test",
            "signature.test",
            "endpointIsIP.test",
        ),
    ),
}
LOOKUP = Path(__file__).with_name("node") / "localhost.cjs"
FILE_TIMEOUT_S = 900
CASE_TIMEOUT_S = 120
OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def fetch(suite: str, folder: Path) -> Path:
    """Fetch the sources of the installed version, and what their tests import besides."""
    wanted = f"{suite}=={importlib.metadata.version(suite)}"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    only = ("--no-deps", f"--no-binary={suite}", f"--dest={folder}")
    subprocess.run([*pip, "download", *only, wanted], check=True)  # noqa: S603 - ours
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    sources = folder / archive.name.removesuffix(".tar.gz")
    subprocess.run([*pip, "install", f"--target={sources}", "mock"], check=True)  # noqa: S603 - ours
    return sources


def pytest_collection_finish(session: Any) -> None:
    """As a plugin of the suite's own pytest: leave out the cleaning up that needs TLS."""
    if any(item.nodeid.startswith("tests/integration/") for item in session.items):
        suite: Any = importlib.import_module("tests.integration")
        suite.clean_buckets = lambda *_: None


def _environment(oss: MockOSS) -> dict[str, str]:
    """Return what the suites read, each under its own names."""
    shared = {
        "ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "ENDPOINT": oss.endpoint,
        "BUCKET": "vendor-suite",
        "REGION": "cn-hangzhou",
        "RAM_ROLE_ARN": ADMIN.arn,
        "USER_ID": ACCOUNT_ID,
        "UID": ACCOUNT_ID,
        "STS_ID": ACCESS_KEY_ID,
        "STS_KEY": ACCESS_KEY_SECRET,
        "STS_ARN": ADMIN.arn,
        "AUTH_VERSION": "v4",
    }
    node = {
        "ID": ACCESS_KEY_ID,
        "SECRET": ACCESS_KEY_SECRET,
        "REGION": "oss-cn-hangzhou",
    }
    return {
        **os.environ,
        "HTTP_PROXY": oss.endpoint,
        "http_proxy": oss.endpoint,
        "PYTHONPATH": str(Path(__file__).parents[2]),  # the suite's own pytest loads this file
        "TZ": "Asia/Shanghai",  # one suite writes dates of its own day
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **{f"OSS_TEST_{name}": value for name, value in shared.items()},
        **{f"ALI_SDK_OSS_{name}": value for name, value in node.items()},
        "ALI_SDK_STS_ID": ACCESS_KEY_ID,
        "ALI_SDK_STS_SECRET": ACCESS_KEY_SECRET,
        "ALI_SDK_STS_ROLE": ADMIN.arn,
        "ALI_SDK_STS_BUCKET": "vendor-suite-sts",
        "ALI_CLOUD_ENDPOINT": f"http://localhost:{oss.port}",
        "ONCI": "",
    }


def _command(suite: str, path: Path, report: Path) -> list[str]:
    if suite == "ali-oss":
        return [
            *("npx", "mocha", "-t", str(CASE_TIMEOUT_S * 1000), "-r", "should", "--exit"),
            *("-r", str(LOOKUP)),
            *("--reporter", "xunit", "--reporter-options", f"output={report}", str(path)),
        ]
    return [
        *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
        *("-W", "ignore", f"--timeout={CASE_TIMEOUT_S}", f"--junitxml={report}"),
        *("-p", "contract.mock_oss.vendor_suites", str(path)),
    ]


def _outcomes(report: Path) -> dict[str, tuple[str, str]]:
    """Return test -> (outcome, first lines of its message)."""
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own run
        outcome, text = "passed", ""
        for child in case:
            if child.tag in OUTCOMES:
                outcome = OUTCOMES[child.tag]
                text = child.get("message") or (child.text or "").strip()
        found[f"{case.get('classname')}::{case.get('name')}"] = (outcome, text[:300])
    return found


def run(suite: str, sources: Path, names: Iterable[str] = ()) -> Counter[str]:
    """Run the files of a suite, print each failure and each file's count; return the sum."""
    folder, files = FILES[suite]
    total: Counter[str] = Counter()
    suffix = ".js" if suite == "ali-oss" else ".py"
    with TemporaryDirectory() as temporary:
        for name in names or files:
            report = Path(temporary) / "report.xml"
            report.unlink(missing_ok=True)
            with MockOSS(world=World(roles=(ADMIN,), buckets=())) as oss:
                try:
                    subprocess.run(  # noqa: S603 - the suite's own runner
                        _command(suite, sources / folder / f"{name}{suffix}", report),
                        cwd=sources,
                        env=_environment(oss),
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        timeout=FILE_TIMEOUT_S,
                        check=False,
                    )
                except subprocess.TimeoutExpired:
                    print(f"{name}: took more than {FILE_TIMEOUT_S} s")  # noqa: T201 - a program
            outcomes = _outcomes(report) if report.exists() else {name: ("error", "no report")}
            counts = Counter(outcome for outcome, _ in outcomes.values())
            total += counts
            for test, (outcome, text) in outcomes.items():
                if outcome not in ("passed", "skipped"):
                    print(f"  {outcome} {test}: {text!r}")  # noqa: T201 - a program
            print(f"{name}: {dict(counts)}", flush=True)  # noqa: T201 - a program
    return total


def main(suite: str, directory: str = "", *names: str) -> None:
    """Run a suite from its sources, or from those that are fetched; print the sum."""
    with TemporaryDirectory() as temporary:
        sources = Path(directory).resolve() if directory else fetch(suite, Path(temporary))
        print(dict(run(suite, sources, names)))  # noqa: T201 - a program


if __name__ == "__main__":
    main(*sys.argv[1:])
