"""The page says numbers with the plural forms of the browser's `Intl`."""

import json
from pathlib import Path

import pytest
from babel import Locale
from playwright.sync_api import Browser, Page

from support.browser_page import PYTHON, make_app, result_of, script
from support.expecting import expect
from support.serving import serve

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "web"
ARABIC = WEB / "upload_page/locales/ar.json"
COUNTS = (0, 1, 2, 3, 10, 11, 99, 100, 102)
FIRST, LAST = "\u2068", "\u2069"  # isolates around a value
SAY_ALL = f"""
import json
import re
import js
from upload_page.browser.language import Intl
from upload_page.view.words.text import say_count, use

with open("upload_page/locales/ar.json", encoding="utf-8") as file:
    sentences = json.loads(file.read())
use("ar", sentences, Intl("ar"))
said = []
for key in sorted(sentences):
    if isinstance(sentences[key], dict):
        words = [say_count(key, count, done="7", percent="7%") for count in {COUNTS}]
        said.append([key, words])
js.document.body.setAttribute("data-result", json.dumps(said))
"""


def expected(forms: dict[str, str], count: int) -> str:
    sentence = forms[Locale("ar").plural_form(count)]
    for name, value in (("count", str(count)), ("done", "7"), ("percent", "7%")):
        sentence = sentence.replace(f"{{{name}}}", f"{FIRST}{value}{LAST}")
    return sentence


def test_every_arabic_sentence_with_a_count_has_the_form_of_the_number(
    runtime: str, browser: Browser
) -> None:
    code = script([*PYTHON, ("upload_page/locales/ar.json", ARABIC)], SAY_ALL)

    said = result_of(code, runtime, browser)

    sentences = json.loads(ARABIC.read_text("utf-8"))
    assert said == [
        [key, [expected(sentences[key], count) for count in COUNTS]]
        for key in sorted(sentences)
        if isinstance(sentences[key], dict)
    ]


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
