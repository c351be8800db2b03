"""Runs the load generator `wrk` on all cores except the first, which the server uses."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def wrk(url: str, script: Path, *, connections: int, seconds: int, env: Mapping[str, str]) -> str:
    """Send requests for some seconds, and return the output of `wrk`.

    Args:
        url: of the server.
        script: a Lua script that creates the requests.
        connections: number of persistent connections.
        seconds: duration of the load.
        env: variables for the script, in addition to this process's environment.

    Raises:
        FileNotFoundError: the machine has no `wrk`.
    """
    others = sorted(os.sched_getaffinity(0))[1:]
    return subprocess.run(  # noqa: S603 - the distribution's program
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url],  # noqa: S607 - from PATH
        env={**os.environ, **env},
        preexec_fn=lambda: os.sched_setaffinity(0, others or {0}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
