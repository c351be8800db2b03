"""Drives Debian's WebKitGTK with the part of Playwright's API that the stories use.

Playwright brings its own WebKit. Where that cannot be downloaded, Safari's engine is still there as
WebKitGTK, which speaks WebDriver. The classes here have Playwright's names and behaviour (they wait
until an element can be clicked, locators are strict, assertions retry), so that one story and one
page object run in all engines. What WebDriver cannot do (intercept requests, run a script before
the page's own, emulate media) skips the story and says so.

`browser` starts the engine, `page` and `locator` are what a story holds, `assertions` is `expect`.
"""

from support.webkitgtk.assertions import LocatorAssertions, PageAssertions
from support.webkitgtk.browser import Browser, launched
from support.webkitgtk.locator import Locator
from support.webkitgtk.page import Page

__all__ = ["Browser", "Locator", "LocatorAssertions", "Page", "PageAssertions", "launched"]
