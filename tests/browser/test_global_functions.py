"""Functions of the global object that an application has called as methods of other objects."""

import pytest
from playwright.sync_api import Browser

from support.browser_page import PYTHON, result_of, script

pytestmark = pytest.mark.browser

CODE = """
import js
from pyscript.ffi import create_proxy
from ossferry_uploader.browser.network import BrowserNetwork

nothing = create_proxy(lambda *given: None)
js.document.addEventListener("unknown", nothing)
js.document.removeEventListener("unknown", nothing)
await BrowserNetwork().may_be_back(0.01)
js.document.body.setAttribute("data-result", '"waited"')
"""


def test_a_wait_for_the_network_ends(runtime: str, browser: Browser) -> None:
    """MicroPython would call `window.addEventListener` with the name of the event as `this`."""
    assert result_of(script(PYTHON, CODE), runtime, browser) == "waited"
