"""Several processes on one socket, and stopping a server with requests in flight."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from ossferry.cli.demo import Demo
from support import commands
from support.load import Load
from support.programs import free_port
from support.serve_command import LOG_IN_A_FILE, server_process, wait_until_up

METRICS_TOKEN = "metrics-token-of-more-than-32-characters"


@pytest.fixture
def options(demo: Demo, web_dir: Path, tmp_path: Path) -> dict[str, str]:
    """Settings of a server that uses the mock's STS."""
    return {
        **commands.granting(demo),
        "OSSFERRY_WEB_DIR": str(web_dir),
        "OSSFERRY_PORT": str(free_port()),
        "OSSFERRY_AUDIT_FILE": str(tmp_path / "audit.log"),
        "OSSFERRY_RATE_PER_PRINCIPAL": "100000/minute",
        "OSSFERRY_RATE_PER_ADDRESS": "100000/minute",
        "OSSFERRY_METRICS_TOKEN": METRICS_TOKEN,
    }


@contextmanager
def serving(folder: Path, options: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `ossferry serve`; yield its URL once it answers."""
    url = f"http://127.0.0.1:{options['OSSFERRY_PORT']}"
    with server_process(folder, options) as process:
        wait_until_up(url, process)
        yield url, process


def test_several_workers_without_redis_are_refused(options: dict[str, str]) -> None:
    done = commands.run("serve", "--workers", "2", environment=options)

    assert done.code == 1
    assert done.complaint.startswith("ossferry: OSSFERRY_WORKERS above 1 needs OSSFERRY_REDIS_URL")


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


def load_of(url: str, **more: Any) -> Load:
    return Load(partial(httpx.Client, base_url=url, trust_env=False, timeout=20), **more)


def outcomes(audit: Path) -> list[str]:
    """Return the outcomes of all requests for grants."""
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [line["outcome"] for line in lines if line.get("action") != "readiness"]


@contextmanager
def two_workers(
    folder: Path, options: dict[str, str], redis_port: int
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a server with two worker processes; yield its URL at once."""
    options |= {"OSSFERRY_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "OSSFERRY_DRAIN_S": "1"}
    with server_process(folder, options | {"OSSFERRY_WORKERS": "2"}, *LOG_IN_A_FILE) as process:
        yield f"http://127.0.0.1:{options['OSSFERRY_PORT']}", process


def grants_and_figures(demo: Demo, url: str) -> tuple[list[str], int, str]:
    """Return the key ids of 24 grants, the number of calls to STS for them, and the metrics."""
    bob = {"cookie": "ossferry_demo_user=bob"}
    headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
    before = len([r for r in demo.oss.requests if r.operation == "AssumeRole"])
    keys = [
        httpx.post(f"{url}/api/grant", headers=bob, trust_env=False).json()["access_key_id"]
        for _ in range(24)
    ]
    calls = len([r for r in demo.oss.requests if r.operation == "AssumeRole"]) - before
    return keys, calls, httpx.get(f"{url}/metrics", headers=headers, trust_env=False).text


@pytest.mark.slow  # test_nginx_servers also loses no request
def test_two_workers_share_their_state_and_lose_no_request_until_they_stop(
    demo: Demo, options: dict[str, str], redis_port: int, tmp_path: Path
) -> None:
    audit, log = tmp_path / "audit.log", tmp_path / "serve.log"
    while True:
        with two_workers(tmp_path, options, redis_port) as (url, process):
            while len(starting := children(process)) < 3:  # and a helper of multiprocessing
                assert process.poll() is None, log.read_text()
            for pid in starting:
                os.kill(pid, signal.SIGSTOP)
            refused = is_refused(int(options["OSSFERRY_PORT"]))
            for pid in starting:
                os.kill(pid, signal.SIGCONT)
            wait_until_up(url, process)
            keys, calls, figures = grants_and_figures(demo, url)
            is_redis_lost = "redis-lost" in log.read_text()

            asking = load_of(url, end=httpx.TransportError)  # a proxy tries again
            asking.wait_for_more()
            process.send_signal(signal.SIGHUP)
            while len(set(starting) & set(children(process))) > 1:  # the helper stays
                asking.wait_for_more(1)
            asking.wait_for_more()
            asking.hurry()
            process.send_signal(signal.SIGTERM)
            asking.join()
            said, _ = process.communicate(timeout=20)
        if not is_redis_lost:  # on a busy machine Redis may answer too late
            break
        audit.unlink()
        log.unlink()

    assert refused  # until a worker could answer
    assert (len(keys), len(set(keys)), calls) == (24, 1, 1)
    assert 'ossferry_decisions_total{outcome="issued"}' in figures
    counted = [
        float(line.rpartition(" ")[2])
        for line in figures.splitlines()
        if line.startswith("ossferry_decisions_total")
    ]
    assert sum(counted) == 24
    assert (process.returncode, said) == (0, "")
    assert "Traceback" not in log.read_text()
    assert METRICS_TOKEN not in log.read_text()
    assert set(asking.statuses) == {200}
    assert set(outcomes(audit)) <= {"issued", "reused"}
    assert len(outcomes(audit)) == len(keys) + len(asking.statuses)


def test_r52_a_server_that_is_told_to_stop_answers_every_request(
    demo: Demo, options: dict[str, str], tmp_path: Path
) -> None:
    options = {**options, "OSSFERRY_DRAIN_S": "1"}
    demo.oss.faults.add("delay", operation="AssumeRole", seconds=0.4, times=1)

    with serving(tmp_path, options) as (url, process):
        asking = load_of(url)
        asking.wait_for_more()
        asking.hurry()
        process.send_signal(signal.SIGTERM)
        asking.join()
        said, log = process.communicate(timeout=20)

    audit = outcomes(tmp_path / "audit.log")
    assert (process.returncode, said) == (0, "")
    assert "Traceback" not in log
    assert (set(asking.statuses), asking.broken) == ({200}, 0)
    assert set(audit) <= {"issued", "reused"}
    assert len(audit) == len(asking.statuses)


def test_r52_a_server_that_is_told_to_stop_sends_its_clients_away_first(
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
