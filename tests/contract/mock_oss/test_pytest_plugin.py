"""The fixtures of the mock's pytest plugin, in runs of pytest of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mock_oss import ACCESS_KEY_ID, BUCKET, MockOSS

SHARED = """
import os
from urllib.request import Request, urlopen

import pytest
from mock_oss import BUCKET, BucketSpec


@pytest.fixture(scope="session")
def mock_oss_session_options():
    return {"buckets": [BucketSpec(name=BUCKET, acl="public-read-write")]}


@pytest.fixture(scope="session")
def server(mock_oss_session):
    return mock_oss_session.endpoint


@pytest.mark.parametrize("number", range(6))
def test_the_mock_is_as_at_its_start(server, mock_oss_session, number):
    assert list(mock_oss_session.bucket(BUCKET).objects) == []
    assert len(mock_oss_session.requests) == 0
    mock_oss_session.faults.add("delay", seconds=0.001)
    urlopen(Request(f"{server}/{BUCKET}/a", b"x", method="PUT")).close()
    assert list(mock_oss_session.bucket(BUCKET).objects) == ["a"]
    print("PORT", os.environ.get("PYTEST_XDIST_WORKER"), mock_oss_session.port)


def test_others_do_not_need_it():
    pass
"""

ENVIRONMENT = """
import os

import pytest

before = dict(os.environ)


def test_the_environment_has_the_values(mock_oss, mock_oss_environment):
    assert mock_oss_environment["OSS_ENDPOINT"] == mock_oss.endpoint
    assert mock_oss_environment.items() <= os.environ.items()
    assert "OSS_SESSION_TOKEN" not in os.environ


def test_it_is_restored():
    assert os.environ["OSS_SESSION_TOKEN"] == "real"
    assert "OSS_ENDPOINT" not in os.environ


def test_the_vendors_hosts_are_served(mock_oss_in_process):
    import requests

    host = os.environ["OSS_BUCKET"] + ".oss-cn-hangzhou.aliyuncs.com"
    assert requests.get(f"https://{host}/a", timeout=10).status_code == 403
    assert mock_oss_in_process.requests.one("GetObject", key="a").code == "AccessDenied"
"""


def run(folder: Path, *options: str, **texts: str) -> str:
    """Run pytest on files with these texts, and return its output."""
    for name, text in texts.items():
        (folder / f"test_{name}.py").write_text(text)
    environment = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some take a second to import
    plugin = ("-p", "no:cacheprovider", "-p", "mock_oss.pytest_plugin")
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-m", "pytest", "-rP", *plugin, "--rootdir", folder, *options, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_mock_of_the_session_is_reset_and_the_environment_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_SESSION_TOKEN", "real")
    monkeypatch.delenv("OSS_ENDPOINT", raising=False)

    said = run(tmp_path, shared=SHARED, environment=ENVIRONMENT)

    assert "10 passed" in said
    assert len(set(re.findall(r"PORT None (\d+)", said))) == 1


def test_the_environment_of_a_mock(mock_oss: MockOSS) -> None:
    assert mock_oss.environment == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "MockOssAccessKeySecret00000001",
        "OSS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "OSS_ACCESS_KEY_SECRET": "MockOssAccessKeySecret00000001",
        "OSS_BUCKET": BUCKET,
        "OSS_ENDPOINT": mock_oss.endpoint,
        "OSS_REGION": "cn-hangzhou",
    }
