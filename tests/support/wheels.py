"""Builds all wheels from the page in `build/web`, as `make wheel` does."""

import subprocess
import sys
from pathlib import Path

__all__ = ["FOLDERS", "build_wheels"]

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "ossferry": ROOT,
    "ossferry_pyodide": ROOT / "wheels" / "pyodide",
    "ossferry_mock": ROOT / "wheels" / "mock",
}
"""The project of each wheel."""


def build_wheels(out: Path) -> None:
    """Write the SBOMs into `build/sbom`, and all wheels into a folder."""
    _run(ROOT, "web/sbom.py")
    for folder in FOLDERS.values():
        _run(folder, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out))


def _run(folder: Path, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
