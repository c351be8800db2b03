"""The page's unit tests pass inside MicroPython and Pyodide, not only in CPython."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser_page import PYTHON, make_app, script
from support.expecting import expect
from support.serving import serve

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
WEB = TESTS.parent / "web"
INSIDE = Path(__file__).parent / "inside"
SOURCES = sorted((TESTS / "unit" / "web").rglob("test_*.py"))
MODULES = [path.relative_to(TESTS).with_suffix("").as_posix().replace("/", ".") for path in SOURCES]
SUPPORT = ("english.py", "fake_browser.py", "fake_checks.py", "fakes.py", "pages.py", "vectors.py")
TIMEOUT_MS = 170_000  # on a busy machine

Results = dict[str, list[tuple[str, str]]]


def code() -> str:
    """Return the code for the interpreters: the page's Python, its tests, and our small runner."""
    files = [
        *PYTHON,
        *((path.relative_to(TESTS).as_posix(), path) for path in SOURCES),
        ("upload_page/locales/en.json", WEB / "upload_page/locales/en.json"),
        *((path.name, path) for path in INSIDE.glob("*.py")),
        *((f"support/{name}", TESTS / "support" / name) for name in SUPPORT),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("*64.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("v4_*.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("post_*.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("client_*.json")),
    ]
    return script(files, f"import runner\nawait runner.run({MODULES!r})")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(make_app(code())) as url:
        yield url


@pytest.fixture(scope="module")
def results(address: str, runtime: str, browser: Browser) -> Results:
    """Run all tests once in one page with this interpreter."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto(f"{address}/{runtime}")
    body = page.locator("body")
    try:
        expect(body).to_have_attribute(
            "data-interpreter",
            {"micropython": "micropython", "pyodide": "cpython"}[runtime],
            timeout=TIMEOUT_MS,
        )
    except AssertionError as error:
        raise AssertionError("\n".join(errors)) from error
    text = body.get_attribute("data-results") or ""
    page.close()
    return {module: [(test, error) for test, error in tests] for module, tests in json.loads(text)}


@pytest.mark.parametrize("module", MODULES)
def test_module_passes_inside(module: str, results: Results) -> None:
    outcomes = results[module]

    assert outcomes, "the module has no tests"
    assert [(test, error) for test, error in outcomes if error] == []
