"""A tab of WebKitGTK, with the part of Playwright's `Page` that the stories use."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.common.exceptions import (
    JavascriptException,
    NoSuchWindowException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from support.webkitgtk.driver import BrowserLostError, Driver
from support.webkitgtk.limits import missing, unsupported
from support.webkitgtk.locator import Locator
from support.webkitgtk.waiting import until

if TYPE_CHECKING:
    from support.webkitgtk.browser import Context

CALL = """const done = arguments[arguments.length - 1];
Promise.resolve()
  .then(() => (%s))
  .then((value) => (typeof value === "function" ? value(arguments[0]) : value))
  .then((value) => done([true, value]), (error) => done([false, String(error)]));"""
BLANK = "about:blank"
STATE = """const [blank, isBlankMeant] = arguments;
const isEmpty = document.contentType === "text/html" && !document.body;
const isOther = location.href === blank && !isBlankMeant;
return window.isLeft || isEmpty || isOther ? "" : document.readyState;"""
LISTEN = """if (window.complaints) return;
const note = (text) => window.complaints.push(text);
window.complaints = [];
for (const level of ["error", "warn"]) {
  const plain = console[level];
  console[level] = (...given) => {
    note(`${level}: ${given.join(" ")}`);
    plain.apply(console, given);
  };
}
addEventListener("error", ({message}) => message && note(`uncaught: ${message}`));
addEventListener("unhandledrejection", ({reason}) => note(`uncaught: ${reason}`));
addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
  note(`error: refused by ${violatedDirective}: ${blockedURI}`));"""
KEYS = {
    "Alt": Keys.ALT,
    "ArrowDown": Keys.ARROW_DOWN,
    "ArrowUp": Keys.ARROW_UP,
    "Backspace": Keys.BACKSPACE,
    "Control": Keys.CONTROL,
    "Delete": Keys.DELETE,
    "End": Keys.END,
    "Enter": Keys.ENTER,
    "Escape": Keys.ESCAPE,
    "F8": Keys.F8,
    "Home": Keys.HOME,
    "Shift": Keys.SHIFT,
    "Space": " ",
    "Tab": Keys.TAB,
}


class Keyboard:
    """The keyboard; keys go to the focused element."""

    def __init__(self, page: "Page") -> None:
        self._page = page

    def press(self, combination: str) -> None:
        """Press a key or combination such as `Tab`, `KeyA` or `Alt+KeyA`."""
        *held, key = combination.split("+")
        actions = ActionChains(self._page.driver, duration=0)
        for each in held:
            actions.key_down(KEYS[each])
        actions.send_keys(KEYS.get(key) or key.removeprefix("Key").lower())
        for each in reversed(held):
            actions.key_up(KEYS[each])
        actions.perform()

    def type(self, text: str) -> None:
        """Press one key for each character."""
        ActionChains(self._page.driver, duration=0).send_keys(text).perform()


class Page:
    """One tab."""

    def __init__(self, context: "Context", driver: Driver) -> None:
        self.context = context
        self.keyboard = Keyboard(self)
        self.owns_context = False  # if true, closing the page ends the browser
        self._driver = driver
        self._handle = driver.current_window_handle
        self._is_used = len(context.pages) > 0  # only the first tab can start again
        self._size: dict[str, int] = {}

    @property
    def driver(self) -> Driver:
        """The WebDriver session, switched to this tab."""
        if not self._is_in_view():
            self._driver.switch_to.window(self._handle)
        return self._driver

    def _is_in_view(self) -> bool:
        try:
            return bool(self._driver.current_window_handle == self._handle)
        except NoSuchWindowException:  # the current tab was another one and has been closed
            return False

    @property
    def url(self) -> str:
        return str(self.driver.current_url)

    def content(self) -> str:
        return str(self.evaluate("document.documentElement.outerHTML"))

    def title(self) -> str:
        return str(self.driver.title)

    def goto(self, url: str, *, wait_until: str = "load") -> None:
        """Navigate to a URL; `wait_until` is `load` or `commit`.

        A new MiniBrowser sometimes loses its first page or the driver's connection. It is then
        started once more.
        """
        if self._is_used:
            self._go(url, wait_until)
            return
        try:
            self._go(url, wait_until)
        except (BrowserLostError, AssertionError):
            self._driver = self.context.restart()
            self._handle = self._driver.current_window_handle
            self.set_viewport_size(self._size)
            self._go(url, wait_until)
        self._is_used = True
        self._driver.page_is_there()

    def _go(self, url: str, wait_until: str) -> None:
        self._leave(lambda driver: driver.get(url))
        self._arrive(wait_until, is_blank=url == BLANK)

    def reload(self, *, wait_until: str = "load") -> None:
        self._leave(lambda driver: driver.refresh())
        self._arrive(wait_until)

    def go_back(self) -> None:
        self._leave(lambda driver: driver.back())
        self._arrive("load")

    def _leave(self, go: Any) -> None:
        self.driver.execute_script(
            "window.isLeft = true;"
            "addEventListener('pageshow', () => delete window.isLeft, {once: true})"
        )
        go(self.driver)

    def _arrive(self, wait_until: str, *, is_blank: bool = False) -> None:
        """Wait for a new document, and start recording its errors and warnings.

        A tab may be blank for a moment before that; this blank document is ignored.
        """

        def is_there() -> bool:
            try:
                state = self.driver.execute_script(STATE, BLANK, is_blank)
            except JavascriptException:  # the page is between two documents
                return False
            return bool(state) if wait_until == "commit" else state == "complete"

        if wait_until != "commit":
            self._arrive("commit", is_blank=is_blank)
        until(is_there, lambda: f"{self.url} did not load")
        self.driver.execute_script(LISTEN)

    def complaints(self) -> list[str]:
        """Return errors and warnings of the document since it was opened."""
        try:
            return [
                str(each) for each in self.driver.execute_script("return window.complaints || []")
            ]
        except (
            WebDriverException,
            BrowserLostError,
        ):  # the story has closed the tab, or the driver hangs
            return []

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """Return the result of a JavaScript expression, or of a function of one argument."""
        is_fine, value = self.driver.execute_async_script(CALL % expression.strip(), argument)
        if not is_fine:
            raise WebDriverException(value)
        return value

    def set_viewport_size(self, size: dict[str, int]) -> None:
        """Resize the window so that the page has this size; GTK has a minimum width."""
        self._size = size
        driver = self.driver
        width, height = size["width"], size["height"]
        for _ in range(3):
            inner = driver.execute_script("return [innerWidth, innerHeight]")
            if list(inner) == [width, height]:
                return
            outer = driver.get_window_size()
            driver.set_window_size(
                outer["width"] + width - inner[0], outer["height"] + height - inner[1]
            )
            time.sleep(0.1)  # wait for the window manager

    def screenshot(self, *, path: str | Path | None = None, **_how: Any) -> bytes:
        png = bytes(self.driver.get_screenshot_as_png())
        if path is not None:
            Path(path).write_bytes(png)
        return png

    def wait_for_timeout(self, timeout_ms: float) -> None:
        time.sleep(timeout_ms / 1000)

    def close(self) -> None:
        if self.owns_context:
            self.context.close()
        else:
            self.driver.close()

    def on(self, event: str, _call: Any) -> None:
        """Ignore listeners for the console, which `complaints` covers; skip the story for other
        events.
        """
        if event not in ("console", "pageerror"):
            unsupported(f"event “{event}”")

    def __getattr__(self, name: str) -> Any:
        """Find elements as a locator does; skip a story that uses other parts of Playwright's
        API.
        """
        if name != "locator" and not name.startswith("get_by_"):
            missing(self, name)
        return getattr(Locator(self), name)
