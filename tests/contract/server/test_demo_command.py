"""`ossferry demo` as a user runs it: some lines when ready, a clean exit, a sentence on failure."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from support import commands
from support.commands import Ran
from support.serve_command import COMMAND

CANARIES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-canary-real-key",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-real-secret",
    "OSS_ACCESS_KEY_ID": "LTAI-canary-real-key",
    "OSS_ACCESS_KEY_SECRET": "canary-real-secret",
    "OSSFERRY_BUCKET": "canary-real-bucket",
}


FREE = ("--port", "0", "--oss-port", "0")


@contextmanager
def demo_process(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo in a folder, in an environment with fake real-looking credentials."""
    (folder / ".env").write_text("OSSFERRY_ENDPOINT=https://oss-cn-hangzhou.aliyuncs.com\n")
    process = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "demo", "--i-know-this-is-a-mock", *FREE, *arguments],
        cwd=folder,
        env={**os.environ, **CANARIES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def refused(*arguments: str) -> Ran:
    """Run a demo that does not start; it leaves no thread."""
    threads = set(threading.enumerate())
    done = commands.run("demo", "--i-know-this-is-a-mock", *arguments, environment=CANARIES)
    assert (done.code, done.out, set(threading.enumerate()) - threads) == (1, "", set())
    return done


def read(said: IO[str] | None, before: str) -> str:
    """Return the rest of the next line, which starts with these words."""
    assert said is not None
    line = said.readline()
    assert line.startswith(before)
    return line.removeprefix(before).strip()


def grant_of(url: str) -> dict[str, Any]:
    grant: dict[str, Any] = (
        httpx.post(f"{url}/api/grant", trust_env=False).raise_for_status().json()
    )
    return grant


def test_the_demo_says_where_it_is_and_stops_cleanly(tmp_path: Path) -> None:
    with demo_process(tmp_path) as process:
        url = read(process.stdout, "ossferry demo ready at ")
        grant = grant_of(url)
        mock = read(process.stdout, "the mock OSS shows its objects at ")
        shown = httpx.get(mock, trust_env=False)
        samples = Path(read(process.stdout, "files to try the checks: "))
        names = {path.name for path in samples.iterdir()}
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=60)

    assert url.startswith("http://127.0.0.1:")
    assert (process.returncode, rest, complaints) == (0, "", "")
    assert (mock[-7:], shown.status_code) == ("/_mock/", 200)
    assert names >= {"README.txt", "bomb.zip"}
    assert not samples.parent.exists()
    assert "checks" in grant["features"]
    assert grant["bucket"] == "web-direct-upload"
    assert grant["endpoint"].startswith("http://localhost:")


def test_the_demo_keeps_samples_and_runs_like_a_new_account_for_other_sites_and_machines(
    tmp_path: Path,
) -> None:
    site = "http://127.0.0.1:8001"
    domain = ("--custom-domain", "files.localhost", "--upload-host", "oss-accelerate.localhost")
    others = ("--frame-origin", site, "--host", "0.0.0.0")  # noqa: S104 - what is tried
    with demo_process(tmp_path, *domain, *others, "--data-dir", "kept") as process:
        url = read(process.stdout, "ossferry demo ready at ")
        origins = read(process.stdout, "files go to ")
        read(process.stdout, "the mock OSS shows its objects at ")
        samples = read(process.stdout, "files to try the checks: ")
        grant = grant_of(url)
        policy = httpx.get(url, trust_env=False).headers["content-security-policy"]
        process.send_signal(signal.SIGTERM)
        rest, complaints = process.communicate(timeout=60)

    assert (process.returncode, rest, complaints) == (0, "", "")
    assert grant["cname"] is True
    assert origins == ", ".join(grant["origins"])
    assert [origin.rpartition(":")[0] for origin in grant["origins"]] == [
        "http://files.localhost",
        "http://web-direct-upload.oss-accelerate.localhost",
    ]
    assert f"frame-ancestors {site}" in policy
    assert Path(samples) == tmp_path / "kept" / "samples"
    assert (tmp_path / "kept" / "samples" / "README.txt").is_file()


def test_the_demo_runs_without_checks(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--no-checks") as process:
        grant = grant_of(read(process.stdout, "ossferry demo ready at "))
        read(process.stdout, "the mock OSS shows its objects at ")
        process.terminate()
        rest, _ = process.communicate(timeout=60)

    assert "checks" not in grant["features"]
    assert rest == ""


def test_the_same_port_twice_is_one_sentence() -> None:
    assert refused("--port", "8123", "--oss-port", "8123").err == (
        "ossferry: --port and --oss-port are both 8123; give two different ports.\n"
    )


def test_a_frame_origin_that_is_none_is_one_sentence() -> None:
    complaints = refused(*FREE, "--frame-origin", "*").err

    assert "OSSFERRY_FRAME_ORIGINS" in complaints
    assert "Traceback" not in complaints


@pytest.mark.parametrize("option", ["--port", "--oss-port"])
def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(option: str) -> None:
    other = {"--port": "--oss-port", "--oss-port": "--port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complaints = refused(option, port, other, "0").err

    assert complaints == (
        f"ossferry: {option}: cannot listen on 127.0.0.1:{port}"
        " (Address already in use); choose another.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        ((), {"APP_ENV": "prod-eu"}, "APP_ENV=prod-eu"),
        ((), {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tQf7sGk2NpZ0aXyWvUt"}, "ALIBABA_CLOUD_"),
        (("--host", "0.0.0.0"), {}, "--host 0.0.0.0 is reachable"),  # noqa: S104 - must be refused
    ],
    ids=["stage", "key", "network"],
)
def test_t47_the_demo_refuses_to_start_where_it_could_be_taken_for_the_cloud(
    arguments: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    done = commands.run("demo", *FREE, *arguments, environment=env)

    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert done.err.endswith("; use --i-know-this-is-a-mock to start the mock anyway.\n")
