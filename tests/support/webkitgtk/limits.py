"""What the stories ask for and WebKitGTK's WebDriver cannot do: it skips them, and says so."""

from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page
from playwright.sync_api._generated import LocatorAssertions, PageAssertions

__all__ = ["missing", "unsupported"]

OF_PLAYWRIGHT = (Browser, BrowserContext, Locator, LocatorAssertions, Page, PageAssertions)


def unsupported(what: str) -> NoReturn:
    """Skip the story."""
    pytest.skip(f"WebKitGTK's WebDriver has no {what}")


def missing(owner: object, name: str) -> NoReturn:
    """Skip the story for a name of Playwright's that the adapter does not have.

    Raises:
        AttributeError: Playwright does not have it either.
    """
    if name.startswith("_") or not any(hasattr(each, name) for each in OF_PLAYWRIGHT):
        raise AttributeError(f"{type(owner).__name__} has no {name!r}, nor has Playwright")
    unsupported(f"{type(owner).__name__}.{name}")
