"""Runs `ossferry serve` as an operator does, with settings for the cloud."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

COMMAND = Path(sys.executable).with_name("ossferry")
LOG_IN_A_FILE = ("/bin/sh", "-c", 'exec "$@" 2>>serve.log', "sh")
"""A program that starts another one, whose log goes into a file; nobody would read a pipe."""
SECRET = "a-text-of-more-than-32-characters"


def cloud_options(folder: Path) -> dict[str, str]:
    """Return settings for the cloud, with an unreachable STS; store the secret in the folder."""
    (folder / "secret").write_text(f"{SECRET}\n")
    return {
        "OSSFERRY_AUTH": "apikey",
        "OSSFERRY_API_KEYS_FILE": str(folder / "keys.json"),
        "OSSFERRY_BUCKET": "web-direct-upload",
        "OSSFERRY_REGION": "cn-hangzhou",
        "OSSFERRY_ENDPOINT": "https://oss-cn-hangzhou.invalid.aliyuncs.com",
        "OSSFERRY_STS_ENDPOINT": "https://sts.invalid.aliyuncs.com",
        "OSSFERRY_ROLE_ARN": "acs:ram::1000000000000000:role/oss-web-upload",
        "OSSFERRY_SECRET_FILE": str(folder / "secret"),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-canary-id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-long-term-secret",
    }


@contextmanager
def server_process(
    folder: Path, options: dict[str, str], *before: str, command: Path = COMMAND
) -> Iterator[subprocess.Popen[str]]:
    """Run the server until the context ends.

    Args:
        folder: the working directory.
        before: a program, with its arguments, that starts the server.
        command: the program `ossferry`.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*before, command, "serve"],
        cwd=folder,
        env={**_plain_environment(), **options},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_up(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until the server at a URL is healthy; fail if the process ends before."""
    assert wait_until_answered(f"{url}/healthz", process).json() == {"status": "ok"}


def wait_until_answered(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    """Return the first answer from a URL; fail if the process ends before."""
    with httpx.Client(trust_env=False, timeout=20) as client:
        while process.poll() is None:
            with suppress(httpx.ConnectError):
                return client.get(url)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
    raise AssertionError(process.communicate())


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
