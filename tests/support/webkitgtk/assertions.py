"""Assertions that wait, with the part of Playwright's `expect` that the stories use."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.remote.webelement import WebElement

from support.webkitgtk.limits import missing
from support.webkitgtk.locator import Locator, attribute_of, text_of
from support.webkitgtk.page import Page
from support.webkitgtk.texts import Text
from support.webkitgtk.waiting import TIMEOUT_S, until

IN_VIEW = """(element) => {
  const {top, bottom, left, right} = element.getBoundingClientRect();
  return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
}"""

Assertion = Callable[..., None]


def waits(look: Callable[..., tuple[Any, Any]], *, fits: bool = True) -> Assertion:
    """Return an assertion that repeats a look until the seen and the wanted value fit, or do not.

    The assertion has another argument: `timeout` in milliseconds.
    """

    def wait(self: "_Assertions", *given: Any, timeout: float | None = None, **how: Any) -> None:
        seen: Any = None

        def is_over() -> bool:
            nonlocal seen
            try:
                seen, wanted = look(self, *given, **how)
            except (AssertionError, StaleElementReferenceException):
                seen = None
                return False
            return _fits(wanted, seen) == fits

        words = [self.what, "" if fits else "not", look.__name__.strip("_"), *map(repr, given)]
        said = " ".join(filter(None, words))
        timeout_s = TIMEOUT_S if timeout is None else timeout / 1000
        until(is_over, lambda: f"{said}; seen: {seen!r}", timeout_s=timeout_s)

    return wait


def both(look: Callable[..., tuple[Any, Any]]) -> tuple[Assertion, Assertion]:
    """Return the assertion, and its opposite."""
    return waits(look), waits(look, fits=False)


class _Assertions:
    """Base class: the object of the assertions."""

    what: str

    def __getattr__(self, name: str) -> NoReturn:
        """Skip a story that uses other parts of Playwright's API."""
        missing(self, name)


class PageAssertions(_Assertions):
    """Assertions about a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.what = "page"

    @waits
    def to_have_title(self, title: Text) -> tuple[str, Text]:
        return self._page.title(), title

    @waits
    def to_have_url(self, url: Text) -> tuple[str, Text]:
        return self._page.url, url


class LocatorAssertions(_Assertions):
    """Assertions about elements."""

    def __init__(self, locator: Locator) -> None:
        self._locator = locator
        self.what = locator.what

    def _attribute(self, name: str, value: Text) -> tuple[str | None, Text]:
        return attribute_of(self._only(), name), value

    to_have_attribute, not_to_have_attribute = both(_attribute)

    def _contains(self, text: Text) -> tuple[str, Text]:
        if isinstance(text, str):
            text = re.compile(re.escape(_plain(text)))
        return self._text(), text

    to_contain_text, not_to_contain_text = both(_contains)

    @waits
    def to_have_text(
        self, text: Text | Sequence[Text], *, use_inner_text: bool = False
    ) -> tuple[str | list[str], Text | Sequence[Text]]:
        if not isinstance(text, str | re.Pattern):
            return [_plain(text_of(each)) for each in self._locator.elements()], text
        return self._locator.inner_text() if use_inner_text else self._text(), text

    @waits
    def to_have_value(self, value: Text) -> tuple[str, Text]:
        return self._locator.input_value(), value

    @waits
    def to_have_css(self, name: str, value: Text) -> tuple[str, Text]:
        script = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
        return self._locator.evaluate(script, name), value

    @waits
    def to_have_count(self, count: int) -> tuple[int, int]:
        return self._locator.count(), count

    @waits
    def to_be_attached(self) -> tuple[bool, bool]:
        return self._locator.count() > 0, True

    def _visible(self) -> tuple[bool, bool]:
        return self._locator.is_visible(), True

    to_be_visible, to_be_hidden = both(_visible)

    def _enabled(self) -> tuple[bool, bool]:
        return self._only().is_enabled(), True

    to_be_enabled, to_be_disabled = both(_enabled)

    @waits
    def to_be_focused(self) -> tuple[bool, bool]:
        return self._locator.evaluate("(element) => element === document.activeElement"), True

    def _in_viewport(self) -> tuple[bool, bool]:
        return self._locator.evaluate(IN_VIEW), True

    to_be_in_viewport, not_to_be_in_viewport = both(_in_viewport)

    def _only(self) -> WebElement:
        return self._locator.only(timeout_s=0.1)

    def _text(self) -> str:
        return _plain(text_of(self._only()))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _fits(wanted: Any, seen: Any) -> bool:
    """Return whether a value fits; a list of texts fits if each text does."""
    if isinstance(seen, list):
        return len(seen) == len(wanted) and all(map(_fits, wanted, seen))
    if not isinstance(seen, str):
        return bool(wanted == seen)
    if isinstance(wanted, re.Pattern):
        return bool(wanted.search(seen))
    return _plain(wanted) == _plain(seen)
