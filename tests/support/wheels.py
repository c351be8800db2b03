"""Builds all wheels from the page in `build/web`, as `make wheel` does."""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "ossferry": ROOT,
    "ossferry_pyodide": ROOT / "wheels" / "pyodide",
    "mock_oss": ROOT / "wheels" / "mock",
    "ossferry_uploader": ROOT / "wheels" / "uploader",
}
"""The project of each wheel."""


def requirements(wheel: str) -> list[Requirement]:
    """Return the packages that a wheel and its extras require, except our own wheels."""
    text = (FOLDERS[wheel] / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {}).values()
    listed = [*project.get("dependencies", ()), *(each for extra in extras for each in extra)]
    ours = {name.replace("_", "-") for name in FOLDERS}
    return [each for each in map(Requirement, listed) if each.name not in ours]


def build_wheels(out: Path) -> None:
    """Write the SBOMs into `build/sbom`, and all wheels into a folder."""
    _run(ROOT, "web/sbom.py")
    _run(ROOT, "web/library.py")
    for folder in FOLDERS.values():
        _build(folder, out)


def build_mock(out: Path) -> Path:
    """Build the wheel of the mock in a folder, without the page, and return its path."""
    _run(ROOT, "web/sbom.py", "mock-oss")
    _build(FOLDERS["mock_oss"], out)
    (wheel,) = out.glob("mock_oss-*.whl")
    return wheel


def build_library(out: Path) -> Path:
    """Build the wheel of the library in a folder, and return its path."""
    _run(ROOT, "web/sbom.py", "ossferry-uploader")
    _run(ROOT, "web/library.py")
    _build(FOLDERS["ossferry_uploader"], out)
    (wheel,) = out.glob("ossferry_uploader-*.whl")
    return wheel


def _build(folder: Path, out: Path) -> None:
    _run(folder, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out))


def _run(folder: Path, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
