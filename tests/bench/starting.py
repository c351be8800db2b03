"""Starts a program, and measures the time until its server answers."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

LONGEST_S = 900
STEP_S = 0.002
OURS = ("PYTHONPATH", "VIRTUAL_ENV")
"""Variables that the measured programs do not get."""


def environment(**more: str) -> dict[str, str]:
    """Return the variables for a program that must not find our own packages."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | more


def seconds_to_answer(command: Sequence[str], port: int, folder: Path, **more: str) -> float:
    """Return the seconds from the start of a command in a folder until a port answers HTTP.

    Args:
        more: environment variables.

    Raises:
        RuntimeError: the program has ended, or does not answer within a quarter of an hour.
    """
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - ours
        command,
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - started > LONGEST_S:
                    raise RuntimeError(f"{' '.join(command)} does not answer")
                time.sleep(STEP_S)
            return time.perf_counter() - started
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()
