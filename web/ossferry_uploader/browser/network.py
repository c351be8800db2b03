"""Waits for the network to return, and checks whether our server answers."""

import asyncio

import js
from pyscript.ffi import create_proxy, to_js

from ossferry_uploader.browser.interop import JsException, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BrowserNetwork"]

SERVER = "/healthz"
TIMEOUT_MS = 5_000


class BrowserNetwork:
    """Checks the network and our server; implements the engine's interface `Network`.

    It does not use `navigator.onLine`, which is often wrong.
    """

    async def may_be_back(self, timeout_s: float) -> None:
        """Wait for the browser's `online` event, but not longer than `timeout_s` seconds."""
        woken = asyncio.Event()

        def wake(_event: "Any" = None) -> None:
            woken.set()

        proxy = create_proxy(wake)
        js.window.addEventListener("online", proxy)
        timer = js.setTimeout(proxy, timeout_s * 1000)
        try:
            await woken.wait()
        finally:
            js.clearTimeout(timer)
            js.window.removeEventListener("online", proxy)
            release(proxy)

    async def server_answers(self) -> bool:
        """Tell whether our server, or a proxy in front of it, sends any response to a request."""
        options = to_js({"cache": "no-store", "credentials": "omit"})
        options.signal = js.AbortSignal.timeout(TIMEOUT_MS)
        try:
            await js.fetch(SERVER, options)
        except JsException:
            return False
        return True
