"""Bundles scripts that import Uppy."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE_TIMEOUT_S = 60


def bundle(entry: str) -> bytes:
    """Return a script and the packages that it imports as one classic script."""
    return subprocess.run(  # noqa: S603 - fixed words
        [
            f"{HERE}/node_modules/.bin/esbuild",
            entry,
            "--bundle",
            "--minify",
            "--format=iife",
            "--log-level=error",
        ],
        check=True,
        stdout=subprocess.PIPE,
        cwd=HERE,
        timeout=BUNDLE_TIMEOUT_S,
    ).stdout
