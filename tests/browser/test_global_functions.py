"""Functions of the global object that an application has called as methods of other objects."""

import pytest
from playwright.sync_api import Browser

from support.browser_page import PYTHON, make_app, script
from support.expecting import expect
from support.serving import serve

pytestmark = pytest.mark.browser

CODE = """
import js
from pyscript.ffi import create_proxy
from ossferry_uploader.browser.network import BrowserNetwork

nothing = create_proxy(lambda *given: None)
js.document.addEventListener("unknown", nothing)
js.document.removeEventListener("unknown", nothing)
await BrowserNetwork().may_be_back(0.01)
js.document.body.setAttribute("data-found", "waited")
"""


def test_a_wait_for_the_network_ends(runtime: str, browser: Browser) -> None:
    """MicroPython would call `window.addEventListener` with the name of the event as `this`."""
    with serve(make_app(script(PYTHON, CODE))) as url:
        page = browser.new_page()
        page.goto(f"{url}/{runtime}")

        expect(page.locator("body")).to_have_attribute("data-found", "waited", timeout=60_000)
        page.close()
