"""The ways to try ossferry that the README names, from nothing to a page that answers.

All caches of uv, pip and npm are empty folders, so each package is downloaded. The time to clone
the repository does not count. The time to build the wheels counts only in the row that names
`make wheel`.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.table import Bench, Only, Row
from support.programs import free_port
from support.wheels import build_wheels

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
UVX = (
    "uvx --with dist/mock_oss-*.whl --with dist/ossferry_pyodide-*.whl"
    " --from dist/ossferry-*.whl ossferry demo"
)
"""The command of the README, in a folder that contains `dist`."""
CLONE = "quick start: `make demo` in a new clone"
BUILD = "quick start: `make wheel` and `uvx` in a new clone"
WHEEL = "quick start: `uvx` with the wheels"
AGAIN = "quick start: `uvx` with the wheels, the second time"
LONGEST_S = 900


def _clone(_only: Only) -> Iterator[Row]:
    with _new_clone() as checkout:
        port, oss_port = free_port(), free_port()
        command = ("make", "demo", f"PORT={port}", f"OSS_PORT={oss_port}")
        yield Row(name=CLONE, value=_seconds(command, port, checkout), unit="s")


def _build(_only: Only) -> Iterator[Row]:
    with _new_clone() as checkout:
        port, oss_port = free_port(), free_port()
        command = _shell(f"make wheel && {UVX}", port, oss_port)
        yield Row(name=BUILD, value=_seconds(command, port, checkout), unit="s")


def _wheels(_only: Only) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        dist = Path(folder, "dist")
        build_wheels(dist)
        port, oss_port = free_port(), free_port()
        for name in (WHEEL, AGAIN):
            command = _shell(UVX, port, oss_port)
            yield Row(name=name, value=_seconds(command, port, Path(folder)), unit="s")


@contextmanager
def _new_clone() -> Iterator[Path]:
    """Clone the repository, and yield the folder of the clone."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)  # noqa: S603, S607
        yield checkout


def _shell(line: str, port: int, oss_port: int) -> tuple[str, ...]:
    """Return a command that runs a line with our `uvx`, in a shell."""
    line = line.replace("uvx ", f"{PROGRAMS / 'uvx'} ")
    return ("/bin/sh", "-c", f"{line} --port {port} --oss-port {oss_port}")


def _seconds(command: Sequence[str], port: int, folder: Path) -> float:
    """Return the seconds from the start of a command in a folder until the page answers.

    The caches are in this folder, too.
    """
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache"):
        environment[name] = str(folder / name)
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - ours
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - started > LONGEST_S:
                    raise RuntimeError(f"{' '.join(command)} did not serve the page")
                time.sleep(0.05)
            return time.perf_counter() - started
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


BENCHES = (
    Bench(names=(CLONE,), rows=_clone),
    Bench(names=(BUILD,), rows=_build),
    Bench(names=(WHEEL, AGAIN), rows=_wheels),
)
