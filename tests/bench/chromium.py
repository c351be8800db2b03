"""Starts Chromium with the options of the browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from support.browsers import executable
from support.config import load as load_config


@contextmanager
def chromium(*args: str) -> Iterator[Browser]:
    """Run Chromium until the context ends.

    Args:
        args: additional options of the command line.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options(*args))
        yield browser
        browser.close()


def options(*args: str) -> dict[str, Any]:
    """Return the arguments for Playwright's launchers.

    Args:
        args: additional options of the command line.
    """
    use = load_config().use
    return {"headless": use.headless, "args": [*use.args, *args], "executable_path": executable()}
