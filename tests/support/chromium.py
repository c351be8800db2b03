"""Finds a Chromium for the tests, or installs one.

In this order: the one named in `OSSFERRY_E2E_BROWSER`, Playwright's own, the system's; else
`playwright install chromium`, and where that download is not possible the package of the
distribution. As a program (`make browser`) it installs; the tests only look.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["executable", "find"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class NoBrowserError(Exception):
    """No Chromium was found; the message says what to do."""


def executable() -> str | None:
    """Return what to give Playwright as `executable_path`; `None` means its own.

    Raises:
        NoBrowserError: there is no Chromium.
    """
    found = find()
    if found is None:
        raise NoBrowserError("no Chromium: run `make browser`, or set OSSFERRY_E2E_BROWSER")
    return found or None


def find() -> str | None:
    """Return a path, `""` for Playwright's own browser, or `None` if there is none."""
    named = os.environ.get("OSSFERRY_E2E_BROWSER")
    if named:
        if not Path(named).is_file():
            raise NoBrowserError(f"OSSFERRY_E2E_BROWSER names {named}, which is not a file")
        return named
    if (_playwrights_own() / "INSTALLATION_COMPLETE").is_file():
        return ""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _playwrights_own() -> Path:
    """Return the folder where Playwright would have put its own browser."""
    command = [sys.executable, "-m", "playwright", "install", "--dry-run", "chromium"]
    plan = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return Path(plan.partition("Install location:")[2].splitlines()[0].strip())


def install() -> None:
    """Install a Chromium, from Playwright or else from the distribution."""
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(playwright, check=False, timeout=300).returncode == 0:  # noqa: S603 - fixed words
        return
    print("Playwright's own download failed; trying the distribution's package.", file=sys.stderr)  # noqa: T201
    if not shutil.which("apt-get"):
        raise NoBrowserError("install Chromium by hand and set OSSFERRY_E2E_BROWSER")
    sudo = ["sudo"] if os.geteuid() and shutil.which("sudo") else []
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "chromium", "fonts-noto-cjk"]):
        subprocess.run([*sudo, "apt-get", *step], check=True, env=environment)  # noqa: S603


if __name__ == "__main__":
    try:
        if find() is None:
            install()
            executable()
    except NoBrowserError as error:
        sys.exit(str(error))
