"""The page says numbers with the plural forms of the browser's `Intl`."""

import pytest
from babel import Locale
from playwright.sync_api import Browser, Page

from support.browser_page import PYTHON, make_app, result_of, script
from support.expecting import expect
from support.serving import serve

pytestmark = pytest.mark.browser

COUNTS = (0, 1, 2, 3, 10, 11, 99, 100, 102)
TELL = f"""
import json
import js
from upload_page.browser.language import Intl

intl = Intl("ar")
found = [intl.plural(count) for count in {COUNTS}]
js.document.body.setAttribute("data-result", json.dumps(found))
"""


def test_a_number_has_the_plural_form_of_cldr(runtime: str, browser: Browser) -> None:
    found = result_of(script(PYTHON, TELL), runtime, browser)

    assert found == [Locale("ar").plural_form(count) for count in COUNTS]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "أُضيف ملف واحد. جارٍ البدء…"),
        (2, "أُضيف ملفان. جارٍ البدء…"),
        (3, "أُضيفت 3 ملفات. جارٍ البدء…"),
        (11, "أُضيف 11 ملفًا. جارٍ البدء…"),
    ],
)
def test_files_that_come_before_python_are_counted_in_arabic_too(
    page: Page, count: int, words: str
) -> None:
    with serve(make_app("")) as url:
        page.goto(f"{url}/micropython.ar")
        files = [
            {"name": f"{number}.txt", "mimeType": "text/plain", "buffer": b"x"}
            for number in range(count)
        ]
        page.set_input_files("#files", files)  # type: ignore[arg-type]

        expect(page.locator("#grant")).to_have_text(words)
