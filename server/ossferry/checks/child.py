"""The process in which `ossferry check` runs checks; `local` starts it, and ends it if it hangs.

It reads a job in JSON from stdin, and writes one JSON object per line to stdout: the name and the
time limit of each check before it starts, and the verdict at the end. What checks print goes to
stderr.
"""

import asyncio
import json
import os
import sys

from ossferry_checks.in_browser import make_checker


def main() -> None:
    """Run the checks of one job."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # before any code of the operator runs

        def tell(**message: object) -> None:
            print(json.dumps(message), file=out, flush=True)

        job = json.load(sys.stdin)
        checker = make_checker(json.dumps(job["config"]), job["source"])
        verdict = asyncio.run(
            checker.check(
                job["path"],
                job["folder"],
                json.dumps(job["about"]),
                lambda check, limit_s: tell(check=check, limit_s=limit_s),
                lambda _share: None,
            )
        )
        tell(verdict=json.loads(verdict))


if __name__ == "__main__":
    main()
