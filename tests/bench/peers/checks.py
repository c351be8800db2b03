"""Checks files in CPython as the page does in the browser; prints the seconds that it took.

`table` and `strip` run the page's own checks, `pillow` makes photos smaller with Pillow.

Usage: python -m bench.peers.checks {table,strip,pillow} OPTIONS FILE...
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps

from ossferry_checks import CheckedFile
from ossferry_checks.builtin.selection import built_in_checks, read_options
from ossferry_checks.runner import run


async def _check(options: dict[str, object], paths: Sequence[Path], folder: Path) -> None:
    checks = built_in_checks(read_options(options)).around([])
    for path in paths:
        await run(checks, CheckedFile(path, folder=folder))


def _shrink(options: dict[str, int], paths: Sequence[Path], folder: Path) -> None:
    """Make photos smaller, without metadata."""
    side = options["max_side"]
    for path in paths:
        with Image.open(path) as opened:
            made = ImageOps.exif_transpose(opened)
            made.thumbnail((side, side))
            made.info.pop("exif", None)
            made.save(folder / path.name, quality=options["quality"])


def main(arguments: Sequence[str]) -> float:
    """Check the files, and return how many seconds it took."""
    work, options, *names = arguments
    paths = [Path(name) for name in names]
    with TemporaryDirectory() as folder:
        began_s = time.perf_counter()
        if work == "pillow":
            _shrink(json.loads(options), paths, Path(folder))
        else:
            asyncio.run(_check(json.loads(options), paths, Path(folder)))
        return time.perf_counter() - began_s


if __name__ == "__main__":
    print(main(sys.argv[1:]))  # noqa: T201 - the result
