"""Playwright's `expect`, extended to the objects of the WebKitGTK adapter."""

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect as expect_in_playwright

from support import webkitgtk

if TYPE_CHECKING:
    expect = expect_in_playwright  # the type checker sees Playwright's types
else:

    def expect(actual: Any) -> Any:
        """Return assertions that wait until they hold."""
        if isinstance(actual, webkitgtk.Locator):
            return webkitgtk.LocatorAssertions(actual)
        if isinstance(actual, webkitgtk.Page):
            return webkitgtk.PageAssertions(actual)
        return expect_in_playwright(actual)
