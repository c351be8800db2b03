"""Installs a peer's locked npm packages on first use."""

import subprocess
from pathlib import Path

TIMEOUT_S = 300


class PeerMissingError(Exception):
    """Raised if the packages of a peer cannot be installed."""


def install(folder: Path) -> None:
    """Install `node_modules` according to the lock file, unless that is already done.

    Raises:
        PeerMissingError: npm is missing, or the registry does not answer.
    """
    installed = folder / "node_modules" / ".package-lock.json"
    locked = folder / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= locked.stat().st_mtime:
        return
    try:
        subprocess.run(  # noqa: S603 - fixed words
            ["npm", "ci", "--silent", "--ignore-scripts", "--prefix", str(folder)],  # noqa: S607 - from PATH
            check=True,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerMissingError(f"npm cannot install the packages of {folder.name}") from error
