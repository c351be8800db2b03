"""The npm package `ossferry` in a folder, and example sites that are built with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.programs import npm_packages

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"


def run(folder: Path, *command: str | Path, **variables: str) -> str:
    """Run a command in a folder, and return its output.

    Raises:
        AssertionError: the command failed; the message has its output.
    """
    done = subprocess.run(  # noqa: S603 - tools of the lock file
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pack(folder: Path) -> Path:
    """Build the package, and return the archive that `npm pack` makes from it."""
    run(ROOT, sys.executable, "web/npm_package.py")
    name = run(ROOT / "build/npm", "npm", "pack", "--silent", "--pack-destination", folder).strip()
    return folder / name


def site_folder(name: str, archive: Path, folder: Path) -> Path:
    """Copy an example to `folder`, install the package there, and return the copy."""
    copy = folder / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.unpack_archive(archive, copy / "node_modules", filter="data")
    (copy / "node_modules/package").rename(copy / "node_modules/ossferry")
    tools = folder / "node_modules"
    if not tools.exists():
        tools.symlink_to(npm_packages(ROOT / "tests/e2e/sites"))
    return copy


def run_tool(site: Path, name: str, *arguments: str, **variables: str) -> str:
    """Run a tool of the npm packages in a folder of `site_folder`, like `run`."""
    return run(site, site.parent / "node_modules/.bin" / name, *arguments, **variables)


def build_site(site: Path, server: str) -> Path:
    """Build a site for an upload server, and return the folder of the built files."""
    run_tool(site, "vite", "build", "--logLevel", "error", VITE_SERVER=server)
    return site / "dist"
