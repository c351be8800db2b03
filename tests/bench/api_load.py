"""Runs the servers of the API benchmarks, and loads them with `wrk` on the other cores."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.api_server import HOST
from support.programs import running

HERE = Path(__file__).parent
PATHS = os.pathsep.join(str(HERE.parents[1] / name) for name in ("tests", "server"))
CONNECTIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The results of `wrk`."""

    requests: int
    per_s: float
    p99_ms: float


@contextmanager
def serving(
    which: str, port: int, stub_port: int, folder: Path, ledger_url: str = ""
) -> Iterator[None]:
    """Run a server of `bench.api_server` in a new folder until the context ends."""
    folder.mkdir()
    arguments = [which, str(port), str(stub_port), str(folder), ledger_url]
    program = [sys.executable, "-m", "bench.api_server", *arguments]
    with running(program, folder, port, PYTHONPATH=PATHS):
        yield


def load(port: int, folder: Path, requests: Iterable[str], seconds: int) -> Load:
    """Send requests to a server for some seconds.

    Args:
        requests: lines with method, path, name and value of a header, and perhaps a body.

    Raises:
        FileNotFoundError: the machine has no `wrk`.
        RuntimeError: some requests failed.
    """
    file = folder / "requests"
    file.write_text("\n".join(requests) + "\n")
    others = sorted(os.sched_getaffinity(0))[1:]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "load.lua")]
    said = subprocess.run(  # noqa: S603 - the distribution's program
        ["wrk", *options, f"http://{HOST}:{port}", str(file)],  # noqa: S607 - from PATH
        preexec_fn=lambda: os.sched_setaffinity(0, others or {0}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    sent, per_s, p99_ms, failed = said.rpartition("BENCH ")[2].split()
    if int(failed):
        raise RuntimeError(f"{failed} of {sent} requests failed")
    return Load(requests=int(sent), per_s=float(per_s), p99_ms=float(p99_ms))
