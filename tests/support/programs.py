"""Finds and starts programs and npm packages that tests need.

A test without its program or packages is skipped; with `CI=true` it fails. Only this module
decides that.
"""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from support import browsers, paths, prerequisites

TRIES = 1200  # one minute, for a busy machine


def program(name: str) -> str:
    """Return the path of a program; skip or fail the test if it is missing."""
    wanted = prerequisites.named(name)
    return paths.find(name) or _end_test(prerequisites.explain(wanted))


def browser(engine: str) -> browsers.Browser:
    """Return the browser for an engine; skip or fail the test if it is missing."""
    wanted = prerequisites.named(engine)
    return browsers.find(engine) or _end_test(prerequisites.explain(wanted))


def npm_packages(folder: Path) -> Path:
    """Return the packages of a folder's lock file; skip or fail the test if they are missing."""
    packages = folder / "node_modules"
    if not (packages / ".package-lock.json").exists():  # npm writes it last
        _end_test(f"npm packages are missing: run `npm ci` in {folder}, as `make test` does")
    return packages


def _end_test(reason: str) -> NoReturn:
    """Skip the test, or fail it on continuous integration, which must run all tests."""
    if prerequisites.on_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port that is not in use, and that the system gives to nobody who asks for any port.

    Another server of the test may start before the port is used.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)  # the system's ports begin at 32,768
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def running(
    arguments: list[str], folder: Path, port: int, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the context ends; the context is entered once the port accepts
    connections.

    Args:
        environment: variables that the program gets besides those of this process.
    """
    log = folder / "program.log"
    with log.open("wb") as out:
        variables = {**os.environ, **environment}
        process = subprocess.Popen(  # noqa: S603 - chosen by the tests
            arguments, cwd=folder, stdout=out, stderr=out, env=variables
        )
        try:
            wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a port accepts connections."""
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
