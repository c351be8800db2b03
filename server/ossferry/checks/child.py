"""The process in which `ossferry check` runs checks; the module `local` starts and ends it.

The process reads a job from stdin, as one line of JSON, and writes one JSON object per line to
stdout: the name and the time limit of each check before it starts, and the verdict at the end. Each
check starts only after another line on stdin, so that `local` knows which check has written which
files. The output of checks goes to stderr.
"""

import asyncio
import json
import math
import os
import resource
import time

from ossferry_checks.in_browser import fault_of, make_checker

FOR_EVER = 1 << 31  # seconds


def _limit(kind: int, most: int) -> None:
    """Set the limit of a resource, as far as the process may."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _limit_time(seconds: float) -> None:
    """End this process after some seconds on all processors, should nobody else end it."""
    most = time.process_time() + seconds * (os.cpu_count() or 1)
    _limit(resource.RLIMIT_CPU, math.ceil(min(most, FOR_EVER)) + 1)


def main() -> None:
    """Read a job from stdin, run its checks, and write their verdict to stdout, all as JSON.

    A job has the path of a file, its name and type, and the configuration of the checks. Before
    each check, its name and time limit are written, and a line on stdin starts it. Without a path,
    the verdict is a `fault` of the module, or empty text.
    """
    with os.fdopen(os.dup(0)) as orders, os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # before any code of the operator runs
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

        def tell(**message: object) -> None:
            print(json.dumps(message), file=out, flush=True)

        def begin(check: str, limit_s: float) -> None:
            _limit_time(limit_s)
            tell(check=check, limit_s=limit_s)
            orders.readline()

        job = json.loads(orders.readline())
        _limit_time(job["start_s"])
        _limit(resource.RLIMIT_DATA, job["config"]["limits"]["memory"])
        _limit(resource.RLIMIT_FSIZE, job["config"]["limits"]["new_files"])
        config = json.dumps(job["config"])
        if "path" not in job:
            tell(verdict={"fault": fault_of(config, job["source"])})
            return
        checker = make_checker(config, job["source"])
        verdict = asyncio.run(
            checker.check(
                job["path"], job["folder"], json.dumps(job["about"]), begin, lambda _share: None
            )
        )
        tell(verdict=json.loads(verdict))


if __name__ == "__main__":
    main()
