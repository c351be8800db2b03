"""Runs the test suites of the official SDKs, and of packages that use them, against the mock.

They take minutes, so `make test` does not run them. With `tests` on `PYTHONPATH`:

    python -m contract.mock_oss.vendor_suites [SUITE [DIR-OF-SOURCES [FILE ...]]]

`FILES` has the suites and their test files. The tests of the suites in `PACKAGES` are in their
source packages, which are downloaded if DIR is missing; without SUITE, all of them run. The sources
of `oss-v2` (alibabacloud-oss-v2) and `ali-oss` are in the vendor's repositories; the folder of
`ali-oss` needs `npm install` and a compiled `lib`.

The tests run unchanged. Each file gets a mock of its own: one of `in_process` in Python, and for
`ali-oss` one with a port, which serves the vendor's host names as an HTTP proxy, too.
"""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

import mock_oss
from contract.mock_oss.matrix import ADMIN
from mock_oss import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    ACCOUNT_ID,
    BucketSpec,
    MockOSS,
    World,
    in_process,
)
from mock_oss.environment import variables

# The files about objects, multipart uploads, buckets, CORS, lifecycle, listing, versions, restored
# objects, signatures, STS and presigned URLs. The other files test operations for which the mock
# returns NotImplemented.
FILES: Mapping[str, tuple[str, str]] = {
    "oss2": (
        "tests",
        """
            test_object test_bucket test_upload test_download test_multipart test_iterator
            test_list_objects_v2 test_put_object_chunked test_traffic_limit test_chinese
            test_headers test_sign test_exception_ec test_api_base test_bucket_versioning
            test_object_versioning test_lifecycle_versioning
        """,
    ),
    "oss-v2": (
        "tests/integration",
        """
            test_client test_client_filelike test_object_basic test_paginator test_presign
            test_bucket_cors_client test_bucket_lifecycle_client test_encryption_client
            test_clean_restored_object_client test_bucket_tags_client
            test_bucket_referer_client test_bucket_public_access_block_client
            aio/test_bucket_basic_async aio/test_client_extension_async
            aio/test_multipart_upload_async aio/test_object_basic_async aio/test_paginator_async
            aio/test_presign_async
        """,
    ),
    "ali-oss": (
        "test/node",
        """
            object.test multipart.test bucket.test client.test callback.test sts.test
            signature.test endpointIsIP.test multiversion.test
        """,
    ),
    "aiooss2": ("tests", "func/test_bucket func/test_object func/test_resumable"),
    "ossfs": ("tests/func", "test_bucket test_error test_file test_login test_object test_ossfs"),
    "django-oss-storage": ("tests/django-oss-storage-test", "tests"),
}
_OLD_AIOHTTP = "aiohttp==3.9.5"  # aiooss2 does not work with later ones
# Suite -> the package with its tests, and what they need besides.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "oss2": (f"oss2=={importlib.metadata.version('oss2')}", "mock"),
    "aiooss2": ("aiooss2==0.2.11", _OLD_AIOHTTP),
    "ossfs": (
        *("ossfs==2025.5.0", "fsspec==2025.5.0", "aliyun-python-sdk-sts==3.1.2", _OLD_AIOHTTP),
    ),
    "django-oss-storage": (
        *("django-oss-storage==1.1.1", "django==3.2.25", "legacy-cgi; python_version >= '3.13'"),
    ),
}
# The suites of the official SDKs make their buckets, and the others expect these.
BUCKET, ANONYMOUS, FOREIGN = "vendor-suite", "dvc-anonymous", ("non-exist-bucket", "xxxx")
WORLD = World(
    roles=(ADMIN,),
    buckets=(
        BucketSpec(name=BUCKET),
        BucketSpec(name=ANONYMOUS, acl="public-read"),
        *(BucketSpec(name=name, account_id="2000000000000000") for name in FOREIGN),
    ),
)
ENDPOINT = "https://oss-cn-hangzhou.aliyuncs.com"
LOOKUP = Path(__file__).with_name("node") / "localhost.cjs"
# The suite's own pytest loads this module as a plugin, and with it the mock.
PLUGIN_PATH = (Path(__file__).parents[2], Path(mock_oss.__file__).parents[1])
FILE_TIMEOUT_S = 900
CASE_TIMEOUT_S = 120
OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def fetch(suite: str, folder: Path) -> Path:
    """Download the sources of a suite, and install the packages that its tests import there."""
    packages = PACKAGES[suite]
    pip = (sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check")
    only = ("--no-deps", f"--no-binary={suite}", f"--dest={folder}")
    subprocess.run([*pip, "download", *only, packages[0]], check=True)  # noqa: S603 - ours
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    sources = folder / archive.name.removesuffix(".tar.gz")
    into = (f"--target={sources}", "--no-warn-conflicts")
    subprocess.run([*pip, "install", *into, *packages], check=True)  # noqa: S603 - ours
    return sources


def pytest_configure(config: Any) -> None:
    """As a plugin of the suite's own pytest, start the mock.

    New buckets block public access only in the mock of `oss-v2`, because its tests expect that, and
    those of the older SDKs the contrary. For a suite of Django, do also what its `manage.py` does.
    """
    mock = ExitStack()
    blocks = Path("alibabacloud_oss_v2").exists()
    mock.enter_context(in_process(world=replace(WORLD, block_public_access=blocks)))
    config.add_cleanup(mock.close)
    if Path("tests/manage.py").exists():
        sys.path.insert(0, str(Path("tests").resolve()))
        os.environ["DJANGO_SETTINGS_MODULE"] = "django-oss-storage-test.settings"
        importlib.import_module("django").setup()


def _environment(endpoint: str) -> dict[str, str]:
    """Return the environment variables of all suites."""
    shared = {
        "ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "ENDPOINT": endpoint,
        "BUCKET": BUCKET,
        "BUCKET_NAME": BUCKET,
        "ANONYMOUS_BUCKET_NAME": ANONYMOUS,
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
    node = {"ID": ACCESS_KEY_ID, "SECRET": ACCESS_KEY_SECRET, "REGION": "oss-cn-hangzhou"}
    return {
        **os.environ,
        **variables(WORLD, endpoint),
        "OSS_SECRET_ACCESS_KEY": ACCESS_KEY_SECRET,
        "OSS_BUCKET_NAME": BUCKET,
        "PYTHONPATH": os.pathsep.join(map(str, PLUGIN_PATH)),
        "TZ": "Asia/Shanghai",  # one suite uses dates in this time zone
        **{f"OSS_TEST_{name}": value for name, value in shared.items()},
        **{f"ALI_SDK_OSS_{name}": value for name, value in node.items()},
        "ALI_SDK_STS_ID": ACCESS_KEY_ID,
        "ALI_SDK_STS_SECRET": ACCESS_KEY_SECRET,
        "ALI_SDK_STS_ROLE": ADMIN.arn,
        "ALI_SDK_STS_BUCKET": "vendor-suite-sts",
        "ONCI": "",
    }


@contextmanager
def _environment_of_ali_oss() -> Iterator[dict[str, str]]:
    """Run a mock with a port; yield the environment variables of `ali-oss`."""
    with MockOSS(world=WORLD) as oss:
        proxies = {"HTTP_PROXY": oss.endpoint, "http_proxy": oss.endpoint}
        direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        own = {"ALI_CLOUD_ENDPOINT": f"http://localhost:{oss.port}"}
        yield {**_environment(oss.endpoint), **proxies, **direct, **own}


def _command(suite: str, path: Path, report: Path) -> list[str]:
    if suite == "ali-oss":
        return [
            *("npx", "mocha", "-t", str(CASE_TIMEOUT_S * 1000), "-r", "should", "--exit"),
            *("-r", str(LOOKUP)),
            *("--reporter", "xunit", "--reporter-options", f"output={report}", str(path)),
        ]
    return [
        *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
        *("-o", "addopts=", "-W", "ignore", f"--timeout={CASE_TIMEOUT_S}", f"--junitxml={report}"),
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
    is_node = suite == "ali-oss"
    suffix = ".js" if is_node else ".py"
    with TemporaryDirectory() as temporary:
        for name in names or files.split():
            report = Path(temporary) / "report.xml"
            report.unlink(missing_ok=True)
            python = nullcontext(_environment(ENDPOINT))
            with _environment_of_ali_oss() if is_node else python as env:
                try:
                    subprocess.run(  # noqa: S603 - the suite's own runner
                        _command(suite, sources / folder / f"{name}{suffix}", report),
                        cwd=sources,
                        env=env,
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


def main(suite: str = "", directory: str = "", *names: str) -> None:
    """Run a suite from the given sources or from downloaded ones; print the total.

    Without a suite, run all that can be downloaded.
    """
    for each in [suite] if suite else PACKAGES:
        with TemporaryDirectory() as temporary:
            sources = Path(directory).resolve() if directory else fetch(each, Path(temporary))
            total = dict(run(each, sources, names))
            print(f"{each}: {total}", flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main(*sys.argv[1:])
