"""Finding and using elements, with the part of Playwright's `Locator` that the stories use.

A locator is a chain of steps that is evaluated again on each use. Names and roles are those that
WebKit computes for assistive technology.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from support.choosing import CHOOSE, contents
from support.webkitgtk.limits import missing
from support.webkitgtk.texts import Text, matches
from support.webkitgtk.waiting import TIMEOUT_S, until

if TYPE_CHECKING:
    from support.webkitgtk.page import Page

Step = Callable[[list[WebElement]], list[WebElement]]
Fits = Callable[[WebElement], bool]

ROLES = {
    "alert": "[role=alert]",
    "button": "button, summary, input[type=button], input[type=submit], [role=button]",
    "cell": "td, [role=cell]",
    "checkbox": "input[type=checkbox], [role=checkbox]",
    "combobox": "select, [role=combobox]",
    "definition": "dd",
    "dialog": "dialog, [role=dialog]",
    "group": "fieldset, [role=group]",
    "heading": "h1, h2, h3, h4, h5, h6",
    "img": "img, [role=img]",
    "link": "a[href]",
    "list": "ul, ol, [role=list]",
    "listitem": "li, [role=listitem]",
    "progressbar": "progress, [role=progressbar]",
    "radio": "input[type=radio]",
    "region": "section, [role=region]",
    "row": "tr, [role=row]",
    "searchbox": "input[type=search]",
    "status": "output, [role=status]",
    "textbox": "input:not([type]), input[type=text], input[type=url], textarea",
}
NAMED_BY_CONTENT = ("cell", "row")
LABELLED = "input, select, textarea, button, [aria-label]"
SELECT = """(select, wanted) => {
  const isMeant = ({value, text}) => [value, text].includes(wanted);
  select.value = [...select.options].find(isMeant).value;
  for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, {bubbles: true}));
}"""
OWN_TEXT = """(scope) => [...scope.querySelectorAll("*")].filter((element) =>
  !["SCRIPT", "STYLE"].includes(element.tagName) && element.textContent.trim())"""


class Locator:
    """Elements that are searched again on each use."""

    def __init__(self, page: "Page", steps: tuple[Step, ...] = (), what: str = "page") -> None:
        self.page = page
        self.what = what
        self._steps = steps

    def _then(self, step: Step, what: str) -> "Locator":
        return Locator(self.page, (*self._steps, step), f"{self.what} » {what}")

    def elements(self) -> list[WebElement]:
        """Return the matching elements; an empty list while the page is changing."""
        try:
            found: list[WebElement] = []
            for step in self._steps:
                found = step(found)
        except (StaleElementReferenceException, NoSuchElementException):
            return []
        except WebDriverException as error:
            if error.msg:
                raise
            return []  # the driver's answer if an element goes while it computes its name
        return found

    def only(self, *, timeout_s: float = TIMEOUT_S) -> WebElement:
        """Wait for the single matching element and return it.

        Raises:
            AssertionError: there is none, or more than one.
        """
        found = until(self.elements, lambda: f"nothing found: {self.what}", timeout_s=timeout_s)
        assert len(found) == 1, f"{len(found)} elements, one was meant: {self.what}"
        return found[0]

    # finding

    def locator(self, selector: str) -> "Locator":
        return self._then(self._search(selector), selector)

    def get_by_test_id(self, test_id: str) -> "Locator":
        return self.locator(f'[data-testid="{test_id}"]')

    def get_by_role(
        self, role: str, *, name: Text | None = None, exact: bool = False, level: int = 0
    ) -> "Locator":
        """Find displayed elements by role, and by the name that WebKit computes."""

        def fits(element: WebElement) -> bool:
            return name is None or matches(name, _name(element, role), exact=exact)

        selector = f"h{level}" if level else ROLES[role]
        return self._then(self._search(selector, fits), f"{role} {name!r}")

    def get_by_label(self, text: Text, *, exact: bool = False) -> "Locator":
        def fits(element: WebElement) -> bool:
            return matches(text, element.accessible_name, exact=exact)

        return self._then(self._search(LABELLED, fits), f"label {text!r}")

    def get_by_text(self, text: Text, *, exact: bool = False) -> "Locator":
        """Find the innermost elements that contain a text."""

        def step(scopes: list[WebElement]) -> list[WebElement]:
            found: list[WebElement] = []
            for scope in scopes or [self.page.driver.find_element(By.TAG_NAME, "body")]:
                candidates = self.page.evaluate(OWN_TEXT, scope)
                fits = [each for each in candidates if matches(text, text_of(each), exact=exact)]
                found += [each for each in fits if not any(_holds(each, one) for one in fits)]
            return found

        return self._then(step, f"text {text!r}")

    def get_by_title(self, text: str) -> "Locator":
        return self.locator(f'[title*="{text}"]')

    def filter(self, *, has_text: Text = "", visible: bool = False) -> "Locator":
        def fits(each: WebElement) -> bool:
            return matches(has_text, text_of(each)) and (not visible or each.is_displayed())

        return self._then(
            lambda found: [each for each in found if fits(each)], f"with {has_text!r}"
        )

    def nth(self, index: int) -> "Locator":
        return self._then(
            lambda found: found[index:][:1] if index >= 0 else found[index:], f"number {index}"
        )

    @property
    def first(self) -> "Locator":
        return self.nth(0)

    @property
    def last(self) -> "Locator":
        return self.nth(-1)

    def and_(self, other: "Locator") -> "Locator":
        return self._then(
            lambda found: [each for each in found if each in other.elements()], other.what
        )

    def all(self) -> "list[Locator]":
        return [self.nth(index) for index in range(self.count())]

    def count(self) -> int:
        return len(self.elements())

    def _search(self, selector: str, fits: Fits | None = None) -> Step:
        """Return a step to the elements of a selector, or to displayed ones that fit."""
        is_first = not self._steps

        def step(scopes: list[WebElement]) -> list[WebElement]:
            inside = [self.page.driver] if is_first else scopes
            found = dict.fromkeys(
                each for scope in inside for each in scope.find_elements(By.CSS_SELECTOR, selector)
            )
            return [each for each in found if not fits or (each.is_displayed() and fits(each))]

        return step

    def __getattr__(self, name: str) -> NoReturn:
        """Skip a story that uses other parts of Playwright's API."""
        missing(self, name)

    # using

    def click(self, *, modifiers: Sequence[str] = (), **_how: Any) -> None:
        """Click once the element exists, is displayed and is not covered."""
        held = ActionChains(self.page.driver, duration=0)
        for each in modifiers:
            held.key_down(getattr(Keys, each.upper()))
        if modifiers:
            held.perform()
        self._use(lambda element: element.click())
        if modifiers:
            held.reset_actions()

    def dblclick(self) -> None:
        """Click twice at one position, even if another element is there at the second click."""

        def reach(element: WebElement) -> None:
            self.scroll_into_view_if_needed()
            ActionChains(self.page.driver, duration=0).move_to_element(element).perform()

        self._use(reach)
        ActionChains(self.page.driver, duration=0).double_click().perform()  # no retry

    def check(self) -> None:
        self._use(lambda element: None if element.is_selected() else element.click())

    def fill(self, text: str) -> None:
        def put(element: WebElement) -> None:
            element.clear()
            element.send_keys(text.replace("\n", Keys.ENTER))

        self._use(put)

    def press(self, key: str) -> None:
        self.focus()
        self.page.keyboard.press(key)

    def focus(self) -> None:
        self.evaluate("(element) => element.focus()")

    def select_option(self, value: str) -> None:
        """Choose an option by its value or its text."""
        self.evaluate(SELECT, value)

    def set_input_files(self, files: Any) -> None:
        """Set the files of an input: paths as by a file chooser, or names with content.

        WebDriver treats a folder like a file, so the files of a folder are set as in `choosing`.
        """
        given = list(files) if isinstance(files, list | tuple) else [files]
        element = self.only()
        if given and all(isinstance(each, str | Path) and Path(each).is_file() for each in given):
            element.send_keys("\n".join(str(each) for each in given))
            return
        self.evaluate(CHOOSE, [part for each in given for part in contents(each)])

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Return the result of a JavaScript function of the element and one argument."""
        element = self.only()
        return self.page.evaluate(
            f"([element, given]) => ({function})(element, given)", [element, argument]
        )

    def wait_for(self, *, timeout: float | None = None) -> None:
        """Wait until the element is visible; `timeout` is in milliseconds."""
        timeout_s = TIMEOUT_S if timeout is None else timeout / 1000
        until(self.is_visible, lambda: f"not visible: {self.what}", timeout_s=timeout_s)

    def scroll_into_view_if_needed(self) -> None:
        self.evaluate("(element) => element.scrollIntoView({block: 'nearest'})")

    def _use(self, act: Callable[[WebElement], None]) -> None:
        """Perform an action on the element, and retry until the element accepts it."""
        seen: list[str] = []

        def tried() -> bool:
            try:
                element = self.only(timeout_s=0.5)
                act(element)
            except (
                AssertionError,
                ElementClickInterceptedException,
                ElementNotInteractableException,
                StaleElementReferenceException,
            ) as error:
                seen[:] = [str(error)]
                return False
            return True

        until(tried, lambda: f"not usable: {self.what}: {seen}")

    # reading

    def get_attribute(self, name: str) -> str | None:
        return attribute_of(self.only(), name)

    def text_content(self) -> str:
        return text_of(self.only())

    def inner_text(self) -> str:
        return str(self.evaluate("(element) => element.innerText"))

    def all_inner_texts(self) -> list[str]:
        return [each.text for each in self.elements()]

    def input_value(self) -> str:
        return str(self.evaluate("(element) => element.value"))

    def is_visible(self) -> bool:
        try:
            return any(each.is_displayed() for each in self.elements())
        except WebDriverException:
            return False

    def bounding_box(self) -> dict[str, float]:
        box = self.evaluate("(element) => element.getBoundingClientRect().toJSON()")
        return {name: float(box[name]) for name in ("x", "y", "width", "height")}


def attribute_of(element: WebElement, name: str) -> str | None:
    """Return an attribute's value in the document."""
    value: str | None = element.get_dom_attribute(name)
    return value


def text_of(element: WebElement) -> str:
    """Return the whole text of an element, including hidden text."""
    return str(element.get_property("textContent"))


def _name(element: WebElement, role: str) -> str:
    """Return the name that WebKit computes, or the text for rows and cells, which have no name."""
    return element.accessible_name or (text_of(element) if role in NAMED_BY_CONTENT else "")


def _holds(outer: WebElement, inner: WebElement) -> bool:
    script = "return arguments[0] !== arguments[1] && arguments[0].contains(arguments[1])"
    return bool(outer.parent.execute_script(script, outer, inner))
