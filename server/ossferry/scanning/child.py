"""The locked process that runs the checks of one file; the module `checking` starts and ends it.

The process reads a job from stdin, as one line of JSON, locks itself in, and writes one JSON object
per line to stdout: its locks, the name of each check before it starts, and the verdict at the end.
After each of the first two, it waits for a line on stdin. So `checking` can end it before the
operator's module runs, and knows which check has written which files. The output of checks goes to
stderr.
"""

import asyncio
import json
import math
import mimetypes
import os
import resource
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from ossferry.scanning import sandbox
from ossferry_checks.in_browser import fault_of, make_checker

FOR_EVER = 1 << 31  # seconds


def _limit_time(seconds: float) -> None:
    """End this process after some seconds on all processors, should nobody else end it."""
    most = time.process_time() + seconds * (os.cpu_count() or 1)
    sandbox.limit(resource.RLIMIT_CPU, math.ceil(min(most, FOR_EVER)) + 1, for_good=False)


def main() -> None:
    """Read a job from stdin, run its checks, and write their verdict to stdout, all as JSON.

    A job has the path of a file, its name and type, an empty folder, the configuration of the
    checks, and the process id of the parent. A job that finds a fault runs no check: its answer is
    why `checks.py` or the check of tables does not work, or empty.
    """
    with os.fdopen(os.dup(0)) as orders, os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # before any code of the operator runs
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

        def tell(**message: object) -> None:
            print(json.dumps(message), file=out, flush=True)
            orders.readline()

        def begin(check: str, limit_s: float) -> None:
            _limit_time(limit_s)
            tell(check=check)

        job = json.loads(orders.readline())
        sandbox.end_with(job["parent"])
        os.environ["TMPDIR"] = tempfile.tempdir = job["folder"]
        mimetypes.init()  # its files are out of reach later
        _limit_time(job["start_s"])
        limits = job["config"]["limits"]
        sandbox.limit_all(memory=limits["memory"], new_files=limits["new_files"])
        locks = sandbox.lock(readable=[Path(job["path"])], writable=Path(job["folder"]))
        tell(locks=asdict(locks))
        config = json.dumps(job["config"])
        if job["finds_fault"]:
            tell(fault=fault_of(config, job["source"]))
            return
        checker = make_checker(config, job["source"])
        verdict = asyncio.run(
            checker.check(
                job["path"], job["folder"], json.dumps(job["about"]), begin, lambda _share: None
            )
        )
        print(json.dumps({"verdict": json.loads(verdict)}), file=out, flush=True)


if __name__ == "__main__":
    main()
