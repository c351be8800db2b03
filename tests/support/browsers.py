"""Finds the browsers that the tests drive, and downloads Playwright's own.

`OSSFERRY_E2E_BROWSER` may name the Chromium to use. Otherwise, as for the other engines,
Playwright's own browser is preferred to the machine's. `support.prerequisites` installs the
distribution's packages.
"""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from support import paths

ENGINES = ("chromium", "firefox", "webkit")

FONTS = ("fonts-liberation", "fonts-noto-cjk", "fonts-noto-color-emoji")
PACKAGES = {
    "chromium": ("chromium", *FONTS),
    "firefox": ("firefox-esr", *FONTS),
    "webkit": ("webkit2gtk-driver", "xvfb", *FONTS),
}
"""Debian's packages for each engine."""

NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "firefox": ("firefox-esr",),  # Playwright cannot drive every release of `firefox`
}
PARTS = {"chromium": ("chromium", "chromium-headless-shell")}
"""Downloads of Playwright for an engine, if there is more than one."""
CACHES = (".cache/ms-playwright", "Library/Caches/ms-playwright")
DOWNLOAD_TIMEOUT_S = 900
CONNECT_TIMEOUT_MS = "5000"
"""Playwright tries five times; without a network, it fails after half a minute."""


class NoBrowserError(Exception):
    """A browser was not found; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser of this machine.

    Attributes:
        engine: one of `ENGINES`.
        path: the program; `None` means Playwright's own.
        driver: the WebDriver program of WebKitGTK; `None` if Playwright drives `path`.
        display: `Xvfb`, for WebKitGTK, which has no headless mode.
    """

    engine: str
    path: str | None = None
    driver: str | None = None
    display: str | None = None


def find(engine: str) -> Browser | None:
    """Return the browser for an engine, or `None` if there is none.

    Raises:
        NoBrowserError: `OSSFERRY_E2E_BROWSER` does not name a file.
    """
    named = os.environ.get("OSSFERRY_E2E_BROWSER")
    if named and engine == "chromium":
        if not Path(named).is_file():
            raise NoBrowserError(f"OSSFERRY_E2E_BROWSER names {named}, which is not a file")
        return Browser(engine=engine, path=named)
    if _has_playwrights_own(engine):
        return Browser(engine=engine)
    if engine == "webkit":
        return _webkitgtk()
    path = next((found for name in NAMES[engine] if (found := paths.find(name))), None)
    return Browser(engine=engine, path=path) if path else None


def executable() -> str | None:
    """Return the path of Chromium for Playwright's `executable_path`; `None` means its own.

    Raises:
        NoBrowserError: there is no Chromium.
    """
    found = find("chromium")
    if found is None:
        raise NoBrowserError("no Chromium: run `make prerequisites`, or set OSSFERRY_E2E_BROWSER")
    return found.path


def download(engines: Collection[str]) -> bool:
    """Download Playwright's own browsers, and return whether all of them are present.

    One command downloads all. It stops at the first failure, so a machine that cannot reach
    Playwright's servers waits only once.
    """
    environment = {**os.environ, "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": CONNECT_TIMEOUT_MS}
    command = [sys.executable, "-m", "playwright", "install", *engines]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            command, env=environment, capture_output=True, timeout=DOWNLOAD_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        _plan.cache_clear()
    return done.returncode == 0


def _has_playwrights_own(engine: str) -> bool:
    if not os.environ.get("PLAYWRIGHT_BROWSERS_PATH") and not _has_downloads():
        return False  # calling Playwright takes half a second
    plan = _plan()
    folders = [plan.get(part) for part in PARTS.get(engine, (engine,))]
    return all(folder and (folder / "INSTALLATION_COMPLETE").is_file() for folder in folders)


def _has_downloads() -> bool:
    caches = (Path.home() / cache for cache in CACHES)
    return any(any(cache.glob("*/INSTALLATION_COMPLETE")) for cache in caches)


@functools.cache
def _plan() -> dict[str, Path]:
    """Return the folder in which Playwright would place each download for this platform."""
    command = [sys.executable, "-m", "playwright", "install", "--dry-run"]
    plan = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    found = re.findall(r"\(playwright (\S+) v\S+\)\s+Install location: +(.+)", plan)
    return {part: Path(folder.strip()) for part, folder in found}


def _webkitgtk() -> Browser | None:
    """Return Debian's WebKitGTK: MiniBrowser, its WebDriver, and a virtual display."""
    patterns = ("lib/*/webkit2gtk-4.*/MiniBrowser", "libexec/webkit2gtk-4.*/MiniBrowser")
    browsers = [
        found
        for prefix in paths.prefixes()
        for pattern in patterns
        for found in sorted(prefix.glob(pattern), reverse=True)
    ]
    driver, display = paths.find("WebKitWebDriver"), paths.find("Xvfb")
    if not browsers or driver is None or display is None:
        return None
    return Browser(engine="webkit", path=str(browsers[0]), driver=driver, display=display)
