"""Starts WebKitGTK: a virtual screen, and a MiniBrowser process for each context.

A context starts with an empty profile, as in Playwright: MiniBrowser stores nothing in automation
mode.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from support import browsers
from support.webkitgtk.driver import BrowserLostError, Driver
from support.webkitgtk.limits import missing, unsupported
from support.webkitgtk.page import Page

SCREEN = "1600x1200x24"
VIEWPORT = {"width": 1280, "height": 900}


class Context:
    """One MiniBrowser and its pages.

    Args:
        start: starts a MiniBrowser.
    """

    browser = None  # as in Playwright for a context with a browser of its own

    def __init__(
        self, start: Callable[[], tuple[Service, Driver]], viewport: dict[str, int]
    ) -> None:
        self._start = start
        self._service, self._driver = start()
        self._viewport = viewport
        self.pages: list[Page] = []

    def new_page(self) -> Page:
        """Open a tab; the first call returns the tab that MiniBrowser starts with."""
        if self.pages:
            self._driver.switch_to.new_window("tab")
        page = Page(self, self._driver)
        if not self.pages:
            page.set_viewport_size(self._viewport)
        self.pages.append(page)
        return page

    def restart(self) -> Driver:
        """Replace a MiniBrowser that was lost before it had loaded a page."""
        _stop(self._service)
        self._service, self._driver = self._start()
        return self._driver

    def close(self) -> None:
        """End the MiniBrowser, even if it does not answer."""
        with suppress(BrowserLostError, WebDriverException):
            self._driver.quit()
        _stop(self._service)

    def __getattr__(self, name: str) -> NoReturn:
        """Skip a story that uses other parts of Playwright's API."""
        missing(self, name)

    def __enter__(self) -> "Context":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class Browser:
    """WebKitGTK on a virtual screen."""

    def __init__(self, found: browsers.Browser, display: str) -> None:
        self._found = found
        self._display = display

    @property
    def version(self) -> str:
        """The engine's version, such as `2.54.3`."""
        with self.new_context() as context:
            return str(context._driver.capabilities["browserVersion"])

    def new_page(self, **how: Any) -> Page:
        """Start a MiniBrowser that ends when the page is closed."""
        page = self.new_context(**how).new_page()
        page.owns_context = True
        return page

    def new_context(
        self,
        *,
        viewport: dict[str, int] | None = None,
        color_scheme: str | None = None,
        locale: str = "en-US",
        **others: Any,
    ) -> Context:
        """Start a MiniBrowser; skip the story if it needs another language or device."""
        if locale != "en-US" or others:
            unsupported(f"emulation of {', '.join(others) or 'a language'}")
        options = Options()
        options.binary_location = str(self._found.path)
        options.add_argument("--automation")
        if color_scheme == "dark":
            options.add_argument("--dark-mode")
        options.page_load_strategy = "none"
        environment = {
            **os.environ,
            "DISPLAY": self._display,
            "LANG": "en_US.UTF-8",
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # bubblewrap fails in containers
        }

        def start() -> tuple[Service, Driver]:
            try:
                return self._start(options, environment)
            except (BrowserLostError, WebDriverException):  # one of some hundred starts hangs
                return self._start(options, environment)

        return Context(start, viewport or VIEWPORT)

    def _start(self, options: Options, environment: dict[str, str]) -> tuple[Service, Driver]:
        service = Service(self._found.driver, env=environment)
        service.start()
        try:
            return service, Driver(service.service_url, options)
        except (BrowserLostError, WebDriverException):
            _stop(service)
            raise


def _stop(service: Service) -> None:
    """End a driver and its MiniBrowser, which can outlive a lost session."""
    for child in _children(service.process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    service.stop()


def _children(pid: int) -> list[int]:
    """Return the ids of a process's child processes."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def launched(found: browsers.Browser) -> Iterator[Browser]:
    """Run a virtual screen, and yield the browser that uses it."""
    number_end, number_start = os.pipe()
    command = [str(found.display), "-displayfd", str(number_start), "-screen", "0", SCREEN]
    with subprocess.Popen(  # noqa: S603 - fixed words
        [*command, "-nolisten", "tcp"], pass_fds=[number_start], stderr=subprocess.DEVNULL
    ) as screen:
        os.close(number_start)
        with os.fdopen(number_end) as numbers:
            display = f":{numbers.readline().strip()}"
        try:
            yield Browser(found, display)
        finally:
            screen.terminate()
