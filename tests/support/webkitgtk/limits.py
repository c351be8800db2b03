"""Skips stories that need a feature missing in WebKitGTK's WebDriver."""

from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page
from playwright.sync_api._generated import LocatorAssertions, PageAssertions

OF_PLAYWRIGHT = (Browser, BrowserContext, Locator, LocatorAssertions, Page, PageAssertions)


def unsupported(what: str) -> NoReturn:
    """Skip the story because of a missing feature."""
    pytest.skip(f"WebKitGTK's WebDriver has no {what}")


def missing(owner: object, name: str) -> NoReturn:
    """Skip the story because the adapter lacks an attribute of Playwright's API.

    Raises:
        AttributeError: Playwright does not have the attribute either.
    """
    if name.startswith("_") or not any(hasattr(each, name) for each in OF_PLAYWRIGHT):
        raise AttributeError(f"{type(owner).__name__} has no {name!r}, nor has Playwright")
    unsupported(f"{type(owner).__name__}.{name}")
