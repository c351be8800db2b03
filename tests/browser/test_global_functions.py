"""Functions of the global object that Python calls with the help of `web/bridge/bridge.js`."""

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
TIMER = """
import js
from pyscript.ffi import create_proxy

timer = js.ossferry.setTimeout(create_proxy(lambda: None), 0)
js.document.body.setAttribute("data-result", str(int(timer)))
"""


def test_a_wait_for_the_network_ends(runtime: str, browser: Browser) -> None:
    """MicroPython would call `window.addEventListener` with the name of the event as `this`."""
    assert result_of(script(PYTHON, CODE), runtime, browser) == "waited"


def test_a_python_timer_without_delay_uses_the_queue_of_the_page(
    runtime: str, browser: Browser
) -> None:
    """The queue leaves time for frames while a person scrolls; its timers have negative numbers."""
    assert result_of(script([], TIMER), runtime, browser) < 0
