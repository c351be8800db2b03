"""Starts Chromium with the options of the browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from support.browsers import executable
from support.config import load as load_config

__all__ = ["chromium"]


@contextmanager
def chromium(*args: str) -> Iterator[Browser]:
    """Run Chromium until the context ends.

    Args:
        args: additional options of the command line.
    """
    use, path = load_config().use, executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            headless=use.headless, args=[*use.args, *args], executable_path=path
        )
        yield browser
        browser.close()
