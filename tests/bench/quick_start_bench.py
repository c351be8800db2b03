"""The ways to try ossferry that the README names, from nothing to a page that answers.

All caches of uv, pip and npm are empty folders, so each package is downloaded. The time to clone
the repository does not count. The time to build the wheels counts only in the row that names
`make wheel`.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.starting import seconds_to_answer
from bench.table import Bench, Only, Row, Value
from support.programs import free_port
from support.wheels import build_wheels

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
UVX = (
    "uvx --with dist/mock_oss-*.whl --with dist/ossferry_pyodide-*.whl"
    " --from dist/ossferry-*.whl ossferry demo"
)
"""The command of the README, in a folder that contains `dist`."""
PORTS = "--port {port} --oss-port {oss_port}"
CLONE = "quick start: `make demo` in a new clone"
BUILD = "quick start: `make wheel` and `uvx` in a new clone"
WHEEL = "quick start: `uvx` with the wheels"
AGAIN = "quick start: `uvx` with the wheels, the second time"
CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR", "npm_config_cache")


def _clone(name: str, line: str, _only: Only) -> Iterator[Value]:
    """Measure a line in a new clone of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)  # noqa: S603, S607
        yield name, _seconds(line, checkout), None


def _wheels(_only: Only) -> Iterator[Value]:
    with tempfile.TemporaryDirectory() as folder:
        build_wheels(Path(folder, "dist"))
        for name in (WHEEL, AGAIN):
            yield name, _seconds(f"{UVX} {PORTS}", Path(folder)), None


def _seconds(line: str, folder: Path) -> float:
    """Return the seconds from the start of a line in a shell, with our `uvx`, until the page
    answers.

    The caches are in this folder, too.
    """
    port = free_port()
    line = line.replace("uvx ", f"{PROGRAMS / 'uvx'} ").format(port=port, oss_port=free_port())
    caches = {name: str(folder / name) for name in CACHES}
    return seconds_to_answer(("/bin/sh", "-c", line), port, folder, **caches)


BENCHES = (
    *(
        Bench(rows=(Row(name, "s"),), measure=partial(_clone, name, line))
        for name, line in (
            (CLONE, "make demo PORT={port} OSS_PORT={oss_port}"),
            (BUILD, f"make wheel && {UVX} {PORTS}"),
        )
    ),
    Bench(rows=(Row(WHEEL, "s"), Row(AGAIN, "s")), measure=_wheels),
)
