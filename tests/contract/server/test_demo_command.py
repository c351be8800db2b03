"""`ossferry demo` as a user runs it: some lines when ready, a clean exit, a sentence on failure."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = Path(sys.executable).with_name("ossferry")
CANARIES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-canary-real-key",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-real-secret",
    "OSS_ACCESS_KEY_ID": "LTAI-canary-real-key",
    "OSS_ACCESS_KEY_SECRET": "canary-real-secret",
    "OSSFERRY_BUCKET": "canary-real-bucket",
}


@contextmanager
def demo_process(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo in a folder, in an environment with fake real-looking credentials."""
    (folder / ".env").write_text("OSSFERRY_ENDPOINT=https://oss-cn-hangzhou.aliyuncs.com\n")
    process = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "demo", "--i-know-this-is-a-mock", *arguments],
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_demo_says_where_it_is_and_stops_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    with demo_process(tmp_path, "--port", "0", "--oss-port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.removeprefix("ossferry demo ready at ").strip()
        grant = httpx.post(f"{url}/api/grant", trust_env=False).json()
        mock = process.stdout.readline().removeprefix("the mock OSS shows its objects at ").strip()
        shown = httpx.get(mock, trust_env=False)
        samples = samples_of(process.stdout.readline())
        names = {path.name for path in samples.iterdir()}
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=60)

    assert line.startswith("ossferry demo ready at http://127.0.0.1:")
    assert (process.returncode, rest, complaints) == (0, "", "")
    assert (mock[-7:], shown.status_code) == ("/_mock/", 200)
    assert names >= {"README.txt", "bomb.zip"}
    assert not samples.parent.exists()
    assert "checks" in grant["features"]
    assert grant["bucket"] == "web-direct-upload"
    assert grant["endpoint"].startswith("http://localhost:")


def samples_of(line: str) -> Path:
    """Return the folder that the line of the output names."""
    assert line.startswith("files to try the checks: /")
    return Path(line.removeprefix("files to try the checks: ").strip())


def test_the_samples_stay_in_the_data_directory(tmp_path: Path) -> None:
    free = ("--port", "0", "--oss-port", "0")
    with demo_process(tmp_path, *free, "--data-dir", "kept") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
        process.communicate(timeout=60)

    assert samples_of(lines[2]) == tmp_path / "kept" / "samples"
    assert (tmp_path / "kept" / "samples" / "README.txt").is_file()


def test_the_demo_runs_without_checks(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--port", "0", "--oss-port", "0", "--no-checks") as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ossferry demo ready at ").strip()
        grant = httpx.post(f"{url}/api/grant", trust_env=False).json()
        process.stdout.readline()
        process.terminate()
        rest, _ = process.communicate(timeout=60)

    assert "checks" not in grant["features"]
    assert rest == ""


def test_the_demo_runs_like_a_new_account(tmp_path: Path) -> None:
    free = ("--port", "0", "--oss-port", "0")
    domain = ("--custom-domain", "files.localhost", "--upload-host", "oss-accelerate.localhost")
    with demo_process(tmp_path, *free, *domain) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ossferry demo ready at ").strip()
        line = process.stdout.readline().strip()
        grant = httpx.post(f"{url}/api/grant", trust_env=False).json()

    assert grant["cname"] is True
    assert line == f"files go to {', '.join(grant['origins'])}"
    assert [origin.rpartition(":")[0] for origin in grant["origins"]] == [
        "http://files.localhost",
        "http://web-direct-upload.oss-accelerate.localhost",
    ]


def test_the_demo_with_a_domain_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--custom-domain", "files.example.com") as process:
        _, complaint = process.communicate(timeout=60)

    assert process.returncode == 1
    assert complaint == (
        "ossferry: --custom-domain: files.example.com must be a name such as files.localhost.\n"
    )


def test_the_demo_can_be_embedded(tmp_path: Path) -> None:
    site = "http://127.0.0.1:8001"
    free = ("--port", "0", "--oss-port", "0")
    with demo_process(tmp_path, *free, "--frame-origin", site) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ossferry demo ready at ").strip()
        policy = httpx.get(url, trust_env=False).headers["content-security-policy"]

    assert f"frame-ancestors {site}" in policy


def test_a_frame_origin_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--port", "0", "--oss-port", "0", "--frame-origin", "*") as process:
        _, complaints = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "OSSFERRY_FRAME_ORIGINS" in complaints
    assert "Traceback" not in complaints


def test_the_demo_can_be_shown_to_other_machines(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--host", "0.0.0.0", "--port", "0", "--oss-port", "0") as process:  # noqa: S104 - what is tried
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("ossferry demo ready at ").strip()
        status = httpx.post(f"{url}/api/grant", trust_env=False).status_code

    assert status == 200


def test_the_same_port_twice_is_one_sentence(tmp_path: Path) -> None:
    with demo_process(tmp_path, "--port", "8123", "--oss-port", "8123") as process:
        said, complaints = process.communicate(timeout=60)

    assert (process.returncode, said) == (1, "")
    assert complaints == (
        "ossferry: --port and --oss-port are both 8123; give two different ports.\n"
    )


@pytest.mark.parametrize("option", ["--port", "--oss-port"])
def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(tmp_path: Path, option: str) -> None:
    other = {"--port": "--oss-port", "--oss-port": "--port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with demo_process(tmp_path, option, port, other, "0") as process:
            said, complaints = process.communicate(timeout=60)

    assert (process.returncode, said) == (1, "")
    assert complaints == (
        f"ossferry: {option}: cannot listen on 127.0.0.1:{port}"
        " (Address already in use); choose another.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        ((), {"ENV": "production"}, "ENV=production"),
        ((), {"APP_ENV": "prod-eu"}, "APP_ENV=prod-eu"),
        ((), {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tQf7sGk2NpZ0aXyWvUt"}, "ALIBABA_CLOUD_"),
        (("--host", "0.0.0.0"), {}, "--host 0.0.0.0 is reachable"),  # noqa: S104 - must be refused
    ],
    ids=["stage", "stage of a region", "key", "network"],
)
def test_t47_the_demo_refuses_to_start_where_it_could_be_taken_for_the_cloud(
    arguments: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "demo", "--port", "0", "--oss-port", "0", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.endswith("; use --i-know-this-is-a-mock to start the mock anyway.\n")
