"""Assertions that wait, with the part of Playwright's `expect` that the stories use."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from selenium.common.exceptions import StaleElementReferenceException

from support.webkitgtk.limits import missing
from support.webkitgtk.locator import Locator, attribute_of, text_of
from support.webkitgtk.page import Page
from support.webkitgtk.texts import Text
from support.webkitgtk.waiting import TIMEOUT_S, until

IN_VIEW = """(element) => {
  const {top, bottom, left, right} = element.getBoundingClientRect();
  return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
}"""


class _Assertions:
    """Base class: repeats a check until it passes or times out."""

    what: str

    def __getattr__(self, name: str) -> NoReturn:
        """Skip a story that uses other parts of Playwright's API."""
        missing(self, name)

    def _wait(
        self,
        read: Callable[[], Any],
        fits: Callable[[Any], bool],
        say: str,
        timeout_ms: float | None,
    ) -> None:
        seen: list[Any] = [None]

        def asked() -> bool:
            try:
                seen[0] = read()
            except (AssertionError, StaleElementReferenceException):
                seen[0] = None
                return False
            return fits(seen[0])

        timeout_s = TIMEOUT_S if timeout_ms is None else timeout_ms / 1000
        until(asked, lambda: f"{self.what} {say}; seen: {seen[0]!r}", timeout_s=timeout_s)


class PageAssertions(_Assertions):
    """Assertions about a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.what = "page"

    def to_have_title(self, title: Text, *, timeout: float | None = None) -> None:
        self._wait(
            self._page.title, lambda seen: _fits(title, seen), f"has title {title!r}", timeout
        )

    def to_have_url(self, url: Text, *, timeout: float | None = None) -> None:
        self._wait(
            lambda: self._page.url, lambda seen: _fits(url, seen), f"has url {url!r}", timeout
        )


class LocatorAssertions(_Assertions):
    """Assertions about elements."""

    def __init__(self, locator: Locator) -> None:
        self._locator = locator
        self.what = locator.what

    def to_have_attribute(self, name: str, value: Text, *, timeout: float | None = None) -> None:
        self._wait(
            lambda: self._attribute(name),
            lambda seen: seen is not None and _fits(value, seen),
            f"has {name}={value!r}",
            timeout,
        )

    def not_to_have_attribute(
        self, name: str, value: Text, *, timeout: float | None = None
    ) -> None:
        self._wait(
            lambda: self._attribute(name),
            lambda seen: seen is None or not _fits(value, seen),
            f"has not {name}={value!r}",
            timeout,
        )

    def to_contain_text(self, text: Text, *, timeout: float | None = None) -> None:
        self._wait(self._text, lambda seen: _contains(text, seen), f"contains {text!r}", timeout)

    def not_to_contain_text(self, text: Text, *, timeout: float | None = None) -> None:
        self._wait(self._text, lambda seen: not _contains(text, seen), f"lacks {text!r}", timeout)

    def to_have_text(
        self,
        text: Text | Sequence[Text],
        *,
        use_inner_text: bool = False,
        timeout: float | None = None,
    ) -> None:
        if use_inner_text and isinstance(text, str):
            read = self._locator.inner_text
            self._wait(read, lambda seen: _fits(text, seen), f"shows {text!r}", timeout)
        elif not isinstance(text, str | re.Pattern):
            self._wait(
                lambda: [_plain(text_of(each)) for each in self._locator.elements()],
                lambda seen: len(seen) == len(text) and all(map(_fits, text, seen)),
                f"have texts {text!r}",
                timeout,
            )
        else:
            self._wait(self._text, lambda seen: _fits(text, seen), f"has text {text!r}", timeout)

    def to_have_value(self, value: Text, *, timeout: float | None = None) -> None:
        read = self._locator.input_value
        self._wait(read, lambda seen: _fits(value, seen), f"has value {value!r}", timeout)

    def to_have_css(self, name: str, value: Text, *, timeout: float | None = None) -> None:
        script = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
        self._wait(
            lambda: self._locator.evaluate(script, name),
            lambda seen: _fits(value, seen),
            f"has {name}: {value!r}",
            timeout,
        )

    def to_have_count(self, count: int, *, timeout: float | None = None) -> None:
        self._wait(
            self._locator.count, lambda seen: seen == count, f"is there {count} times", timeout
        )

    def to_be_attached(self, *, timeout: float | None = None) -> None:
        self._wait(self._locator.count, bool, "is there", timeout)

    def to_be_visible(self, *, timeout: float | None = None) -> None:
        self._wait(self._locator.is_visible, bool, "is visible", timeout)

    def to_be_hidden(self, *, timeout: float | None = None) -> None:
        self._wait(self._locator.is_visible, lambda seen: not seen, "is hidden", timeout)

    def to_be_enabled(self, *, timeout: float | None = None) -> None:
        self._wait(self._is_disabled, lambda seen: not seen, "is enabled", timeout)

    def to_be_disabled(self, *, timeout: float | None = None) -> None:
        self._wait(self._is_disabled, bool, "is disabled", timeout)

    def to_be_focused(self, *, timeout: float | None = None) -> None:
        script = "(element) => element === document.activeElement"
        self._wait(lambda: self._locator.evaluate(script), bool, "has the focus", timeout)

    def to_be_in_viewport(self, *, timeout: float | None = None) -> None:
        self._wait(lambda: self._locator.evaluate(IN_VIEW), bool, "is in sight", timeout)

    def not_to_be_in_viewport(self, *, timeout: float | None = None) -> None:
        read = self._locator.evaluate
        self._wait(lambda: read(IN_VIEW), lambda seen: not seen, "is out of sight", timeout)

    def _attribute(self, name: str) -> str | None:
        return attribute_of(self._locator.only(timeout_s=0.1), name)

    def _is_disabled(self) -> bool:
        return not self._locator.only(timeout_s=0.1).is_enabled()

    def _text(self) -> str:
        return _plain(text_of(self._locator.only(timeout_s=0.1)))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _fits(wanted: Text, seen: str) -> bool:
    if isinstance(wanted, re.Pattern):
        return bool(wanted.search(seen))
    return _plain(wanted) == _plain(seen)


def _contains(wanted: Text, seen: str) -> bool:
    if isinstance(wanted, re.Pattern):
        return bool(wanted.search(seen))
    return _plain(wanted) in seen
