"""An adapter that drives Debian's WebKitGTK through the part of Playwright's API that stories use.

Playwright has its own build of WebKit. If it cannot be downloaded, WebKitGTK provides Safari's
engine, controlled by WebDriver. The classes here have the names and behaviour of Playwright's
classes: they wait until an element can be clicked, locators are strict, and assertions retry. So
the same stories and page objects run in all engines. A story that needs a feature missing in
WebDriver (intercepting requests, running a script before the page's own, emulating media) is
skipped with a message.

`browser` starts the engine, `page` and `locator` are used by stories, and `assertions` is `expect`.
"""

from support.webkitgtk.assertions import LocatorAssertions, PageAssertions
from support.webkitgtk.browser import Browser, launched
from support.webkitgtk.locator import Locator
from support.webkitgtk.page import Page

__all__ = ["Browser", "Locator", "LocatorAssertions", "Page", "PageAssertions", "launched"]
