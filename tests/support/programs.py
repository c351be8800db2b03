"""Starts programs of the distribution for tests, or says why that cannot be."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["free_port", "program", "running", "wait_for"]

TRIES = 200


def program(name: str) -> str:
    """Return where a program is; a test that needs it is skipped where it is not installed."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if found is None:
        pytest.skip(f"{name} is not installed here (apt-get install {name.partition('-')[0]})")
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(arguments: list[str], folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the context; it is entered once the port answers."""
    log = folder / "program.log"
    with log.open("wb") as out:
        process = subprocess.Popen(arguments, cwd=folder, stdout=out, stderr=out)  # noqa: S603
        try:
            wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once something listens on the port."""
    for _ in range(TRIES):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            try:
                process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    raise AssertionError(f"nothing listens on {port}: {log.read_text(errors='replace')}")
