"""Several processes on one socket, and stopping a server with requests in flight."""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from ossferry.cli.draining import DrainingServer
from ossferry.http.protocol import WireConfig, WireLimits
from support.programs import free_port, program, running

COMMAND = Path(sys.executable).with_name("ossferry")
METRICS_TOKEN = "metrics-token-of-more-than-32-characters"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    options = ["--bind", "127.0.0.1", "--save", ""]
    command = [program("redis-server"), "--port", str(port), *options]
    with running(command, folder, port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def options(demo: Demo, web_dir: Path, tmp_path: Path) -> dict[str, str]:
    """Settings of a server that uses the mock's STS."""
    return {
        "OSSFERRY_BUCKET": demo.settings.bucket,
        "OSSFERRY_REGION": demo.settings.region,
        "OSSFERRY_ENDPOINT": demo.settings.endpoint,
        "OSSFERRY_STS_ENDPOINT": str(demo.settings.sts_endpoint),
        "OSSFERRY_ROLE_ARN": demo.settings.role_arn,
        "OSSFERRY_SECRET": "a-text-of-more-than-32-characters",
        "OSSFERRY_WEB_DIR": str(web_dir),
        "OSSFERRY_ALLOW_MOCK": "1",
        "OSSFERRY_PORT": str(free_port()),
        "OSSFERRY_AUDIT_FILE": str(tmp_path / "audit.log"),
        "OSSFERRY_RATE_PER_PRINCIPAL": "100000/minute",
        "OSSFERRY_RATE_PER_ADDRESS": "100000/minute",
        "OSSFERRY_METRICS_TOKEN": METRICS_TOKEN,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }


@contextmanager
def serving(
    folder: Path, options: dict[str, str], *arguments: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `ossferry serve`; yield its URL once it answers."""
    url = f"http://127.0.0.1:{options['OSSFERRY_PORT']}"
    with process_of(folder, options, *arguments) as process:
        _wait_until_up(url, process)
        yield url, process


@contextmanager
def process_of(
    folder: Path, options: dict[str, str], *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `ossferry serve` until the context ends."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "serve", *arguments],
        cwd=folder,
        env={**environment, **options},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait_until_up(url: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"{url}/healthz", trust_env=False, timeout=20)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        return
    raise AssertionError(process.communicate())


def test_workers_share_one_grant_and_one_set_of_figures(
    demo: Demo, options: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    options = {**options, "OSSFERRY_REDIS_URL": redis_url}
    headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
    while True:
        before = len([r for r in demo.oss.requests if r.operation == "AssumeRole"])
        with serving(tmp_path, options, "--workers", "2") as (url, process):
            grants = [
                httpx.post(f"{url}/api/grant", trust_env=False).json()["access_key_id"]
                for _ in range(24)
            ]
            figures = httpx.get(f"{url}/metrics", headers=headers, trust_env=False).text
            process.send_signal(signal.SIGTERM)
            said, log = process.communicate(timeout=30)
        if "redis-lost" not in log:  # on a busy machine Redis may answer too late
            break

    assert len(set(grants)) == 1
    assert len([r for r in demo.oss.requests if r.operation == "AssumeRole"]) == before + 1
    assert 'ossferry_decisions_total{outcome="issued"}' in figures
    counted = [
        float(line.rpartition(" ")[2])
        for line in figures.splitlines()
        if line.startswith("ossferry_decisions_total")
    ]
    assert sum(counted) == 24
    assert (process.returncode, said) == (0, "")
    assert METRICS_TOKEN not in log


def test_several_workers_without_redis_are_refused(options: dict[str, str], tmp_path: Path) -> None:
    environment = {**os.environ, **options}
    result = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "serve", "--workers", "2"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("ossferry: OSSFERRY_WORKERS above 1 needs OSSFERRY_REDIS_URL")


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the process ids of the children of a process."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(each) for each in listed.split()]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_connections_are_refused_until_a_worker_can_answer(
    options: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    options = {**options, "OSSFERRY_REDIS_URL": redis_url}
    with process_of(tmp_path, options, "--workers", "2") as process:
        while len(stopped := children(process)) < 3:  # two workers, and a helper of multiprocessing
            assert process.poll() is None, process.communicate()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        refused = is_refused(int(options["OSSFERRY_PORT"]))
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        _wait_until_up(f"http://127.0.0.1:{options['OSSFERRY_PORT']}", process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert refused


@pytest.mark.parametrize(
    ("workers", "is_late"), [("1", False), ("2", False), ("2", True)], ids=["1", "2", "2-late"]
)
def test_a_server_that_is_told_to_stop_answers_every_request(
    demo: Demo,
    options: dict[str, str],
    redis_url: str,
    tmp_path: Path,
    workers: str,
    is_late: bool,
) -> None:
    statuses: list[int] = []
    drain_s = 5 if is_late else 1  # the test must stop the supervisor before draining ends
    options = {**options, "OSSFERRY_REDIS_URL": redis_url, "OSSFERRY_DRAIN_S": str(drain_s)}

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            while True:
                try:
                    statuses.append(client.post("/api/grant").status_code)
                except httpx.ConnectError:
                    return  # the server has closed its socket; a proxy tries another one

    with serving(tmp_path, options, "--workers", workers) as (url, process):
        demo.oss.faults.add("delay", operation="AssumeRole", seconds=0.4, times=1)
        with ThreadPoolExecutor(6) as pool:
            asking = [pool.submit(ask, url) for _ in range(6)]
            while len(statuses) < 20:
                assert process.poll() is None, process.communicate()
            process.send_signal(signal.SIGTERM)
            if is_late:  # the supervisor gets no time on a busy machine
                while "connection" not in httpx.get(f"{url}/readyz", trust_env=False).headers:
                    pass
                process.send_signal(signal.SIGSTOP)
                time.sleep(drain_s + 1)
                process.send_signal(signal.SIGCONT)
            for each in asking:
                each.result()
        said, log = process.communicate(timeout=20)

    lines = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    outcomes = [line["outcome"] for line in lines if line.get("action") != "readiness"]
    assert (process.returncode, said) == (0, "")
    assert "Traceback" not in log
    assert set(statuses) == {200}
    assert set(outcomes) <= {"issued", "reused"}
    assert len(outcomes) == len(statuses)


def test_a_server_that_is_told_to_stop_sends_its_clients_away_first(
    options: dict[str, str], tmp_path: Path
) -> None:
    options = {**options, "OSSFERRY_DRAIN_S": "60"}
    with (
        serving(tmp_path, options) as (url, process),
        httpx.Client(base_url=url, trust_env=False, timeout=20) as waiting,
    ):
        before = waiting.post("/api/grant")
        process.send_signal(signal.SIGTERM)
        while True:
            ready = httpx.get(f"{url}/readyz", trust_env=False)
            if "connection" in ready.headers:
                break
        after = waiting.post("/api/grant")
        said, _ = process.communicate(timeout=30)

    assert (ready.status_code, ready.json()) == (503, {"status": "not-ready"})
    assert (before.status_code, before.headers.get("connection")) == (200, None)
    assert (after.status_code, after.headers.get("connection")) == (200, "close")
    assert (process.returncode, said) == (0, "")


def test_workers_are_replaced_without_losing_a_request(
    options: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    statuses: list[int] = []
    ended = threading.Event()
    options = {**options, "OSSFERRY_REDIS_URL": redis_url, "OSSFERRY_DRAIN_S": "1"}

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            while not ended.is_set():
                statuses.append(client.post("/api/grant").status_code)

    with (
        serving(tmp_path, options, "--workers", "2") as (url, process),
        ThreadPoolExecutor(4) as pool,
    ):
        before = set(children(process))
        asking = [pool.submit(ask, url) for _ in range(4)]
        try:
            process.send_signal(signal.SIGHUP)
            while len(before & set(children(process))) > 1:  # multiprocessing's helper stays
                _raise_failures(asking)
            answered = len(statuses)
            while len(statuses) < answered + 20:
                _raise_failures(asking)
        finally:
            ended.set()
        for each in asking:
            each.result()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert set(statuses) == {200}


def _raise_failures(futures: Sequence[Future[None]]) -> None:
    """Wait a moment, and raise the error of a future that has failed."""
    for each in wait(futures, timeout=0.1).done:
        each.result()


def test_a_worker_that_is_told_to_stop_while_it_starts_drains_like_the_others() -> None:
    """If it did not, no other worker would get a connection as long as the server drains."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("answered")(scope, receive, send)

    all_stop = multiprocessing.get_context("spawn").Event()
    all_stop.set()
    limits = WireLimits(read_timeout_s=5, max_connections=10)
    config = WireConfig(app, limits=limits, grace_s=5, drain_s=2, workers=2, all_stop=all_stop)
    config.lifespan = "off"
    server = DrainingServer(config)
    with socket.create_server(("127.0.0.1", 0)) as sock, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True  # as after a signal
        running = pool.submit(asyncio.run, server.serve([sock]))
        answers = [httpx.get(url, trust_env=False) for _ in range(3)]
        running.result()

    assert [each.text for each in answers] == ["answered"] * 3
    assert {each.headers.get("connection") for each in answers} == {"close"}
