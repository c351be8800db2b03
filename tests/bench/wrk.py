"""Runs `wrk`, which loads a server from every core but the first; the server has that one."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support import paths, prerequisites

__all__ = ["wrk"]


def wrk(url: str, script: Path, *, connections: int, seconds: int, env: Mapping[str, str]) -> str:
    """Send requests for some seconds and return what the program printed.

    Args:
        url: of the server.
        script: in Lua; it makes the requests.
        connections: kept open.
        seconds: of load.
        env: for the script, beside the environment of this process.

    Raises:
        SystemExit: the machine has no `wrk`.
    """
    program = paths.find("wrk")
    if program is None:
        sys.exit(prerequisites.explain(prerequisites.named("wrk")))
    others = sorted(os.sched_getaffinity(0))[1:]
    return subprocess.run(  # noqa: S603 - the distribution's program
        [program, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url],
        env={**os.environ, **env},
        preexec_fn=lambda: os.sched_setaffinity(0, others or {0}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
