"""The page's unit tests pass inside MicroPython and Pyodide, not only in CPython."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser_page import PYTHON, result_of, script
from support.english import FILES

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
WEB = TESTS.parent / "web"
INSIDE = Path(__file__).parent / "inside"
SOURCES = sorted((TESTS / "unit" / "web").rglob("test_*.py"))
MODULES = [path.relative_to(TESTS).with_suffix("").as_posix().replace("/", ".") for path in SOURCES]
SUPPORT = ("english.py", "fake_browser.py", "fake_checks.py", "fakes.py", "pages.py", "vectors.py")

Results = dict[str, list[tuple[str, str]]]


def code() -> str:
    """Return the code for the interpreters: the page's Python, its tests, and our small runner."""
    files = [
        *PYTHON,
        *((path.relative_to(TESTS).as_posix(), path) for path in SOURCES),
        *((f"upload_page/{name}", WEB / "upload_page" / name) for name in FILES),
        *((path.name, path) for path in INSIDE.glob("*.py")),
        *((f"support/{name}", TESTS / "support" / name) for name in SUPPORT),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("*64.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("v4_*.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("post_*.json")),
        *((f"vectors/{path.name}", path) for path in (TESTS / "vectors").glob("client_*.json")),
    ]
    return script(files, f"import runner\nawait runner.run({MODULES!r})")


@pytest.fixture(scope="module")
def results(runtime: str, browser: Browser) -> Results:
    """Run all tests once in one page with this interpreter."""
    interpreter, results = result_of(code(), runtime, browser)
    assert interpreter == {"micropython": "micropython", "pyodide": "cpython"}[runtime]
    return {module: [(test, error) for test, error in tests] for module, tests in results}


@pytest.mark.parametrize("module", MODULES)
def test_module_passes_inside(module: str, results: Results) -> None:
    outcomes = results[module]

    assert outcomes, "the module has no tests"
    assert [(test, error) for test, error in outcomes if error] == []
