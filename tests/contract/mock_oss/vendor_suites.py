"""Runs the official SDKs' own test suites against the mock and counts the results.

They take minutes, and most are only part of the SDKs' source code, so `make test` does not run
them. With `tests` on `PYTHONPATH`:

    python -m contract.mock_oss.vendor_suites oss2 [DIR-OF-SOURCES [FILE ...]]

The suites are `oss2`, `oss-v2` (alibabacloud-oss-v2) and `ali-oss`. The tests of `oss2` are in its
source package, which is downloaded if DIR is missing. The sources of the other two are in the
vendor's repositories; the folder of `ali-oss` needs `npm install` and a compiled `lib`. `FILES`
lists the test files to run.

The tests run unchanged, except for the clean-up of `oss-v2`, which would call the real endpoints
over TLS. Each file gets a mock of its own. Requests to the vendor's host names reach the mock as an
HTTP proxy.
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

# The files about objects, multipart uploads, buckets, CORS, lifecycle, listing, versions, restored
# objects, inventories, signatures, STS and presigned URLs. The other files test operations for
# which the mock returns NotImplemented.
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
            "test_bucket_versioning",
            "test_object_versioning",
            "test_lifecycle_versioning",
            "test_bucket_inventory",
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
            "test_bucket_inventory_client",
            "test_clean_restored_object_client",
            "test_bucket_tags_client",
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
            "multiversion.test",
        ),
    ),
}
LOOKUP = Path(__file__).with_name("node") / "localhost.cjs"
FILE_TIMEOUT_S = 900
CASE_TIMEOUT_S = 120
OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def fetch(suite: str, folder: Path) -> Path:
    """Download the sources of the installed version, and the packages that their tests import."""
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
    """As a plugin of the suite's own pytest, disable the clean-up that needs TLS."""
    if any(item.nodeid.startswith("tests/integration/") for item in session.items):
        suite: Any = importlib.import_module("tests.integration")
        suite.clean_buckets = lambda *_: None


def _environment(oss: MockOSS) -> dict[str, str]:
    """Return the environment variables of all suites."""
    shared = {
        "ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "ENDPOINT": oss.endpoint,
        "BUCKET": "vendor-suite",
        "REGION": "cn-hangzhou",
        "RAM_ROLE_ARN": ADMIN.arn,
        "USER_ID": ACCOUNT_ID,
        "RAM_UID": ACCOUNT_ID,
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
        "PYTHONPATH": str(Path(__file__).parents[2]),  # the suite's own pytest loads this module
        "TZ": "Asia/Shanghai",  # one suite uses dates in this time zone
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
    """Run the files of a suite, print each failure and the counts of each file; return the
    total.
    """
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
    """Run a suite from the given sources or from downloaded ones; print the total."""
    with TemporaryDirectory() as temporary:
        sources = Path(directory).resolve() if directory else fetch(suite, Path(temporary))
        print(dict(run(suite, sources, names)))  # noqa: T201 - a program


if __name__ == "__main__":
    main(*sys.argv[1:])
